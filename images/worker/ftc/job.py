"""What a training script sees of ftc."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from . import forks
from .checkpoint.checkpoints import Checkpoints
from .data import Batch
from .errors import UsageError
from .feeding import Feeding
from .loop import Loop
from .metrics_values import checked
from .once import Once
from .place import Place
from .randomness import Randomness
from .rejoin import Parts
from .reporting import Reporting
from .runtime import Runtime
from .state import Registered, Schedule
from .step import Step


class Job:
    """One training job, from the script's side. docs/training-scripts.md shows each part in a few lines."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._own: Registered | None = None
        self._loop: Loop | None = None
        self._feeding: Feeding | None = None
        self._randomness = Randomness(runtime.config.seed)
        self._reporting = Reporting(runtime)
        self._looped = False

    def register(
        self,
        *,
        model: torch.nn.Module,
        optimizer: Any,
        scheduler: Any = None,
        schedule: Schedule = "step",
        scaler: Any = None,
        clip_norm: float | None = None,
        overlap: bool = True,
        **stateful: Any,
    ) -> None:
        """Names what training changes. Once, before the loop.

        `optimizer` and `scheduler` are one or a list. Schedulers advance after every step, or with `schedule="epoch"` after the last step of
        every epoch. `scaler`: a torch.amp.GradScaler, which ftc calls at its places. `clip_norm` bounds the norm of the whole
        batch's gradient. `overlap`: gradients are sent while backward still runs; a parameter must then get its gradient at once, which
        re-entrant activation checkpointing does not do. `stateful`: anything else with `state_dict` and `load_state_dict`, and generators
        of torch and numpy: saved and moved with the rest. Raises UsageError for what cannot be trained to the same bits, or kept.
        """
        forks.refuse("job.register")
        if self._own is not None:
            raise UsageError("job.register was called twice")
        own = Registered(model, optimizer, scheduler, clip_norm, overlap, stateful, schedule=schedule, scaler=scaler)
        runtime = self._runtime
        config, link, progress = runtime.config, runtime.link, runtime.progress
        checkpoints = Checkpoints(config, link, progress, own)
        checkpoints.metrics = self._reporting.of_step
        checkpoints.before_publishing(self._reporting.flush_to_disk)
        runtime.before_exit(checkpoints.join)
        self._own = own
        self._loop = Loop(
            Parts(
                config, link, runtime.mailbox, progress, runtime.membership(), own, self._randomness, checkpoints,
                self._reporting, Once(config.checkpoint_dir / "once.jsonl"), Place(progress),
            )
        )
        self._randomness.once("registered")

    def begin(self) -> int:
        """Meets the other workers and takes their state; how many steps are committed, and so where training goes on.

        For loops that need to know it beforehand. Waits while this worker is a standby.
        """
        forks.refuse("job.begin")
        return self._registered("job.begin").begin()

    def batches(self, data: Any, *, batch_size: int | None = None, shuffle: bool = True, **loading: Any) -> Iterator[Batch]:
        """The slices of every step that this worker carries, until the job has made all its steps. Call `job.step` once for each.

        `data`: tensors, a tuple of them, `ftc.Data(x, y)`, a map-style dataset, a DataLoader, or `ftc.ShardedDataset`. `batch_size` is the
        global one: samples a step over all workers, by default the DataLoader's, else 32 a virtual rank; an epoch's last batch may be
        smaller. `shuffle`: another order each epoch. `loading`: num_workers, collate_fn, pin_memory, worker_init_fn, prefetch_factor and
        persistent_workers, as a DataLoader has them. Waits while this worker is a standby. A slice comes again when its step did not
        commit.
        """
        loop = self._open("job.batches", data, batch_size, shuffle, loading)
        while loop.more():
            for batch in loop.attempts():
                yield batch
                if loop.unused:
                    raise UsageError("job.step was not called for a batch: every batch needs one call")
        self._randomness.once("after")

    def steps(self, data: Any, *, batch_size: int | None = None, shuffle: bool = True, **loading: Any) -> Iterator[Step]:
        """The same, a step at a time, for loops with code of their own at the commit:

            for step in job.steps(data):
                for batch in step:
                    step.backward(loss(model(batch.x), batch.y))
                step.commit()
        """
        loop = self._open("job.steps", data, batch_size, shuffle, loading)
        while loop.more():
            step = Step(loop)
            yield step
            step.check()
        self._randomness.once("after")

    def step(self, loss: torch.Tensor, weight: Any = None) -> bool:
        """Backward, and with the worker's last slice of a step its reduction and the optimizer. True when a step was committed.

        `loss` is the mean over the slice's samples. With `weight` (the number of tokens, say) it is the mean over those, and the step's
        gradient is that of the mean over all tokens of the batch.
        """
        forks.refuse("job.step")
        if self._loop is None or not self._looped:
            raise UsageError("job.step belongs into the loop over job.batches")
        if self._loop.backward(loss, weight) and self._loop.reduce():
            self._loop.commit()
            return True
        return False

    def evaluate(self, function: Callable[[Batch], Any], data: Any, *, batch_size: int | None = None, **loading: Any) -> Any:
        """Sums up what `function` returns for each slice of held-out data: the same numbers for every number of workers.

        `function` gets a batch and returns a number, a tensor, or a tuple, list or dict of them. The workers share the slices, and call
        this at the same place. Every sample comes once, in order. No gradients are made; the model is in the mode that the script has
        set, and what a forward pass changes of its buffers is put back. Where a worker is lost, only its slices are done again. Called
        while a batch of `job.batches` is at hand, it is one evaluation for all slices of the step.
        """
        forks.refuse("job.evaluate")
        loop = self._registered("job.evaluate")
        loop.check_evaluation()
        loop.begin()
        return loop.evaluations.evaluate(function, data, batch_size, loading, self.device)

    def once(self, function: Callable[[], object]) -> None:
        """Runs a side effect of the step that was committed last, in exactly one worker; in another one if that dies before it has returned.

        All workers call this after the commit. A step that is made again after a return to a checkpoint does not run it again.
        """
        forks.refuse("job.once")
        self._registered("job.once").once(function)

    def finish(self, reason: str) -> None:
        """Ends training at this step boundary, with the last checkpoint and a digest. All workers must call it at the same step."""
        forks.refuse("job.finish")
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError("job.finish needs a reason: a sentence for whoever reads the job's status")
        self._registered("job.finish").finish(reason.strip()[:1000])

    def generator(self, name: str) -> torch.Generator:
        """A generator of the CPU for the script's own draws. Its state is a function of seed, step, slice and name alone, set anew by ftc at
        each slice and each step, so that it needs no registering."""
        return self._randomness.named(name)

    def log(self, **metrics: Any) -> None:
        """In the loop: a line of metrics.jsonl for the committed step. Values of slice 0, and those that are logged after the commit; log what is the same
        in all workers. At the job's end it reports the last value of every name.

        The line has step, epoch, samples and loss anyway; of these, all but the step may be logged as something else.
        """
        forks.refuse("job.log")
        self._reporting.log(checked(metrics), self._loop)

    @property
    def metrics(self) -> dict[str, float]:
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
        """Steps committed so far."""
        return self._runtime.progress.step

    @property
    def virtual_ranks(self) -> int:
        """Slices of every batch."""
        return self._runtime.config.virtual_ranks

    @property
    def total_steps(self) -> int:
        """That the job makes. With `epochs` in the job file it is known once the data is."""
        total = self._loop.total if self._loop is not None else self._runtime.config.steps
        if total is None:
            raise UsageError("job.total_steps is not known yet: the job file says `epochs`, and job.batches or job.steps brings the data")
        return total

    @property
    def steps_per_epoch(self) -> int:
        if self._feeding is None:
            raise UsageError("job.steps_per_epoch is not known yet: job.batches or job.steps brings the data")
        return self._feeding.plan.steps_per_epoch

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
        return self._loop if self._looped else None

    def _registered(self, what: str) -> Loop:
        if self._loop is None:
            raise UsageError(f"job.register(model=…, optimizer=…) must come before {what}")
        return self._loop

    def _open(self, what: str, data: Any, batch_size: int | None, shuffle: bool, loading: dict[str, Any]) -> Loop:
        forks.refuse(what)
        loop = self._registered(what)
        if self._looped:
            raise UsageError(f"{what} was called, and a loop was made before: one loop makes all the steps of the job")
        self._looped = True
        self._feeding = Feeding(data, self._runtime.config, batch_size, shuffle, loading)
        loop.attach(self._feeding, self.device)
        return loop
