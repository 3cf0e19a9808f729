"""Stands beside a generated script, which calls `point` with each slice: there, a run waits for what is to be broken.

A number among the job's arguments is a pause before each slice, in seconds. Files beside the job's checkpoints say what else
happens: `hold-5` makes all wait before step 5, `hold-5-b` worker b alone, until the file is gone; `held-5` says that one
does. `flip-5-b` makes worker b flip one bit of the parameter, buffer or optimizer's moment whose number stands in the file, once.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import torch

WORKER = os.environ.get("FTC_WORKER_ID", "")


def point(job: Any, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    root: Path = job.checkpoint_dir.parent
    step = job.step_number
    time.sleep(sum(map(float, job.args)))
    flip(root / f"flip-{step}-{WORKER}", job, model, optimizer)
    while (root / f"hold-{step}").exists() or (root / f"hold-{step}-{WORKER}").exists():
        (root / f"held-{step}").touch()
        time.sleep(0.002)


def note(job: Any, step: int) -> None:
    """A side effect that everybody can see."""
    with (job.checkpoint_dir.parent / "noted").open("a") as file:
        file.write(f"{step}\n")


def flip(order: Path, job: Any, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """One bit of a tensor in this worker's memory, as cosmic radiation would.

    Not of what forward moves: between a slice's arrival and its forward pass a flip there is a fault in that computation, which shows
    to those alone that compute twice.
    """
    try:
        number = int(order.read_text())
        order.unlink()
    except FileNotFoundError:
        return
    moments = [value for state in optimizer.state.values() for value in state.values() if isinstance(value, torch.Tensor)]
    moving = job.loop._slices.moving
    held = [value for name, value in [*model.named_parameters(), *model.named_buffers()] if f"model.{name}" not in moving] + moments
    tensors = [t for t in held if t.layout == torch.strided and t.numel() > 0 and t.is_contiguous() and t.is_floating_point()]
    raw = tensors[number % len(tensors)].detach().reshape(-1).view(torch.uint8)
    at = number % len(raw)
    raw[at] = raw[at] ^ 4
