"""A workload under ftc. Argument: its name."""

import ftc
from commits import CommitLog
from workloads import WORKLOADS


def train(job: ftc.Job) -> None:
    workload = WORKLOADS[job.args[0]]
    model = workload.model()
    job.register(model=model, optimizer=workload.optimizer(model.parameters()))
    log = CommitLog()
    for batch in job.batches(workload.data(), batch_size=workload.batch):
        # Asked before the step: after its commit the worker may be on its way to the next generation.
        rank, world = job.rank, job.world_size
        generation = job.loop.membership.generation if job.loop is not None else 0
        if job.step(workload.loss(model, batch.parts)):
            log.add(job.step_number, rank, world, generation)


ftc.run(train)
