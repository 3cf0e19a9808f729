"""Side effects of committed steps with job.once, two a step; each writes a line. block=WORKER: that one waits before it has run.

place=start|ended|slice calls it where it does not belong.
"""

import torch
from torch import nn

import ftc
from script_places import WORKER, options, wait


def train(job: ftc.Job) -> None:
    told = options(job)
    path = job.checkpoint_dir.parent / "effects"

    def effect(name: str) -> None:
        wait(job, f"before-{name}")
        with open(path, "a") as file:
            file.write(f"{job.step_number} {name}\n")
        wait(job, f"after-{name}")

    torch.manual_seed(2)
    x = torch.randn(96, 8)
    model = nn.Linear(8, 2)
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    if told.get("place") == "start":
        job.begin()
        job.once(lambda: None)
    for batch in job.batches(x, batch_size=24):
        if told.get("place") == "slice":
            job.once(lambda: None)
        if job.step(model(batch.x).square().mean()):
            job.once(lambda: effect("one"))
            job.once(lambda: effect("two"))
            wait(job, "committed")
            job.log(noted=job.step_number)
    if told.get("place") == "ended":
        job.once(lambda: None)
    print("ended", WORKER)


ftc.run(train)
