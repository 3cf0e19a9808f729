"""A loop over job.steps with code before a step's slices that touches what is registered.

head=forward: a forward pass in training mode. =scale: a parameter. =decay: the learning rate, from what it was. =rate: the learning rate, from
the step's number. =evaluate: the same, and before step 5 an evaluation, by whose result the model changes.
=slices: the same, in each slice of job.batches.
begin=scale: a parameter is changed between job.begin and the loop. =rate: the learning rate. =evaluate: something is evaluated there.
=draw: random numbers that the slices use are drawn there.
=by-score: without job.begin, the model is changed by the result of an evaluation.
flip=5: worker b changes a bit of its model in that place of step 6, once in the job.
stay=a: worker a stays in an evaluation once others have joined it.
"""

import torch
from torch import nn

import ftc
from script_places import WORKER, options, scoring, wait


def train(job: ftc.Job) -> None:
    told = options(job)
    head, flip = told["head"], told.get("flip")
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(112, 8, generator=generator)
    y = (x.sum(1) > 0).long()
    torch.manual_seed(2)
    model = nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, 2))
    weight = model[1].weight
    assert isinstance(weight, nn.Parameter)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    job.register(model=model, optimizer=optimizer)
    (group,) = optimizer.param_groups

    if head == "slices":
        for batch in job.batches((x, y), batch_size=24):
            group["lr"] = 0.02 / (1 + job.step_number)
            wait(job, "slice")
            if job.step(nn.functional.cross_entropy(model(batch.x), batch.y)):
                wait(job, "tail")
        return
    steps, begin = job.steps((x, y), batch_size=24), told.get("begin")
    if begin not in (None, "by-score"):
        job.begin()
    if begin == "by-score":
        found = job.evaluate(scoring(job, model), (x, y))
        with torch.no_grad():
            weight.mul_(1 - 0.001 * float(found))
    elif begin == "scale":
        with torch.no_grad():
            weight.mul_(0.99)
    elif begin == "rate":
        group["lr"] = 0.02
    elif begin == "evaluate":
        job.evaluate(scoring(job, model), (x, y))
    shift = torch.randn(8) if begin == "draw" else torch.zeros(8)
    for step in steps:
        if head == "forward":
            model(x[:8])
        elif head == "scale":
            with torch.no_grad():
                weight.mul_(0.99)
        elif head == "decay":
            group["lr"] *= 0.9
        else:
            group["lr"] = 0.02 / (1 + step.number)
        if head == "evaluate" and step.number == 4:
            found = job.evaluate(scoring(job, model), (x, y))
            with torch.no_grad():
                weight.mul_(1 - 0.001 * float(found))
        done = job.checkpoint_dir.parent / "flipped"
        if flip == str(step.number) and WORKER == "b" and not done.exists():
            done.touch()
            weight.detach().numpy().reshape(-1).view("uint8")[5] ^= 4
        for batch in step:
            wait(job, "slice")
            step.backward(nn.functional.cross_entropy(model(batch.x + shift), batch.y))
        step.commit()
        wait(job, "tail")


ftc.run(train)
