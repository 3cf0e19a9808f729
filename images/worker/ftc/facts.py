"""What a script may read of its job: where training is, how much there is to do, and what the job file says."""

from __future__ import annotations

from pathlib import Path

import torch

from .errors import UsageError
from .feeding import Feeding
from .loop import Loop
from .reporting import Reporting
from .runtime import Runtime


class Facts:
    """The half of `Job` that changes nothing. The loop is None before `register`, the data before `batches` or `steps`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._loop: Loop | None = None
        self._feeding: Feeding | None = None
        self._reporting = Reporting(runtime)

    @property
    def metrics(self) -> dict[str, float]:
        """The last finite value of every name that was logged while this worker was there. What a step's slices log is slice 0's, once the
        step is committed: the same in all workers."""
        return self._reporting.last

    @property
    def rank(self) -> int:
        """In the current generation; 0 after the loop. Changes whenever workers come and go: decide nothing by it."""
        group = self._loop.membership.group if self._loop is not None else None
        return 0 if group is None else group.rank

    @property
    def world_size(self) -> int:
        """Workers in the current generation. The result does not depend on it."""
        group = self._loop.membership.group if self._loop is not None else None
        return 1 if group is None else group.size

    @property
    def step_number(self) -> int:
        """Steps committed so far: 0 before the first, and within it."""
        return self._runtime.progress.step

    @property
    def virtual_ranks(self) -> int:
        """Slices of every batch."""
        return self._runtime.config.virtual_ranks

    @property
    def total_steps(self) -> int:
        """Steps that the job makes. With `epochs` in the job file it is known from `batches` or `steps` on; UsageError before."""
        total = self._loop.total if self._loop is not None else self._runtime.config.steps
        if total is None:
            raise UsageError("job.total_steps is not known yet: the job file says `epochs`, and job.batches or job.steps brings the data")
        return total

    @property
    def steps_per_epoch(self) -> int:
        """Steps in one pass over the data: its samples, divided by the batch size, rounded up (down with drop_last). UsageError before
        `batches` or `steps`."""
        if self._feeding is None:
            raise UsageError("job.steps_per_epoch is not known yet: job.batches or job.steps brings the data")
        return self._feeding.plan.steps_per_epoch

    @property
    def seed(self) -> int:
        """The job file's."""
        return self._runtime.config.seed

    @property
    def args(self) -> tuple[str, ...]:
        """The script's arguments, as in the job file."""
        return self._runtime.config.args

    @property
    def device(self) -> torch.device:
        """Where the model belongs; batches arrive there."""
        return torch.device("cuda" if self._runtime.config.backend == "nccl" else "cpu")

    @property
    def dataset_dir(self) -> Path:
        """Where data is mounted."""
        return self._runtime.config.dataset_dir

    @property
    def checkpoint_dir(self) -> Path:
        """This job's directory on the shared volume."""
        return self._runtime.config.checkpoint_dir
