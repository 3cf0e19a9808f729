"""What a training script sees of ftc."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from .checkpoint.checkpoints import Checkpoints
from .checkpoint.manifest import Position
from .data import Batch, Reading, as_source, plan_of
from .errors import UsageError
from .loop import Loop
from .rng import seed_all
from .runtime import Runtime
from .slices import Sampler
from .state import Registered, Stateful

SLICE = 32
"""Samples a virtual rank where the script does not say."""

READING = "ftc.data"
"""The name in the job's state of what tells shards from other shards. No script can give it to anything."""


class Job:
    """One training job, from the script's side. See the examples for its use."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._own: Registered | None = None
        self._loop: Loop | None = None
        self._metrics: dict[str, float] = {}

    def register(
        self,
        *,
        model: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        scheduler: Any = None,
        clip_norm: float | None = None,
        overlap: bool = True,
        **stateful: Stateful,
    ) -> None:
        """Names what training changes. Once, before `batches`.

        `scheduler` is stepped after every step (not every epoch). `clip_norm` bounds the norm of the whole batch's
        gradient. `overlap`: gradients are sent while backward still runs; a parameter must then get its gradient at once, which
        re-entrant activation checkpointing does not do. `stateful`: anything else with `state_dict` and `load_state_dict`, saved and moved with the rest.
        """
        if self._own is not None:
            raise UsageError("job.register was called twice")
        self._own = Registered(model, optimizer, scheduler, clip_norm, overlap, stateful)

    def batches(self, data: Any, *, batch_size: int | None = None, shuffle: bool = True) -> Iterator[Batch]:
        """The slices of every step that this worker carries, until the job has made all its steps.

        `data`: tensors, a tuple of them, `ftc.Data(x, y)`, a map-style dataset, or `ftc.ShardedDataset`. `batch_size` is the
        global one: samples a step over all workers, by default 32 a virtual rank; an epoch's last batch may be smaller.
        `shuffle`: another order each epoch. Waits while this worker is a standby. A slice comes again when its step did not
        commit.
        """
        if self._own is None:
            raise UsageError("job.register(model=…, optimizer=…) must come before job.batches")
        if self._loop is not None:
            raise UsageError("job.batches was called twice: one loop makes all the steps of the job")
        config = self._runtime.config
        source = as_source(data, seed=config.seed)
        plan = plan_of(source, config.virtual_ranks, config.seed, batch_size, shuffle, SLICE)
        runtime = self._runtime
        order = source.order(plan)
        reading = order if isinstance(order, Reading) else None

        def position(step: int) -> Position | None:
            return None if reading is None else Position(*reading.position(step))

        if reading is not None:
            self._own.extra[READING] = reading
        checkpoints = Checkpoints(config, runtime.link, runtime.progress, self._own, plan, position)
        runtime.before_exit(checkpoints.join)
        self._loop = Loop(
            config,
            runtime.link,
            runtime.mailbox,
            runtime.progress,
            runtime.membership(),
            checkpoints,
            self._own,
            Sampler(plan, order),
            source,
            self.device,
        )
        try:
            yield from self._loop.run()
        finally:
            source.close()
        seed_all(config.seed, "after")

    def step(self, loss: torch.Tensor) -> bool:
        """Backward, and with the worker's last slice of a step its reduction and the optimizer.

        `loss` is the mean over the batch's samples. True when a step was committed.
        """
        if self._loop is None:
            raise UsageError("job.step belongs into the loop over job.batches")
        return self._loop.step(loss)

    def log(self, **metrics: float) -> None:
        """Results that the job reports at its end; a later value of a name replaces an earlier."""
        for name, value in metrics.items():
            number = float(value)
            if math.isfinite(number):
                self._metrics[name] = number

    @property
    def metrics(self) -> dict[str, float]:
        return dict(self._metrics)

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
        """Steps committed so far."""
        return self._runtime.progress.step

    @property
    def seed(self) -> int:
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

    @property
    def loop(self) -> Loop | None:
        return self._loop
