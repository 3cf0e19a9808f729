"""A workload under ftc with and without the replica check, in stretches of steps by turns. Arguments: its name, pairs, steps a stretch.

Without: this worker says 0 of its state and looks at nothing, as all workers do in the same steps. Rank 0 leaves
`commits/result.json`: for every pair the seconds that both stretches took, and the CPU seconds that the check itself took.
"""

import json
import os
import time
from pathlib import Path

import ftc
from commits import CommitLog
from ftc.replicas.check import ReplicaCheck
from ftc.replicas.coverage import Coverage
from ftc.replicas.leaves import of_state
from ftc.state import Registered
from workloads import WORKLOADS

WARM = 20
"""Steps before the first pair."""


class Switch:
    """Of the check in this process; adds up the CPU seconds that it takes."""

    def __init__(self) -> None:
        self.on = True
        self.seconds = 0.0
        value, agreed = ReplicaCheck.value, ReplicaCheck.agreed

        def counted_value(check: ReplicaCheck, step: int) -> int:
            begun = time.thread_time()
            found = value(check, step) if self.on else 0
            self.seconds += time.thread_time() - begun
            return found

        def counted_agreed(check: ReplicaCheck, step: int) -> None:
            begun = time.thread_time()
            if self.on:
                agreed(check, step)
            self.seconds += time.thread_time() - begun

        ReplicaCheck.value, ReplicaCheck.agreed = counted_value, counted_agreed


def train(job: ftc.Job) -> None:
    name, pairs, length = job.args[0], int(job.args[1]), int(job.args[2])
    workload = WORKLOADS[name]
    model = workload.model()
    optimizer = workload.optimizer(model.parameters())
    job.register(model=model, optimizer=optimizer)
    log, switch = CommitLog(), Switch()
    found: list[dict[str, float]] = []
    stretches: list[tuple[bool, float, float]] = []
    begun = time.perf_counter()
    for batch in job.batches(workload.data(), batch_size=workload.batch):
        rank, world = job.rank, job.world_size
        if not job.step(workload.loss(model, batch.parts)):
            continue
        log.add(job.step_number, rank, world, 0)
        done = job.step_number - WARM
        if done < 0 or done % length != 0 or len(found) == pairs:
            continue
        now = time.perf_counter()
        if done > 0:
            stretches.append((switch.on, now - begun, switch.seconds))
        if len(stretches) == 2:
            sides = {on: (seconds, check) for on, seconds, check in stretches}
            found.append({"with": sides[True][0], "without": sides[False][0], "check": sides[True][1]})
            stretches.clear()
        # with, without; without, with; and so on
        switch.on = (done // length) % 4 in (0, 3)
        switch.seconds = 0.0
        begun = time.perf_counter()
        if len(found) == pairs:
            switch.on = True
        if len(found) == pairs and rank == 0:
            leave(found, length, model, optimizer)


def leave(found: list[dict[str, float]], length: int, model, optimizer) -> None:
    leaves = of_state(Registered(model, optimizer).capture())
    size = sum(tensor.numel() * tensor.element_size() for _, tensor in leaves.tensors)
    path = Path(os.environ["CHECKPOINT_DIR"]) / "commits" / "result.json"
    path.with_suffix(".new").write_text(json.dumps({"bytes": size, "within": Coverage(leaves).steps, "length": length, "pairs": found}))
    path.with_suffix(".new").rename(path)


ftc.run(train)
