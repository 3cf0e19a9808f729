"""ftc's runtime: what a training script imports, and `python -m ftc`, which runs it.

    import ftc
    import torch.nn.functional as F

    def train(job: ftc.Job) -> None:
        model, data = Net(), load_dataset()
        job.register(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.05))
        for batch in job.batches(data):
            job.step(F.cross_entropy(model(batch.x), batch.y))

    ftc.run(train)

Torch is loaded with the first use of Job, Batch, Data or ShardedDataset, so that the control link is up before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import FtcError, UsageError
from .script import run

if TYPE_CHECKING:
    from .data import Batch, Data
    from .job import Job
    from .sharded.dataset import ShardedDataset
    from .step import Step

__all__ = ["Batch", "Data", "FtcError", "Job", "ShardedDataset", "Step", "UsageError", "run"]


def __getattr__(name: str) -> Any:
    if name in ("Batch", "Data"):
        from . import data

        return getattr(data, name)
    if name == "Job":
        from .job import Job

        return Job
    if name == "Step":
        from .step import Step

        return Step
    if name == "ShardedDataset":
        from .sharded.dataset import ShardedDataset

        return ShardedDataset
    raise AttributeError(f"module 'ftc' has no attribute {name!r}")
