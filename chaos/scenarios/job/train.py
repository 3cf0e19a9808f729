"""The small job of the chaos scenarios: a net on made-up data, with all that makes equal bits hard, and a pause a slice so that
there is time to break it. Arguments: `pause=0.015` seconds a slice, `ballast=0` megabytes that every checkpoint carries besides."""

import time

import ftc
import torch
from torch import nn

SAMPLES, BATCH = 4_800, 96


def option(job: ftc.Job, name: str, usual: float) -> float:
    return next((float(arg.partition("=")[2]) for arg in job.args if arg.startswith(f"{name}=")), usual)


def train(job: ftc.Job) -> None:
    pause = option(job, "pause", 0.015)
    x = torch.randn(SAMPLES, 16)
    y = (x.sum(1) > 0).long()
    model = nn.Sequential(nn.Linear(16, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 2))
    model.register_buffer("ballast", torch.zeros(int(option(job, "ballast", 0) * 250_000)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1_000)
    job.register(model=model, optimizer=optimizer, scheduler=schedule, clip_norm=1.0)
    for batch in job.batches((x, y), batch_size=BATCH):
        time.sleep(pause)
        job.step(nn.functional.cross_entropy(model(batch.x), batch.y))
    model.eval()
    job.log(accuracy=float((model(x).argmax(1) == y).float().mean()))


ftc.run(train)
