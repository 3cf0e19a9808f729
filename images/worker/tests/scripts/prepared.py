"""A loop over job.steps that computes something before a step's slices: head=number (from the step's number), =state (from the model), or
=none (with each slice, so that nothing stands there). wrap=own: the loop's steps come through a generator of the script's own, wrap=map:
through map, which computes it. place=line: on the line of the loop over the slices.
after=evaluate: every fourth step changes the model by the result of an evaluation. flip=7: worker b changes a bit of its model after step 7, once in the job, or with always=yes each time.
stay=a: worker a stays in an evaluation once others have joined it."""

import itertools
from collections.abc import Iterable, Iterator

import torch
from torch import nn

import ftc
from script_places import WORKER, options, scoring, wait


def scale_of(number: int, model: nn.Linear, kind: str) -> float:
    return 1.0 / (1 + number) if kind != "state" else float(model.weight.detach().norm())


def passed_on(steps: Iterable[ftc.Step]) -> Iterator[ftc.Step]:
    for step in steps:
        yield step


def flip(job: ftc.Job, model: nn.Linear, at: int) -> None:
    done = job.checkpoint_dir.parent / "flipped"
    if job.step_number == at and WORKER == "b" and ("always=yes" in job.args or not done.exists()):
        done.touch()
        model.weight.detach().numpy().reshape(-1).view("uint8")[5] ^= 4


def train(job: ftc.Job) -> None:
    told = options(job)
    kind, at = told.get("head", "number"), int(told.get("flip", -1))
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(112, 8, generator=generator)
    y = (x.sum(1) > 0).long()
    torch.manual_seed(2)
    model = nn.Linear(8, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    job.register(model=model, optimizer=optimizer)
    steps: Iterable[ftc.Step] = job.steps((x, y), batch_size=24)
    if told.get("wrap") == "own":
        steps = passed_on(steps)
    if told.get("wrap") == "map":
        scales: list[float] = []

        def prepared(step: ftc.Step) -> ftc.Step:
            scales.append(scale_of(step.number, model, kind))
            return step

        for step in map(prepared, steps):
            for batch in step:
                wait(job, "slice")
                step.backward(nn.functional.cross_entropy(model(batch.x), batch.y) * scales[-1])
            step.commit()
            flip(job, model, at)
        return
    if told.get("place") == "line":
        for step in steps:
            for batch, scale in zip(step, itertools.repeat(scale_of(step.number, model, kind))):
                wait(job, "slice")
                step.backward(nn.functional.cross_entropy(model(batch.x), batch.y) * scale)
            step.commit()
            flip(job, model, at)
        return
    if kind == "none":
        for step in steps:
            for batch in step:
                wait(job, "slice")
                step.backward(nn.functional.cross_entropy(model(batch.x), batch.y) * scale_of(step.number, model, kind))
            step.commit()
            flip(job, model, at)
        return
    for step in steps:
        scale = scale_of(step.number, model, kind)
        for batch in step:
            wait(job, "slice")
            step.backward(nn.functional.cross_entropy(model(batch.x), batch.y) * scale)
        step.commit()
        flip(job, model, at)
        if told.get("after") == "evaluate" and job.step_number % 4 == 0:
            found = job.evaluate(scoring(job, model), (x, y))
            with torch.no_grad():
                model.weight.mul_(1 - 0.001 * float(found))


ftc.run(train)
