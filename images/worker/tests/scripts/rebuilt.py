"""A model that the script rebuilds at step 4, as its argument says: prune, parametrize or larger. It waits before step 7 for `go`. With
two more arguments, such as `5 once`, a bit of worker b's model flips after that step: `once` in the job, or `always`."""

import os
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize, prune

import ftc


class Double(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


def rebuild(kind: str, model: Any, optimizer: torch.optim.Optimizer) -> None:
    if kind == "prune" and not prune.is_pruned(model[0]):  # type: ignore[no-untyped-call]
        prune.l1_unstructured(model[0], "weight", 0.5)  # type: ignore[no-untyped-call]
    if kind == "parametrize" and not parametrize.is_parametrized(model[0]):
        parametrize.register_parametrization(model[0], "weight", Double())
    if kind == "larger" and len(model) == 3:
        layer = nn.Linear(2, 2)
        model.append(layer)
        optimizer.add_param_group({"params": list(layer.parameters()), "lr": 0.02})


def flip(job: ftc.Job, tensor: torch.Tensor) -> None:
    done = job.checkpoint_dir.parent / "flipped"
    if os.environ["FTC_WORKER_ID"] in "bd" and not (job.args[2] == "once" and done.exists()):
        done.touch()
        tensor.detach().numpy().view("uint8")[5] ^= 4


def train(job: ftc.Job) -> None:
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(96, 8, generator=draw)
    y = (x.sum(1) > 0).long()
    model = nn.Sequential(nn.Linear(8, 12), nn.BatchNorm1d(12), nn.Linear(12, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    job.register(model=model, optimizer=optimizer)
    for batch in job.batches((x, y), batch_size=24):
        while job.step_number == 7 and not (job.checkpoint_dir.parent / "go").exists():
            pass
        if job.step_number >= 4:
            rebuild(job.args[0], model, optimizer)
        if job.step(F.cross_entropy(model(batch.x), batch.y)) and job.args[2:] and job.step_number == int(job.args[1]):
            flip(job, model[0].bias)


ftc.run(train)
