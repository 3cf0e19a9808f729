"""What a training script sees of ftc."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch

from . import forks
from .between import Spot, is_wrapped
from .checkpoint.checkpoints import Checkpoints
from .data import Batch
from .errors import UsageError
from .facts import Facts
from .feeding import Feeding
from .loop import Loop
from .metrics_values import checked
from .once import Once
from .place import Place
from .randomness import Randomness
from .rejoin import Parts
from .runtime import Runtime
from .state import Registered, Schedule
from .step import Step


class Job(Facts):
    """One training job, from the script's side. docs/training-scripts.md shows each part in a few lines."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._own: Registered | None = None
        self._randomness = Randomness(runtime.config.seed)
        self._looped = False
        self._handed_out: weakref.ref[Iterator[Step]] | None = None
        """What `steps` returned."""

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
        """Names what training changes. Once, before the loop. All workers register the same objects.

        `model`: on `job.device`, with the parameters that it will keep: freezing, unfreezing and add_param_group are followed later, other
        changes are refused. `optimizer`, `scheduler`: one or a list. Schedulers advance after every step, or with `schedule="epoch"` after the
        last step of every epoch; ReduceLROnPlateau gets the step's loss. `scaler`: a torch.amp.GradScaler, whose scale, unscale_, step and
        update ftc calls. `clip_norm`: the largest 2-norm of the whole batch's gradient, over all parameters that are trained. `overlap`:
        gradients are sent while backward still runs; a parameter must then get its gradient at once, which re-entrant activation
        checkpointing does not do. `stateful`: anything else with `state_dict` and `load_state_dict`, and generators of torch and numpy, by a
        name of the script's: saved, moved to workers that join, and compared with the rest. Change it after the commit.

        Raises UsageError for a second call, and for what cannot be trained to the same bits (LBFGS, SparseAdam, a parameter in two optimizers,
        meta, sparse, quantized, expanded, float8 and lazy parameters) or kept in a checkpoint (with its path in the state).
        """
        forks.refuse("job.register")
        if self._own is not None:
            raise UsageError("job.register was called twice")
        own = Registered(model, optimizer, scheduler, clip_norm, overlap, stateful, schedule=schedule, scaler=scaler)
        runtime = self._runtime
        config, link, progress = runtime.config, runtime.link, runtime.progress
        checkpoints = Checkpoints(config, link, progress, own)
        checkpoints.metrics = self._reporting.of_step
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

        For loops that need to know it beforehand; the loop does it otherwise. Waits while this worker is a standby. From the second call on it
        only tells the steps committed so far. Raises UsageError before `register`, FtcError where no state can be had.
        """
        forks.refuse("job.begin")
        return self._registered("job.begin").begins()

    def batches(self, data: Any, *, batch_size: int | None = None, shuffle: bool = True, **loading: Any) -> Iterator[Batch]:
        """The slices of every step that this worker carries, until the job has made all its steps. Call `job.step` once for each.

        `data`: a tensor or a tuple of tensors whose first dimension counts samples, `ftc.Data(x, y)`, a map-style dataset, a DataLoader of
        one, or `ftc.ShardedDataset`. `batch_size` is the global one: samples a step over all workers, by default the DataLoader's, else 32
        a virtual rank; an epoch's last batch may be smaller. `shuffle`: another order each epoch; a DataLoader says it itself. `loading`:
        num_workers (processes for each worker), collate_fn, pin_memory, worker_init_fn, prefetch_factor (slices that each process prepares
        ahead), persistent_workers, timeout (seconds) and multiprocessing_context, as a DataLoader has them.

        The data is opened by the call. The loop waits while this worker is a standby; a slice comes again when its step did not commit.
        Raises UsageError before `register`, for a second loop, for data with two readings or none, and for a batch without its `job.step`;
        FtcError where the job cannot go on.
        """
        return self._batches(self._open("job.batches", data, batch_size, shuffle, loading))

    def steps(self, data: Any, *, batch_size: int | None = None, shuffle: bool = True, **loading: Any) -> Iterator[Step]:
        """The same, a step at a time, for loops with code of their own at the commit:

            for step in job.steps(data):
                for batch in step:
                    step.backward(loss(model(batch.x), batch.y))
                step.commit()

        Parameters and errors are those of `batches`. One pass is one committed step; UsageError for a pass without `step.commit()`.
        """
        steps = self._steps(self._open("job.steps", data, batch_size, shuffle, loading))
        self._handed_out = weakref.ref(steps)
        return steps

    def step(self, loss: torch.Tensor, weight: Any = None) -> bool:
        """Backward, and with the worker's last slice of a step its reduction and the optimizer. True when a step was committed.

        `loss`: a tensor of one element with a gradient, the mean over the slice's samples. With `weight` (a number, or a tensor of one
        element: the number of tokens, say) it is the mean over those, and the step's gradient is that of the mean over all tokens of the
        batch; a slice of weight 0 adds nothing. False: more slices of the step follow, or it has to be made again, and its slices come again.

        Raises UsageError outside of the loop, for another loss or weight, for weights in some slices only, and where the model or the list of
        trained parameters has changed in a way that others cannot follow; FtcError where the step is not finite and `onNonFinite` is fail.
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

        `function` gets a batch and returns a number, a tensor (of one shape for all slices), or a tuple, list or dict of them: sums and
        counts, as slices differ in size. Tensors come back on the CPU, lists as tuples. `data` and `loading` are those of `batches`;
        `batch_size` counts samples over all virtual ranks, by default the DataLoader's, else 32 a virtual rank. Every sample comes once, in
        order. The workers share the slices, and call this at the same place, as often, after `register`. No gradients are made; the
        model is in the mode that the script has set, and what a forward pass changes of its buffers is put back. Where a worker is lost, only
        its slices are done again. Called while a batch of `job.batches` is at hand, it is one evaluation for all slices of the step.

        Raises UsageError for a result of another kind, or of different kinds for different slices, and whatever `function` raises.
        """
        forks.refuse("job.evaluate")
        loop = self._registered("job.evaluate")
        loop.check_evaluation()
        loop.begins()
        return loop.evaluations.evaluate(function, data, batch_size, loading, self.device)

    def once(self, function: Callable[[], object]) -> None:
        """Runs a side effect of the step that was committed last, in exactly one worker; in another one if that dies before it has returned.

        All workers call this after the commit, in the same order. `function` takes nothing, its result is dropped, and what it raises
        passes through. In the others it may run a moment later: give it values, not things that change. A step that is made again after a
        return to a checkpoint does not run it again. Raises UsageError before `register`.
        """
        forks.refuse("job.once")
        self._registered("job.once").once(function)

    def finish(self, reason: str) -> None:
        """Ends training at this step boundary, with the last checkpoint and a digest. All workers must call it at the same step.

        Call it after a commit, and let the loop end by itself: no further step is made. `reason`: a sentence, of which the status shows 1000
        characters. Raises UsageError for an empty one, and from the loop, in all workers, where only some have called it.
        """
        forks.refuse("job.finish")
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError("job.finish needs a reason: a sentence for whoever reads the job's status")
        self._registered("job.finish").finish(reason.strip()[:1000])

    def generator(self, name: str) -> torch.Generator:
        """A generator of the CPU for the script's own draws; the same object for the same name. Its state is a function of seed, step, slice
        and name alone, set anew by ftc at each slice and each step, so that it needs no registering."""
        return self._randomness.named(name)

    def log(self, **metrics: Any) -> None:
        """In the loop: a line of metrics.jsonl for the committed step. Values of slice 0, and those that are logged after the commit; log
        what is the same in all workers. At the job's end it reports the last value of every name.

        A value is a number, a numpy scalar, or a tensor or array of one element; NaN and infinity become null. The line has step, epoch,
        samples and loss anyway; of these, all but the step may be logged as something else. Raises UsageError that names the metric.
        """
        forks.refuse("job.log")
        self._reporting.log(checked(metrics), self._loop)

    @property
    def loop(self) -> Loop | None:
        """For ftc itself: the training loop, once the script has asked for it."""
        return self._loop if self._looped else None

    def _batches(self, loop: Loop) -> Iterator[Batch]:
        while loop.more():
            for batch in loop.attempts():
                yield batch
                if loop.unused:
                    raise UsageError("job.step was not called for a batch: every batch needs one call")
        self._randomness.once("after")

    def _steps(self, loop: Loop) -> Iterator[Step]:
        assert self._handed_out is not None
        wrapped = is_wrapped(self._handed_out())
        while loop.more():
            loop.hands_out()
            step = Step(loop, None if wrapped else Spot.of_caller())
            yield step
            step.check()
        self._randomness.once("after")

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
