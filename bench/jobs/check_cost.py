"""What the replica check costs, beside the step that it is part of: each workload's own, in turns, in one process.

    docker run --rm -v "$PWD/bench/jobs":/bench:ro -e PYTHONPATH=/opt/ftc:/bench --entrypoint python3 ftc-worker:0.1.0 /bench/check_cost.py

A step here is the forward and backward passes of one worker's third of the global batch and the optimizer, without communication:
a real step takes longer, so the real share is smaller. Times are CPU times of the process, which a busy machine disturbs least.
"""

from __future__ import annotations

import statistics
import time

import torch

from ftc.replicas.check import ReplicaCheck
from ftc.replicas.coverage import Coverage
from ftc.replicas.leaves import of_state
from ftc.state import Registered
from workloads import WORKLOADS

NAMES = ("fashion-cnn", "large-mlp", "char-gpt")
ROUNDS = 5
STEPS = 64
WORKERS = 3


def timed(act) -> float:
    begun = time.process_time()
    act()
    return time.process_time() - begun


def main() -> None:
    torch.set_num_threads(1)
    print("model        state    compared in   check, ms   step, ms   share: median (least-greatest of rounds)")
    for name in NAMES:
        torch.manual_seed(0)
        workload = WORKLOADS[name]
        model, data = workload.model(), workload.data()
        optimizer = workload.optimizer(model.parameters())
        own = Registered(model, optimizer)
        check = ReplicaCheck(own.capture)
        parts = tuple(tensor[: workload.batch // WORKERS] for tensor in data)

        def step() -> None:
            optimizer.zero_grad()
            workload.loss(model, parts).backward()
            optimizer.step()

        step()
        check.begin(1)
        number = 1
        shares, checks, steps = [], [], []
        for _ in range(ROUNDS):
            spent = [0.0, 0.0]
            for _ in range(STEPS):
                spent[0] += timed(lambda: check.value(number))
                check.agreed(number)
                spent[1] += timed(step)
                number += 1
            checks.append(spent[0] / STEPS * 1000)
            steps.append(spent[1] / STEPS * 1000)
            shares.append(spent[0] / spent[1] * 100)
        leaves = of_state(own.capture())
        state = sum(t.numel() * t.element_size() for _, t in leaves.tensors)
        print(
            f"{name:12} {state / 1e6:5.2f} MB  {Coverage(leaves).steps:3} steps    {statistics.median(checks):8.3f}   {statistics.median(steps):8.1f}"
            f"   {statistics.median(shares):.2f} % ({min(shares):.2f}-{max(shares):.2f})",
            flush=True,
        )


main()
