"""Where a script waits for its test, and what it tells it.

An argument `slice:4:b` makes worker b wait at the place `slice` of step 4 until the file `go` is there; `*` is every worker or step.
Arguments `name=value` are the script's own.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import torch

import ftc

WORKER = os.environ["FTC_WORKER_ID"]


def options(job: ftc.Job) -> dict[str, str]:
    return dict(word.split("=", 1) for word in job.args if "=" in word)


def wait(job: ftc.Job, place: str) -> None:
    root, step = job.checkpoint_dir.parent, str(job.step_number)
    for rule in job.args:
        if "=" in rule:
            continue
        where, when, who = rule.split(":")
        if where == place and when in ("*", step) and who in ("*", WORKER):
            (root / f"at.{place}.{step}.{WORKER}").touch()
            while not (root / "go").exists():
                time.sleep(0.002)


def stay(job: ftc.Job, place: str) -> None:
    """Until it is killed."""
    (job.checkpoint_dir.parent / f"at.{place}.{job.step_number}.{WORKER}").touch()
    while True:
        time.sleep(60)


def scoring(job: ftc.Job, model: torch.nn.Module) -> Callable[[ftc.Batch], torch.Tensor]:
    """How many samples of a part the model has right: waits at `evaluate`. With stay=a worker a stays there once others have joined it."""

    def score(held: ftc.Batch) -> torch.Tensor:
        wait(job, "evaluate")
        if options(job).get("stay") == WORKER and job.world_size > 1:
            stay(job, "stay")
        right: torch.Tensor = model(held.x).argmax(1).eq(held.y).sum()
        return right

    return score


def tell(job: ftc.Job, **facts: Any) -> None:
    """A line of JSON in this worker's own file. Floats to the bit."""
    exact = {name: value.hex() if isinstance(value, float) else value for name, value in facts.items()}
    with open(job.checkpoint_dir.parent / f"{WORKER}.facts", "a") as file:
        file.write(json.dumps(exact) + "\n")


def save(job: ftc.Job, model: torch.nn.Module) -> None:
    torch.save(model.state_dict(), job.checkpoint_dir.parent / f"{WORKER}.end")
