"""Samples from a DataLoader with processes of its own, drawn and augmented at random. Arguments: how many, as "2" or "2/spawn"; then as tiny.py's."""

import os
import random
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

import ftc


class Noisy(Dataset[dict[str, torch.Tensor]]):
    def __len__(self) -> int:
        return 112

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        noise = 0.1 * torch.randn(8) + float(np.random.normal(0, 0.1)) + random.gauss(0, 0.1)
        x = torch.randn(8, generator=torch.Generator().manual_seed(number)) + noise
        return {"x": x, "y": (x.sum() > 0).long()}


def hold(job: ftc.Job) -> None:
    for rule in job.args[1:]:
        step, worker = rule.split(":")
        if job.step_number == int(step) and worker in ("*", os.environ["FTC_WORKER_ID"]):
            while not (job.checkpoint_dir.parent / "go").exists():
                time.sleep(0.002)


def train(job: ftc.Job) -> None:
    model = nn.Sequential(nn.Linear(8, 33), nn.ReLU(), nn.Dropout(0.3), nn.Linear(33, 2))
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    weights = WeightedRandomSampler([1.0 + number % 5 for number in range(112)], 112)
    count, _, context = job.args[0].partition("/")
    loader = DataLoader(
        Noisy(), batch_size=24, sampler=weights, num_workers=int(count), multiprocessing_context=context or None
    )
    for batch in job.batches(loader):
        hold(job)
        job.step(nn.functional.cross_entropy(model(batch["x"]), batch["y"]))
    print("ended", job.step_number, file=sys.stderr)


ftc.run(train)
