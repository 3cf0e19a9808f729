"""Evaluates held-out data at the places that at=start,body,committed,ended,slices,between names. The function waits at `part` in one worker.

kind=… is what it returns. follow=in-place or data: forward changes parameters. A model with BatchNorm and dropout, evaluated in the mode that it has in training.
"""

from typing import Any

import torch
from torch import nn

import ftc
from script_places import WORKER, options, save, tell, wait

generator = torch.Generator().manual_seed(1)
X = torch.randn(112, 8, generator=generator)
Y = (X.sum(1) > 0).long()
HELD_OUT = torch.randn(50, 8, generator=generator)


class Followed(nn.Module):
    """A layer that a second one follows with each forward pass, whatever it is for."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.first, self.second = nn.Linear(8, 17), nn.Linear(8, 17)
        self.second.requires_grad_(False)

    @torch.no_grad()
    def follow(self) -> None:
        for mine, theirs in zip(self.second.parameters(), self.first.parameters()):
            target = mine.data if self.how == "data" else mine
            target.mul_(0.9).add_(theirs, alpha=0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.follow()
        total: torch.Tensor = self.first(x) + self.second(x)
        return total


class Evaluation:
    def __init__(self, job: ftc.Job, model: nn.Module) -> None:
        self.job, self.model = job, model
        self.told = options(job)
        self.at = self.told.get("at", "").split(",")

    def __call__(self, place: str) -> None:
        if place not in self.at or self.job.step_number % 5:
            return
        for number in range(int(self.told.get("times", "1"))):
            self.place = place
            total = self.job.evaluate(self.part, HELD_OUT, batch_size=30)
            tell(self.job, step=self.job.step_number, place=place, number=number, total=flat(total))

    def part(self, batch: ftc.Batch) -> Any:
        number = int(batch.indices[0]) // 5
        wait(self.job, f"part-{self.place}")
        tell(self.job, part=number, step=self.job.step_number, place=self.place)
        out = self.model(batch.x)
        kind = self.told.get("kind", "number")
        if kind == "kinds" and number == 3:
            return "text" if "text" in self.told else {"sum": 1.0}
        if kind == "nested":
            return {"sum": out.sum(), "parts": (len(batch), [out.abs().sum(0), True])}
        return out.sum().item() + torch.rand(()).item()


def flat(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: flat(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [flat(item) for item in value]
    return value.tolist() if isinstance(value, torch.Tensor) else value.hex() if isinstance(value, float) else value


def train(job: ftc.Job) -> None:
    torch.manual_seed(2)
    first = Followed(options(job)["follow"]) if "follow" in options(job) else nn.Linear(8, 17)
    model = nn.Sequential(first, nn.BatchNorm1d(17), nn.ReLU(), nn.Dropout(0.3), nn.Linear(17, 2))
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    evaluation = Evaluation(job, model)
    if "start" in evaluation.at:
        job.begin()
        evaluation("start")
    if evaluation.told.get("loop") == "batches":
        for batch in job.batches((X, Y), batch_size=24):
            evaluation("slices")
            wait(job, "slice")
            if job.step(nn.functional.cross_entropy(model(batch.x), batch.y)):
                evaluation("committed")
    else:
        for step in job.steps((X, Y), batch_size=24):
            evaluation("body")
            for batch in step:
                wait(job, "slice")
                step.backward(nn.functional.cross_entropy(model(batch.x), batch.y))
            evaluation("between")
            step.commit()
            wait(job, "committed")
            evaluation("committed")
    evaluation("ended")
    save(job, model)
    print("ended", WORKER)


ftc.run(train)
