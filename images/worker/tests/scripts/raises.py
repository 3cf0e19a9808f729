"""Fails in one of the ways that a script can: its argument says how."""

import torch

import ftc


def train(job: ftc.Job) -> None:
    (how,) = job.args
    if how == "no-loop":
        return
    if how == "early":
        raise ValueError("before the loop")
    model = torch.nn.Linear(1, 1)
    job.register(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    for batch in job.batches(torch.ones(24, 1)):
        if how == "in-loop" and job.step_number == 2:
            raise ValueError("in the loop")
        if how == "break":
            break
        if how != "no-step":
            job.step(model(batch.x).mean())


ftc.run(train)
