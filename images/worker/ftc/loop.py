"""What runs behind `batches` and `step`: join a generation, attempt steps, commit them, and begin again where one broke.

A failure in a collective never reaches the user's code. It drops the attempt; the next generation's members agree on
the state, and the slices of the step are handed out again.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from .attempt import Attempt, Machinery
from .backward import Backward
from .checkpoint.checkpoints import Checkpoints
from .config import Config
from .control import Agreed
from .data import Batch, Source, to_device
from .errors import Broken, Leave, UsageError
from .group import Group
from .interruptible import GIVEN_UP
from .layout import buckets
from .link import Link
from .mailbox import Mailbox
from .membership import Membership
from .messages import Committed, Finishing, Leaving, Ready
from .progress import Progress, epoch_ms
from .slices import Sampler, Slice
from .state import Registered
from .sync import Saved, synchronise


class Loop:
    """One job's training loop on one worker. `step` counts committed steps."""

    def __init__(
        self,
        config: Config,
        link: Link,
        mailbox: Mailbox,
        progress: Progress,
        membership: Membership,
        checkpoints: Checkpoints,
        own: Registered,
        sampler: Sampler,
        source: Source,
        device: torch.device,
    ) -> None:
        plan = sampler.plan
        self._link = link
        self._mailbox = mailbox
        self._progress = progress
        self._membership = membership
        self._checkpoints = checkpoints
        self._own = own
        self._sampler = sampler
        self._source = source
        self._device = device
        self._total = config.steps if config.steps is not None else (config.epochs or 0) * plan.steps_per_epoch
        self._buckets = buckets(own.params)
        self._backward = Backward(self._buckets) if own.overlap else None
        self._machinery: Machinery | None = None
        self._attempt: Attempt | None = None
        self._slice: int | None = None
        self._first_commit = False
        self._agreed: tuple[Group, Agreed] | None = None
        self._from_step = 0
        self._wait_for = 0
        self.digest = ""

    @property
    def membership(self) -> Membership:
        return self._membership

    @property
    def step_number(self) -> int:
        return self._progress.step

    def run(self) -> Iterator[Batch]:
        """The slices that this worker carries, until the last step is committed and durable. Raises Leave, FtcError."""
        progress = self._progress
        progress.total_steps = self._total
        self._membership.register(self._own, self._sampler.plan)
        progress.ready = True
        if not self._resume_finished():
            self._link.send(Ready(progress.step, progress.holds_state, self._total))
            try:
                while not self._over():
                    if self._membership.group is not None:
                        yield from self._slices(self._membership.group)
            except Leave:
                self._leave()
                raise
        self._membership.part()
        progress.phase = "finishing"
        self.digest = self._checkpoints.digest
        self._link.send(Finishing(max(self._membership.generation, 0), progress.step), sticky=True)

    def step(self, loss: torch.Tensor) -> bool:
        """Backward of one slice; with the worker's last one, the reduction and the commit. True: a step was committed."""
        if self._attempt is None or self._slice is None or self._machinery is None:
            raise UsageError("job.step belongs once after each batch of job.batches")
        current, self._slice = self._slice, None
        self._checkpoints.poll()
        self._attempt.backward(current, loss)
        if current != self._machinery.carried[-1] or self._membership.superseded:
            return False
        return self._finish_step()

    def _over(self) -> bool:
        """Joins where needed. True: the last step is committed and its checkpoint durable. Raises Leave."""
        self._between_steps()
        if self._membership.group is None:
            self._membership.join(self._synchronise, self._wait_for)
        group = self._membership.group
        if self._progress.step < self._total or group is None:
            return False
        self._progress.phase = "checkpoint"
        reason = ""
        try:
            return self._checkpoints.finish(group)
        except Broken as error:
            reason = error.reason
        self._membership.lost(reason)
        return self._checkpoints.is_final(self._progress.step)

    def _slices(self, group: Group) -> Iterator[Batch]:
        """One attempt at the next step."""
        if self._machinery is None or self._machinery.group is not group:
            self._machinery = Machinery(group, self._own, self._sampler, self._buckets, self._backward)
        self._progress.slices = len(self._machinery.carried)
        self._progress.phase = "compute"
        attempt = self._attempt = Attempt(self._machinery, self._progress.step)
        if self._source.ahead > 0:
            coming = self._sampler.coming(self._progress.step, self._total, self._machinery.carried, self._source.ahead)
            self._source.expect(coming)
        for virtual_rank in self._machinery.carried:
            indices = attempt.begin(virtual_rank)
            if indices is not None:
                self._slice = virtual_rank
                data = self._source.fetch(Slice(self._progress.step, virtual_rank, indices))
                yield Batch(to_device(data, self._device) if self._device.type != "cpu" else data, indices)
                if self._slice is not None:
                    raise UsageError("job.step was not called for a batch: every batch needs one call")
            if self._membership.superseded:
                break
        if self._attempt is attempt:  # nothing carried, a last slice without samples, or broken out of
            self._finish_step()

    def _finish_step(self) -> bool:
        """Reduces and commits. False: it broke, and the step will be repeated."""
        attempt, group = self._attempt, self._membership.group
        assert attempt is not None and group is not None
        self._progress.phase = "reduce"
        agreed, reason = None, ""
        try:
            if self._membership.superseded:
                raise Broken(GIVEN_UP)
            agreed = attempt.reduce(self._mailbox.newest, self._mailbox.leave_flag)
        except Broken as error:
            reason = error.reason
        self._attempt = None
        if agreed is None:
            attempt.abandon()
            self._machinery = None
            self._membership.lost(reason)
            return False
        attempt.commit(agreed.loss)
        self._committed(group, agreed)
        self._agreed = (group, agreed)
        return True

    def _committed(self, group: Group, agreed: Agreed) -> None:
        at = epoch_ms()
        progress, plan = self._progress, self._sampler.plan
        progress.step += 1
        progress.loss = agreed.loss
        progress.samples = plan.samples_after(progress.step)
        progress.epoch = plan.epoch_of(progress.step)
        progress.phase = "compute"
        if self._first_commit:
            self._first_commit = False
            # Sticky: a master that comes back may have missed it, and only this tells what became of a loss.
            self._link.send(Committed(group.generation, progress.step, self._from_step, at), sticky=True)
        self._link.committed()

    def _between_steps(self) -> None:
        """When the script asks for the next batch: what its own code did after `step` belongs to the state of that step."""
        if self._agreed is None:
            return
        (group, agreed), self._agreed = self._agreed, None
        self._membership.committed(self._own)
        if group.rank == 0:
            self._checkpoints.maybe(group.generation, final=self._progress.step >= self._total)
        self._boundary(group, agreed)

    def _boundary(self, group: Group, agreed: Agreed) -> None:
        """What all ranks have just agreed on: that somebody leaves, or that a generation waits."""
        leaving = any(agreed.leave)
        if not leaving and agreed.newest_generation <= group.generation:
            return
        if leaving and self._progress.step < self._total:
            stay = not agreed.all_leave and not agreed.leave[group.rank]
            try:
                if agreed.all_leave and group.rank == 0:
                    self._checkpoints.save_now(group.generation)
                group.barrier()  # nobody goes before all have this step
            except Broken:
                stay = True  # somebody was lost meanwhile: the next wait decides again
            self._part()
            if not stay:
                raise Leave
        elif self._progress.step < self._total:
            self._part()
        self._wait_for = agreed.newest_generation

    def _part(self) -> None:
        self._machinery = None
        self._membership.part()

    def _synchronise(self, group: Group) -> None:
        progress = self._progress
        self._machinery = None
        saved = Saved(self._checkpoints.newest, lambda above: self._checkpoints.load(above, group.generation))
        outcome = synchronise(group, self._own, progress.step, progress.holds_state, saved)
        self._checkpoints.entered(group)
        step = progress.step = self._from_step = outcome.step
        if outcome.moved:
            print(f"ftc: {outcome.moved} bytes of state moved at step {step}", flush=True)
        progress.samples = self._sampler.plan.samples_after(step)
        progress.epoch = self._sampler.plan.epoch_of(step)
        progress.holds_state = True
        self._first_commit = True

    def _resume_finished(self) -> bool:
        """The job had been trained to its end before this worker started: loads the result."""
        if not self._checkpoints.is_final(self._total, at_least=True):
            return False
        self._progress.step = self._checkpoints.load()
        self._progress.samples = self._sampler.plan.samples_after(self._progress.step)
        self._progress.holds_state = True
        return self._progress.step >= self._total

    def _leave(self) -> None:
        """Says goodbye. Without a group to carry the state on, it is written first."""
        progress = self._progress
        checkpointed = False
        progress.phase = "stopping"
        if not self._membership.rest() and progress.holds_state and progress.step > 0:
            checkpointed = self._checkpoints.save_if_newer(max(self._membership.generation, 0))
        self._checkpoints.join()
        self._membership.part()
        self._link.send(Leaving(progress.step, checkpointed))
