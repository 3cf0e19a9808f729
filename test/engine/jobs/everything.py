"""All that makes equal bits hard, in one small job: dropout, BatchNorm, Adam with a schedule, clipping, a last batch that is not full.

Arguments: `pause=0.005` seconds a slice. `hold=last` and `hold=after` make every worker wait at the last step, or after the
loop, and `hold=checkpoint` the one that writes the last checkpoint, until the file `go-<place>` is beside the job's
checkpoints; `at-<place>-<worker>` says that it waits there.
"""

import os
import time
from typing import Any

import ftc
import torch
from torch import nn

SAMPLES, BATCH, EPOCHS = 524, 48, 12
LAST = -(-SAMPLES // BATCH) * EPOCHS
"""Steps of the whole job."""


class Doors:
    """Where the job waits. Registered with the job: its state is asked for when a checkpoint is written."""

    def __init__(self, job: ftc.Job, places: list[str]) -> None:
        self.job = job
        self.places = places
        self.asked = 0

    def wait(self, place: str) -> None:
        if place not in self.places:
            return
        beside = self.job.checkpoint_dir.parent
        (beside / f"at-{place}-{os.uname().nodename}").touch()
        while not (beside / f"go-{place}").exists():
            time.sleep(0.01)

    def state_dict(self) -> dict[str, Any]:
        if self.job.step_number == LAST:
            # Everybody needs it once for the digest; who needs it again writes it, or hands it on.
            self.asked += 1
            if self.asked > 1:
                self.wait("checkpoint")
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


def train(job: ftc.Job) -> None:
    words = [word.split("=") for word in job.args]
    pause = sum(float(value) for key, value in words if key == "pause")
    doors = Doors(job, [value for key, value in words if key == "hold"])
    x = torch.randn(SAMPLES, 16)
    y = (x.sum(1) > 0).long()
    model = nn.Sequential(nn.Linear(16, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Dropout(0.3), nn.Linear(48, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, LAST)
    job.register(model=model, optimizer=optimizer, scheduler=scheduler, clip_norm=0.5, doors=doors)
    for batch in job.batches((x, y), batch_size=BATCH):
        if job.step_number == LAST - 1:
            doors.wait("last")
        time.sleep(pause)
        job.step(nn.functional.cross_entropy(model(batch.x), batch.y))
    doors.wait("after")
    model.eval()
    job.log(accuracy=float((model(x).argmax(1) == y).float().mean()))


ftc.run(train)
