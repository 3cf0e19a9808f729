"""Ends training early with job.finish: at=committed|body|slice, when=STEP, who=* or a worker. loop=steps|batches; begin=yes."""

import torch
from torch import nn

import ftc
from script_places import WORKER, options, tell, wait


def train(job: ftc.Job) -> None:
    told = options(job)

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
