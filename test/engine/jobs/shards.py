"""Counts every sample of every epoch, in two ways, while it trains on shards.

`seen` is a parameter: a step adds 1 to the numbers of its samples through the gradient itself, so that it is a part of the state
that is reduced, committed, checkpointed and moved. And each worker writes down which samples it had in which committed step.
At the end both are looked at: `once` is the share of (epoch, sample) that was trained on exactly once; `twice` counts samples
that were read in two steps of one epoch.

Arguments: the shards' folder or address, then any of `window=4`, `pause=0.01` (seconds a slice) and `hold=7` (waits before step 7
until the file `go` is beside the job's checkpoints) and `memory=yes` (the same samples
without shards).
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import ftc
import torch
from torch import nn

BATCH, EPOCHS, ROOM = 48, 3, 4096
"""`ROOM` for so many samples: the model is the same for any shards."""

OPTIONS = dict(word.split("=") for word in sys.argv[2:])
ME = os.environ.get("FTC_WORKER_ID") or os.uname().nodename


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
        self.seen = nn.Parameter(torch.zeros(EPOCHS, ROOM))

    def forward(self, x: torch.Tensor, numbers: torch.Tensor, epoch: int, size: int) -> torch.Tensor:
        """The mean loss of a slice of a step with `size` samples. The gradient of what was seen is 1 a sample."""
        counted = self.seen[epoch, numbers].mean() * size
        return self.net(x).squeeze(1).sub(x.sum(1)).square().mean() + counted - counted.detach()


def sample(record: dict[str, Any]) -> tuple[torch.Tensor, int]:
    n = record["n"]
    return torch.tensor([n % 7, n % 11, n % 13, 1.0]) / 13 + 0.1 * torch.randn(4), n


def hold(job: ftc.Job) -> None:
    step = int(OPTIONS.get("hold", -1))
    while job.step_number == step and not (job.checkpoint_dir.parent / "go").exists():
        time.sleep(0.01)


def conflicts(folder: Path, steps: int) -> int:
    """Samples that workers have read in different steps of the same epoch."""
    step_of: dict[tuple[int, int], int] = {}
    wrong = 0
    for path in folder.glob("read-*.jsonl"):
        for line in path.read_text().splitlines():
            step, numbers = json.loads(line)
            wrong += sum(step_of.setdefault((step // steps, n), step) != step for n in numbers)
    return wrong


def train(job: ftc.Job) -> None:
    data: Any = ftc.ShardedDataset(sys.argv[1], transform=sample, window=int(OPTIONS.get("window", 4)))
    if "memory" in OPTIONS:
        data = [data[number] for number in range(len(data))]
    steps = -(-len(data) // BATCH)
    model = Counting()
    groups = [{"params": model.net.parameters(), "lr": 0.05, "momentum": 0.9}, {"params": [model.seen], "lr": 1.0}]
    job.register(model=model, optimizer=torch.optim.SGD(groups, lr=0.05))
    folder = job.checkpoint_dir.parent
    pending: list[int] = []
    with open(folder / f"read-{ME}-{os.getpid()}-{time.time_ns()}.jsonl", "a", buffering=1) as log:
        for batch in job.batches(data, batch_size=BATCH):
            hold(job)
            time.sleep(float(OPTIONS.get("pause", 0)))
            x, numbers = batch
            assert torch.equal(numbers, batch.indices), "a shard gave another sample than it was asked for"
            step = job.step_number
            pending += numbers.tolist()
            size = min(BATCH, len(data) - step % steps * BATCH)
            if job.step(model(x, numbers, step // steps, size)):
                log.write(json.dumps([step, pending]) + "\n")
                pending = []
    counts = -model.seen.detach()[:, : len(data)].round()
    job.log(once=float((counts == 1).float().mean()), twice=conflicts(folder, steps), samples=len(data))


ftc.run(train)
