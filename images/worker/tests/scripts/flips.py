"""Bits that flip in one worker's memory, once, as arguments say: `4:b:weight` after step 4 in worker b, `4:b:weight:in` within its
next slice, `4:b:weight:read` while the samples of its next step are read. Nothing of torch sees it happen. Other arguments are names of what else is odd about the script; with `hold`, all
wait before step 3 until the file `go` is there.
"""

import os
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import ftc
from ftc.digest import digest

DONE: set[str] = set()


class Samples(torch.utils.data.Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """`read` is called before each."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor, read: Callable[[], None]) -> None:
        self.x, self.y, self.read = x, y, read

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.read()
        return self.x[index], self.y[index]


def flip(tensor: torch.Tensor) -> None:
    raw = tensor.detach().numpy().reshape(-1).view("uint8")
    raw[len(raw) // 2] ^= 4


def act(what: str, model: nn.Sequential, optimizer: Any, scheduler: Any) -> None:
    state = optimizer.state[model[0].weight]
    tensors = {"weight": model[0].weight, "mean": model[1].running_mean, "scale": model.scale, **state}
    if what == "rate":
        optimizer.param_groups[0]["lr"] *= 1 + 2**-50
    elif what == "schedule":
        scheduler.last_epoch ^= 1
    else:
        flip(tensors[what])


def told(job: ftc.Job, *objects: Any) -> None:
    """The digest of the state as it is."""
    state = dict(zip(("model", "optimizer", "scheduler"), (one.state_dict() for one in objects)))
    print("digest", job.step_number, digest(state), flush=True)


def train(job: ftc.Job) -> None:
    rules = [rule.split(":") for rule in job.args if ":" in rule]
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(112, 8, generator=generator)
    y = (x.sum(1) > 0).long()
    width = 40_000 if "large" in job.args else 33
    model = nn.Sequential(nn.Linear(8, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.3), nn.Linear(width, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    model.register_buffer("scale", torch.linspace(0.5, 2, 8))
    job.register(model=model, optimizer=optimizer, scheduler=scheduler)
    if "late" in job.args:
        with torch.no_grad():
            model[0].bias.fill_(0.25)

    def happens(when: str) -> None:
        for rule in rules:
            key = ":".join(rule)
            if "".join(rule[3:]) == when and int(rule[0]) == job.step_number and rule[1] == os.environ["FTC_WORKER_ID"] and key not in DONE:
                DONE.add(key)
                act(rule[2], model, optimizer, scheduler)

    data = Samples(x, y, lambda: happens("read")) if "read" in "".join(job.args) else (x, y)
    for batch in job.batches(data, batch_size=24):
        while "hold" in job.args and job.step_number == 3 and not (job.checkpoint_dir.parent / "go").exists():
            time.sleep(0.002)
        happens("in")
        if job.step(nn.functional.cross_entropy(model(batch.x * model.scale), batch.y)):
            if "tell" in job.args:
                told(job, model, optimizer, scheduler)
            happens("")
            if "log" in job.args:
                job.log(norm=float(model[0].weight.detach().norm()))
            if "rank" in job.args and job.rank == 1 and job.step_number > 3:
                with torch.no_grad():
                    model[0].bias.add_(0.5)


ftc.run(train)
