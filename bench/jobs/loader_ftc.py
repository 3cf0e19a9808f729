"""Samples that are costly to prepare, under ftc, through a DataLoader as people write it."""

import ftc
import torch.nn.functional as F
from torch.utils.data import DataLoader

from commits import CommitLog
from decoding import Pictures
from loader_model import BATCH, PROCESSES, model, optimizer


def train(job: ftc.Job) -> None:
    net = model()
    job.register(model=net, optimizer=optimizer(net))
    loader = DataLoader(Pictures(), batch_size=BATCH, shuffle=True, num_workers=PROCESSES, persistent_workers=True)
    log = CommitLog()
    for x, y in job.batches(loader):
        # Asked before the step: after its commit the worker may be on its way to the next generation.
        rank, world = job.rank, job.world_size
        generation = job.loop.membership.generation if job.loop is not None else 0
        if job.step(F.cross_entropy(net(x), y)):
            log.add(job.step_number, rank, world, generation)


ftc.run(train)
