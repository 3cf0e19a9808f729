"""What runs behind `batches` and `steps`: join a generation, attempt steps, commit them, and begin again where one broke.

A failure in a collective never reaches the user's code. It drops the attempt; the next generation's members agree on
the state, and the slices of the step are handed out again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from . import control
from .attempt import Attempt, Machinery
from .checkpoint.checkpoints import Checkpoints
from .config import Config
from .control import Agreed
from .data import Batch, Source, to_device
from .errors import Broken, Leave, UsageError
from .group import Group
from .interruptible import GIVEN_UP
from .link import Link
from .mailbox import Mailbox
from .membership import Membership
from .messages import Committed, Finishing, Leaving, Ready
from .nonfinite import NonFinite
from .progress import Progress, epoch_ms
from .randomness import Randomness
from .replicas.response import Replicas
from .slice_state import SliceState
from .slices import Sampler
from .state import Registered, State, clones
from .sync import Saved, synchronise
from .trained import Trained


@dataclass(frozen=True)
class Parts:
    """What a loop works with."""

    config: Config
    link: Link
    mailbox: Mailbox
    progress: Progress
    membership: Membership
    own: Registered
    randomness: Randomness


class Loop:
    """One job's training loop on one worker. Steps are numbers of committed ones."""

    def __init__(self, parts: Parts, checkpoints: Checkpoints, sampler: Sampler, source: Source, device: torch.device) -> None:
        self._parts = parts
        self._progress = parts.progress
        self._own = parts.own
        self._checkpoints = checkpoints
        self._sampler = sampler
        self._source = source
        self._device = device
        config, plan = parts.config, sampler.plan
        self._total = config.steps if config.steps is not None else (config.epochs or 0) * plan.steps_per_epoch
        self._slices = SliceState(self._own.modules, self._own.names.all)
        self._trained = Trained(self._own.trained(), self._own.names.of, overlap=self._own.overlap)
        self._replicas = Replicas(parts, checkpoints)
        self._initial: State | None = clones(self._own.capture())
        """What training began with, as long as there is no checkpoint to go back to."""
        self._nonfinite = NonFinite(config.on_non_finite, self._own, parts.link)
        parts.randomness.watch(module for _, module in self._own.modules)
        self._machinery: Machinery | None = None
        self._attempt: Attempt | None = None
        self._slice: int | None = None
        self._reduced: tuple[Group, Agreed] | None = None
        self._first_commit = False
        self._agreed: tuple[Group, Agreed] | None = None
        self._from_step = 0
        self._wait_for = 0
        self._commits = 0
        self._began = self._ended = False
        self._finish: str | None = None
        self.grad_norm = 0.0
        """Of the last step that was reduced, before clipping."""
        self.digest = ""

    @property
    def membership(self) -> Membership:
        return self._parts.membership

    @property
    def step_number(self) -> int:
        return self._progress.step

    @property
    def total(self) -> int:
        return self._total

    @property
    def loss(self) -> float | None:
        """The mean loss of the step that was reduced last; NaN where it was."""
        return None if self._reduced is None else self._reduced[1].loss

    def begin(self) -> int:
        """Meets the others and takes their state; how many steps are committed. Waits while this worker is a standby. Raises Leave."""
        if not self._began:
            self._began = True
            self._progress.total_steps = self._total
            self.membership.register(self._own, self._sampler.plan)
            self._progress.ready = True
            if self._resume_finished():
                self._end()
            else:
                self._parts.link.send(Ready(self._progress.step, self._progress.holds_state, self._total))
                while self.membership.group is None and not self._ended:
                    if self._over():
                        self._end()
            self._parts.randomness.between(self._progress.step)
        return self._progress.step

    def more(self) -> bool:
        """Whether there is another step to make. False: the last one is committed and durable. Raises Leave, FtcError."""
        self.begin()
        while not self._ended:
            group = self.membership.group
            if self._over():
                self._end()
            elif self.membership.group is None or group is None:
                continue
            elif self._finish is None:
                return True
            else:
                self._make(self.membership.group)
        return False

    def attempts(self) -> Iterator[Batch]:
        """The slices of one step that this worker carries, again and again until they were reduced.

        Where others have committed the step meanwhile, it goes on with the next one. Raises Leave, FtcError.
        """
        commits = self._commits
        while self._reduced is None and self._commits == commits and not self._ended:
            group = self.membership.group
            if group is not None and self._progress.step < self._total:
                yield from self._attempt_once(group)
            elif self._over():
                self._end()

    def _make(self, group: Group) -> None:
        """An attempt of which the script sees nothing."""
        for _ in self._attempt_once(group):
            raise AssertionError("a worker that wants to finish computes nothing")

    def backward(self, loss: torch.Tensor, weight: Any = None) -> bool:
        """Of one slice. True: it was the last one that this worker carries in the step."""
        if self._attempt is None or self._slice is None or self._machinery is None:
            raise UsageError("job.step belongs once after each batch of job.batches")
        current, self._slice = self._slice, None
        self._checkpoints.poll()
        self._attempt.backward(current, loss, weight)
        return current == self._attempt.running[-1] or self.membership.superseded or self._attempt.void

    def reduce(self) -> bool:
        """Over all workers. False: it broke, or has to be made again; the slices will come again."""
        attempt, group = self._attempt, self.membership.group
        assert attempt is not None and group is not None and self._machinery is not None
        self._progress.phase = "reduce"
        agreed, reason = None, ""
        try:
            if self.membership.superseded:
                raise Broken(GIVEN_UP)
            attempt.close()
            check = self._replicas.value(group, self._progress.step)
            flags = (control.FINISH if self._finish is not None else 0) | self._replicas.flags(group)
            mailbox = self._parts.mailbox
            agreed = attempt.reduce(attempt.row(mailbox.newest, mailbox.leave_flag, flags, check))
            if self._settle(group, attempt, agreed):
                self._reduced = (group, agreed)
                return True
        except Broken as error:
            reason = error.reason
        self._attempt = None
        attempt.abandon()
        if agreed is None or reason:
            self._machinery = None
            self.membership.lost(reason)
        return False

    def commit(self) -> None:
        """What was reduced becomes the next step."""
        if self._reduced is None or self._attempt is None:
            raise UsageError("step.commit belongs once after the loop over a step's batches")
        (group, agreed), self._reduced = self._reduced, None
        attempt, self._attempt = self._attempt, None
        step, plan = self._progress.step, self._sampler.plan
        self._parts.randomness.optimizer(step)
        if self._nonfinite.leaves_out(agreed.loss, self.grad_norm):
            attempt.abandon()
        else:
            attempt.commit(agreed, plan.epoch_of(step + 1) != plan.epoch_of(step))
        if self._machinery is not None and self._machinery.buffer_layout != self._slices.agreed_hash:
            self._machinery = None  # the next reduction has room for other buffers
        self._committed(group, agreed)
        self._agreed = (group, agreed)
        self._parts.randomness.between(self._progress.step)

    def finish(self, reason: str) -> None:
        """The script ends training at this step."""
        self._finish = reason

    def _settle(self, group: Group, attempt: Attempt, agreed: Agreed) -> bool:
        """Every rank decides the same, from the same words. True: the attempt counts. Raises Broken, FtcError."""
        assert self._machinery is not None
        layouts = {row.layout for row in agreed.rows}
        if layouts != {self._trained.hash}:
            self._follow(attempt, agreed)
            return False
        if agreed.any(control.VOID):
            return False
        if not self._replicas.alike(group, agreed, self._progress.step, self._go_back):
            self._machinery = None
            return False
        if agreed.any(control.FINISH):
            self._finished(agreed)
            return False
        self.grad_norm = attempt.deliver(agreed)
        self._nonfinite.judge(self._progress.step, agreed.loss, self.grad_norm, attempt)
        return True

    def _follow(self, attempt: Attempt, agreed: Agreed) -> None:
        """The script has changed what is trained: in all workers alike, or the job ends."""
        others = [rank for rank, row in enumerate(agreed.rows) if row.layout != attempt.wanted]
        if others:
            raise UsageError(
                f"workers do not train the same parameters at step {self._progress.step + 1}: ranks {others} have frozen or unfrozen others "
                f"than rank {self.membership.group.rank if self.membership.group else 0}. Decide by job.step_number, never by job.rank"
            )
        self._trained.close()
        self._trained = Trained(self._own.trained(), self._own.names.of, overlap=self._own.overlap)
        self._machinery = None

    def _finished(self, agreed: Agreed) -> None:
        """`job.finish` was called: by all, or the job ends."""
        if not agreed.all(control.FINISH):
            members = self.membership.members
            who = ", ".join(f"{members[rank]} (rank {rank})" for rank in agreed.ranks(control.FINISH))
            raise UsageError(
                f"job.finish was called at step {self._progress.step} by {who} and not by the others: all workers must decide the same. "
                "Decide by values that are equal everywhere, such as step.loss, job.evaluate or job.step_number"
            )
        self._total = self._progress.step

    def _over(self) -> bool:
        """Joins where needed. True: the last step is committed and its checkpoint durable. Raises Leave."""
        try:
            self._between_steps()
            if self.membership.group is None:
                self.membership.join(self._synchronise, self._wait_for)
        except Leave:
            self._leave()
            raise
        group = self.membership.group
        if self._progress.step < self._total or group is None:
            return False
        self._progress.phase = "checkpoint"
        reason = ""
        try:
            if self._replicas.all_alike(group, self._progress.step, self._go_back):
                return self._checkpoints.finish(group, self._finish)
            self._machinery = None
            return False
        except Broken as error:
            reason = error.reason
        self.membership.lost(reason)
        return self._checkpoints.is_final(self._progress.step)

    def _attempt_once(self, group: Group) -> Iterator[Batch]:
        if self._machinery is None or self._machinery.group is not group:
            self._machinery = Machinery(group, self._own, self._sampler, self._trained, self._slices)
        self._progress.slices = len(self._machinery.carried)
        self._progress.phase = "compute"
        step, randomness = self._progress.step, self._parts.randomness
        attempt = self._attempt = Attempt(self._machinery, step)
        for virtual_rank in attempt.running if self._finish is None else []:
            indices = attempt.enter(virtual_rank)
            self._slice = virtual_rank
            randomness.slice(step, virtual_rank)
            parts = self._source.fetch(indices)
            randomness.slice(step, virtual_rank)
            randomness.arm(step, virtual_rank)
            yield Batch(to_device(parts, self._device) if self._device.type != "cpu" else parts, indices)
            if self._slice is not None:
                raise UsageError("job.step was not called for a batch: every batch needs one call")
            if self._attempt is not attempt or self.membership.superseded or attempt.void:
                break
        if self._attempt is attempt and self._reduced is None:
            self.reduce()

    def _committed(self, group: Group, agreed: Agreed) -> None:
        at = epoch_ms()
        progress, plan = self._progress, self._sampler.plan
        progress.step += 1
        self._commits += 1
        progress.loss = agreed.loss
        progress.skipped = self._own.skipped
        progress.samples = plan.samples_after(progress.step)
        progress.epoch = plan.epoch_of(progress.step)
        progress.phase = "compute"
        if self._first_commit:
            self._first_commit = False
            # Sticky: a master that comes back may have missed it, and only this tells what became of a loss.
            self._parts.link.send(Committed(group.generation, progress.step, self._from_step, at), sticky=True)
        self._parts.link.committed()

    def _between_steps(self) -> None:
        """When the script asks for the next batch: what its own code did after `step` belongs to the state of that step."""
        if self._agreed is None:
            return
        (group, agreed), self._agreed = self._agreed, None
        self.membership.committed(self._own)
        if group.rank == 0:
            self._checkpoints.maybe(group.generation, final=self._progress.step >= self._total, agreed=group.size == 1)
        self._boundary(group, agreed)

    def _boundary(self, group: Group, agreed: Agreed) -> None:
        """What all ranks have just agreed on: that somebody leaves, or that a generation waits."""
        leaving = any(agreed.leave)
        if not leaving and agreed.newest_generation <= group.generation:
            return
        if leaving and self._progress.step < self._total:
            stay = not agreed.all_leave and not agreed.leave[group.rank]
            try:
                if agreed.all_leave and self._replicas.all_alike(group, self._progress.step, self._go_back) and group.rank == 0:
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
        self.membership.part()

    def _synchronise(self, group: Group) -> None:
        """All are at one step, with one state, when this returns."""
        self._take_state(group)
        self._slices.agree()
        self._replicas.begin(group, self._progress.step, self._go_back)

    def _take_state(self, group: Group) -> None:
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

    def _go_back(self, group: Group) -> int:
        """Nobody's state is to be trusted: all take the newest checkpoint, or what they began with. The step of that."""
        self._checkpoints.distrust()
        progress = self._progress
        progress.step, progress.holds_state = 0, False
        if self._initial is not None:
            self._own.restore(clones(self._initial))
        self._take_state(group)
        self._slices.agree()
        return progress.step

    def _end(self) -> None:
        self._ended = True
        self.membership.part()
        self._progress.phase = "finishing"
        self.digest = self._checkpoints.digest
        reason = self._checkpoints.finished
        self._parts.link.send(Finishing(max(self.membership.generation, 0), self._progress.step, reason), sticky=True)

    def _resume_finished(self) -> bool:
        """The job had been trained to its end before this worker started: loads the result."""
        if not self._checkpoints.is_final(self._total, at_least=True):
            return False
        self._progress.step = self._checkpoints.load()
        self._progress.samples = self._sampler.plan.samples_after(self._progress.step)
        self._progress.holds_state = True
        return self._progress.step >= self._total or self._checkpoints.finished is not None

    def _leave(self) -> None:
        """Says goodbye. Without a group to carry the state on, it is written first."""
        progress = self._progress
        checkpointed = False
        progress.phase = "stopping"
        self._checkpoints.distrust()
        if not self.membership.rest() and progress.holds_state and progress.step > 0:
            checkpointed = self._checkpoints.save_if_newer(max(self.membership.generation, 0))
        self._checkpoints.join()
        self.membership.part()
        self._parts.link.send(Leaving(progress.step, checkpointed))
