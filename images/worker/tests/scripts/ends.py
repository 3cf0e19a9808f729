"""Ends training early with job.finish: at=committed|body|slice, when=STEP, who=* or a worker. loop=steps|batches; begin=yes.
breaks=b: in worker b the reduction in which all say that they end breaks, when it has ended in the others; once."""

from typing import Any

import torch
from torch import nn

import ftc
from ftc import control
from ftc.attempt import Attempt
from ftc.errors import Broken
from script_places import WORKER, options, tell, wait


def breaks() -> None:
    whole, left = Attempt.reduce, [1]

    def reduce(self: Attempt, row: Any) -> Any:
        agreed = whole(self, row)
        if left and agreed.any(control.FINISH):
            left.clear()
            raise Broken("for the test")
        return agreed

    Attempt.reduce = reduce  # type: ignore[method-assign]


def train(job: ftc.Job) -> None:
    told = options(job)
    if told.get("breaks") == WORKER:
        breaks()

    def maybe(place: str) -> None:
        if place == told.get("at") and job.step_number == int(told["when"]) and told.get("who", "*") in ("*", WORKER):
            job.finish(" good enough ")
            tell(job, finished=job.step_number)
            wait(job, "finished")

    torch.manual_seed(2)
    x = torch.randn(96, 8)
    model = nn.Sequential(nn.Linear(8, 17), nn.BatchNorm1d(17), nn.Linear(17, 2))
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    if "begin" in told:
        tell(job, began=job.begin())
    if told.get("loop") == "batches":
        for batch in job.batches(x, batch_size=24):
            tell(job, slice=job.step_number)
            maybe("slice")
            wait(job, "slice")
            if job.step(model(batch.x).square().mean()):
                maybe("committed")
    else:
        for step in job.steps(x, batch_size=24):
            maybe("body")
            wait(job, "body")
            for batch in step:
                tell(job, slice=job.step_number)
                step.backward(model(batch.x).square().mean())
            committed = step.commit()
            assert committed or told.get("at") == "body"
            if committed:
                maybe("committed")
    tell(job, ended=job.step_number)


ftc.run(train)
