"""What runs behind `batches` and `steps`: join a generation, attempt steps, commit them, and begin again where one broke.

A failure in a collective never reaches the user's code. It drops the attempt; the next generation's members agree on
the state, and the slices of the step are handed out again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from . import control
from .ahead import EARLY
from .attempt import Attempt, Machinery
from .contents import check
from .control import Agreed
from .data import Batch, Slice, to_device
from .errors import Broken, Leave, StartAnew, UsageError
from .evaluation import Evaluations
from .feeding import READING, Feeding
from .group import Group
from .interruptible import GIVEN_UP
from .membership import Membership
from .messages import Finishing, Ready
from .nonfinite import NonFinite
from .once import Effect
from .rejoin import Parts, Rejoin
from .slice_state import SliceState
from .stages import Stage
from .step_result import StepResult
from .trained import Trained
from .verdict import Verdict, judge


class Loop:
    """One job's training loop on one worker. Steps are numbers of committed ones."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._progress = parts.progress
        self._own = parts.own
        self._slices = SliceState(self._own.modules, self._own.names.all)
        self._names = self._own.names
        self._trained = Trained(self._own.trained(), self._own.names.of, overlap=self._own.overlap)
        self._rejoin = Rejoin(parts, self._met)
        self._stages = self._rejoin.stages
        self.evaluations = Evaluations(parts, self._rejoin, self._drop_attempt)
        self._nonfinite = NonFinite(parts.config.on_non_finite, self._own, parts.link)
        parts.randomness.watch(module for _, module in self._own.modules)
        self._feeding: Feeding | None = None
        self._device = torch.device("cpu")
        self._machinery: Machinery | None = None
        self._attempt: Attempt | None = None
        self._slice: int | None = None
        self._reduced: tuple[Group, Agreed] | None = None
        self._began = self.ended = False
        self.total = parts.config.steps
        """Steps that the job makes; None until the data is known that `epochs` counts in."""
        self._rebuilds = 0
        """Attempts at the next step in which the script has changed the model's parts."""
        self.commits = 0
        """That this worker has made."""
        self.grad_norm = 0.0
        """Of the step that was reduced last, before clipping."""
        self.digest = ""

    @property
    def membership(self) -> Membership:
        return self._parts.membership

    @property
    def step_number(self) -> int:
        return self._progress.step

    @property
    def epoch(self) -> int:
        return self._progress.epoch

    @property
    def loss(self) -> float | None:
        """The mean loss of the step that was reduced and waits for its commit."""
        return None if self._reduced is None else self._reduced[1].loss

    @property
    def unused(self) -> bool:
        """A batch was handed out, and `backward` not called for it."""
        return self._slice is not None

    @property
    def in_slice(self) -> bool:
        return self._slice is not None

    @property
    def in_first_slice(self) -> bool:
        """The slice whose buffers and logged values count for the step."""
        return self._attempt is not None and self._slice == self._attempt.first

    def attach(self, feeding: Feeding, device: torch.device) -> None:
        """The script has handed over its data."""
        self._feeding, self._device = feeding, device
        epochs = self._parts.config.epochs
        if self.total is None:
            self.total = (epochs or 0) * feeding.plan.steps_per_epoch
        if feeding.reading is not None:
            self._own.claim(READING, feeding.reading)
        self._parts.place.plan = feeding.plan
        model = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
        self._rejoin.trail.of((str(feeding.plan), device.type, model, self.total))
        self._parts.checkpoints.attach(feeding.plan, feeding.position)
        self._progress.total_steps = self.total
        self._parts.place.at(self._progress.step)
        if self._began:
            self._parts.link.send(Ready(self._progress.step, self._progress.holds_state, self.total))

    def begin(self) -> int:
        """Meets the others and takes their state; how many steps are committed. Waits while this worker is a standby. Raises Leave."""
        if not self._began:
            self._began = True
            self._rejoin.begins()
            self._progress.total_steps = self.total
            self.membership.register(self._own, self._parts.place)
            self._progress.ready = True
            if self.total is not None and self._resume_finished(self.total):
                self._end()
            else:
                self._parts.link.send(Ready(self._progress.step, self._progress.holds_state, self.total))
                while self.membership.group is None and not self.ended:
                    self._over()
            self._parts.randomness.between(self._progress.step)
        return self._progress.step

    def begins(self) -> int:
        """The same, called by the script itself, which may do something before it asks for a step."""
        first = not self._began
        step = self.begin()
        if first:
            self._parts.randomness.once("begun")
        if first and not self.ended and self._rejoin.meeting is None:
            self._rejoin.start.all_of_it(step)
        return step

    def more(self) -> bool:
        """Whether there is another step to make. False: the last one is committed and durable. Raises Leave, FtcError."""
        self.begin()
        if not self.ended:
            self._rejoin.start.done(self._progress.step)
        self._stages.enter(Stage.BODY)
        while not self.ended:
            self._over()
            group = self.membership.group
            if self._progress.parting:
                return True
            if self.ended or group is None:
                continue
            if self._finish is None:
                return True
            for _ in self._attempt_once(group):
                raise AssertionError("a worker that wants to finish computes nothing")
        return False

    def hands_out(self) -> None:
        """The script gets a step of `job.steps`, and may do something before it asks for the slices."""
        self._parts.randomness.ahead(self._progress.step)
        if self._progress.step < EARLY:
            self._rejoin.ahead.tensors(self._progress.step)

    def attempts(self, prepared: int | None = None) -> Iterator[Batch]:
        """The slices of one step that this worker carries, again and again until they were reduced.

        Where others have committed the step meanwhile, or all go back to a checkpoint, it goes on with the slices of the step that is next
        then. `prepared`: the step for which the script has run code of its own that is not run again here. Raises StartAnew where the next
        one is another; Leave, FtcError.
        """
        commits = self.commits
        self._stages.enter(Stage.SLICES)
        self._stages.prepared = prepared is not None
        if prepared is not None:
            self._rejoin.ahead.done(prepared)
        self._rejoin.ahead.forget()
        while self._reduced is None and self.commits == commits and not self.ended:
            if self._progress.parting:
                yield from self._part()
            group = self.membership.group
            if group is None or self._rejoin.meeting is None and self._at_end():
                self._over()
                continue
            if prepared is not None and (prepared != self._progress.step or self._stages.undone):
                raise StartAnew(
                    f"starts its script anew: what the script does before a step's slices was done for step {prepared + 1}, and the job "
                    + ("has gone back to before that" if self._stages.undone else f"is at step {self._progress.step + 1}")
                )
            yield from self._attempt_once(group) if self._rejoin.meeting is None else self._rehearse(group)

    def backward(self, loss: torch.Tensor, weight: Any = None) -> bool:
        """Of one slice. True: it was the last one that this worker carries in the step."""
        if self._slice is None:
            raise UsageError("job.step belongs once after each batch of job.batches")
        current, self._slice = self._slice, None
        if self._attempt is None and self._rejoin.meeting is not None:
            return False  # rehearsed: nothing of it is kept
        if self._attempt is None:
            self._slices.look()  # dropped in an evaluation: what the script has computed since is not of the step
            self._slices.rewind()
            return True
        self._parts.checkpoints.poll()
        self._attempt.backward(current, loss, weight, self._parts.reporting.pending)
        if self._progress.parting:
            return False
        return current == self._attempt.running[-1] or self.membership.superseded or self._attempt.void

    def reduce(self) -> bool:
        """Over all workers. False: it broke, or has to be made again; the slices will come again."""
        attempt, group = self._attempt, self.membership.group
        if attempt is None:
            return False
        assert group is not None
        self._progress.phase = "reduce"
        lost, reason = True, ""
        try:
            if self.membership.superseded:
                raise Broken(GIVEN_UP)
            faults = attempt.close()
            if attempt.void:
                self._parts.checkpoints.doubt()
            replicas, mailbox = self._rejoin.replicas, self._parts.mailbox
            replicas.healed(group, self._progress.step, faults)
            flags = replicas.flags(group) | (control.FINISH if self._finish is not None else 0)
            check = replicas.value(group, self._progress.step, self._slices.print)
            agreed = attempt.reduce(attempt.row(mailbox.newest, mailbox.leave_flag, flags, check))
            if self._settle(group, attempt, agreed):
                self._reduced = (group, agreed)
                self._parts.randomness.reduced(self._progress.step)
                return True
            lost = False
        except Broken as error:
            reason = error.reason
        self._attempt = None
        self._rebuilds += attempt.rebuilt
        if lost:
            attempt.abandon()
            self.membership.lost(reason)
        else:
            attempt.drop()  # the model was put back by `close`, and may be another one since: that of the majority, or of a checkpoint
        return False

    def commit(self) -> None:
        """What was reduced becomes the next step."""
        if self._reduced is None or self._attempt is None or self._feeding is None:
            raise UsageError("step.commit belongs once after the loop over a step's batches")
        (group, agreed), self._reduced = self._reduced, None
        attempt, self._attempt = self._attempt, None
        progress, parts, plan = self._progress, self._parts, self._feeding.plan
        parts.randomness.optimizer(progress.step)
        if self._nonfinite.leaves_out(agreed.loss, self.grad_norm):
            attempt.leave_out()
        else:
            attempt.commit(agreed, plan.epoch_of(progress.step + 1) != plan.epoch_of(progress.step))
        progress.step += 1
        progress.loss, progress.skipped = agreed.loss, self._own.skipped
        parts.place.at(progress.step)
        progress.phase = "compute"
        self.commits += 1
        self._rebuilds = 0
        self._stages.committed(progress.step)
        if self.commits == 1:
            check(self._own.capture())  # optimizer and script have made their state by now
        parts.reporting.committed()
        self._rejoin.committed(group, agreed)
        parts.randomness.between(progress.step)

    def once(self, effect: Effect) -> None:
        if self._stages.stage != Stage.COMMITTED:
            raise UsageError("job.once belongs after the commit of a step, in the loop: it runs a side effect of the step that was committed last")
        group = self.membership.group
        leads = group is None or group.rank == self._stages.leader(self._progress.step)
        self._parts.once.add(self._progress.step, effect, leads)

    def finish(self, reason: str) -> None:
        """The script ends training at this step."""
        if self._reduced is not None:
            raise UsageError("job.finish was called between the loop over a step's batches and step.commit: call it before or after both")
        self._stages.finish_at(self._progress.step, reason)

    def check_evaluation(self) -> None:
        """Raises UsageError where the workers cannot evaluate together."""
        if self._reduced is not None:
            raise UsageError("job.evaluate was called between the loop over a step's batches and step.commit: call it before or after both")

    @property
    def _finish(self) -> str | None:
        return self._stages.reason(self._progress.step)

    def _drop_attempt(self) -> None:
        """The group was lost while the script evaluates: the slices will come again."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.abandon()

    def _settle(self, group: Group, attempt: Attempt, agreed: Agreed) -> bool:
        """Every rank decides the same, from the same words. True: the attempt counts. Raises Broken, FtcError."""
        self._parts.once.passed()
        step, rejoin = self._progress.step, self._rejoin
        if rejoin.hand_over(group):
            self._refresh()
            return False
        verdict = judge(agreed, self._trained.hash, self.membership.members, step)
        if verdict in (Verdict.FOLLOW, Verdict.AGAIN):
            self._slices.agree()  # in all alike: what rank 0 tells may be another thing now
        if verdict is Verdict.FOLLOW or attempt.rebuilt:
            self._refresh()
            return False
        trail, leads = rejoin.trail, group.rank == 0
        if verdict is Verdict.COUNTS and agreed.alike:  # a checkpoint that waits for it is published from here on
            whole = trail.wants_sum(step + 1) or (leads and self._parts.checkpoints.waiting)
            trail.reduced(step + 1, StepResult(agreed.loss, total=attempt.fingerprint() if whole else None), leads=leads)
        again = verdict is Verdict.AGAIN
        if not rejoin.replicas.alike(group, agreed, step, rejoin.go_back, counts=not again) or again:
            return False
        if verdict is Verdict.FINISH:
            self._stages.decide(step)
            return False
        attempt.compare_modes(agreed, self.membership.members)
        if not rejoin.witness.agrees(group, agreed, attempt.prints, self.membership.members, step):
            rejoin.replicas.look_at_all()
            return False
        trail.compare_first(step + 1, attempt.first_word)
        self.grad_norm = attempt.deliver(agreed)
        self._nonfinite.judge(step, agreed, self.grad_norm, attempt)
        trail.reduced(step + 1, StepResult(agreed.loss, self.grad_norm), leads=leads)
        self._parts.reporting.heard(attempt.logged)
        return True

    def _over(self) -> None:
        """Joins where needed; ends where the last step is committed and its checkpoint durable. Raises Leave."""
        try:
            self._rejoin.between_steps(self._at_end())
            if self.membership.group is None:
                self._rejoin.join()
        except Leave:
            if self._rejoin.keep() and not self._rejoin.others_stay and self._machinery is not None and self._finish is None and not self._at_end():
                self._progress.parting = True
                self._progress.phase = "compute"
                return
            self._rejoin.leave()
            raise
        group = self.membership.group
        if not self._at_end() or group is None:
            return
        self._progress.phase = "checkpoint"
        checkpoints, step = self._parts.checkpoints, self._progress.step
        reason = ""
        try:
            self._rejoin.hand_over(group)
            if self._rejoin.replicas.all_alike(group, step, self._rejoin.go_back) and checkpoints.finish(group, self._finish):
                self._end()
            return
        except Broken as error:
            reason = error.reason
        self.membership.lost(reason)
        if checkpoints.is_final(step):
            self._end()

    def _attempt_once(self, group: Group) -> Iterator[Batch]:
        feeding, step = self._feeding, self._progress.step
        assert feeding is not None
        machinery = self._machinery
        if machinery is None or not machinery.fits(group, self._trained):
            machinery = self._machinery = Machinery(group, self._own, feeding.sampler, self._trained, self._slices, machinery)
        self._progress.slices = len(machinery.carried)
        self._progress.phase = "compute"
        self._parts.reporting.begin_attempt()
        witnessed = self._rejoin.witness.due(step, group.size, step + 1 == self.total) or self._rejoin.trail.first_of(step + 1) is not None
        attempt = self._attempt = Attempt(machinery, step, self._rebuilds, witnessed=witnessed)
        source = feeding.source
        if source.ahead > 0:
            source.expect(feeding.sampler.coming(step, self.total or step + 1, machinery.carried, source.ahead))
        for virtual_rank in attempt.running if self._finish is None else []:
            indices = attempt.enter(virtual_rank)
            self._slice = virtual_rank
            self._stages.enter(Stage.SLICES)
            part = Slice(step, virtual_rank, indices)
            data = source.fetch(part)
            self._rejoin.replicas.healed(group, step, attempt.steady())
            yield self._handed_out(part, data)
            if self._attempt is not attempt or self.membership.superseded or attempt.void:
                break
        if self._attempt is attempt and self._reduced is None:
            self.reduce()

    def _handed_out(self, part: Slice, data: Any) -> Batch:
        """A slice as the script gets it: whatever is drawn from here on, and from the first look at its samples on, depends on the slice alone."""
        randomness = self._parts.randomness
        randomness.between(part.step)
        randomness.arm(part.step, part.virtual_rank)
        looked_at = partial(randomness.slice, part.step, part.virtual_rank)
        return Batch(to_device(data, self._device) if self._device.type != "cpu" else data, part.indices, looked_at)

    def _part(self) -> Iterator[Batch]:
        """No worker may stay that holds the state. One more slice runs, of which nothing is kept: who goes on from the checkpoint must get the same
        from it. Raises Leave."""
        assert self._feeding is not None and self._machinery is not None
        step = self._progress.step
        attempt = self._attempt = Attempt(self._machinery, step, parting=True)
        indices = attempt.enter(attempt.first)
        self._slice = attempt.first
        part = Slice(step, attempt.first, indices)
        yield self._handed_out(part, self._feeding.source.fetch(part))
        attempt.abandon()
        self._attempt = None
        self._rejoin.trail.parting(step + 1, attempt.first_word)
        self._rejoin.leave()
        raise Leave

    def _rehearse(self, group: Group) -> Iterator[Batch]:
        """One slice of which nothing is kept: the script makes the changes to the model that the state of this step has."""
        assert self._feeding is not None
        plan, step = self._feeding.plan, self._progress.step
        first = next(v for v in range(plan.virtual_ranks) if plan.weight(step, v) > 0)
        indices = self._feeding.sampler.indices(step, first)
        self._slice = first
        self._parts.randomness.between(step)
        data = self._feeding.source.fetch(Slice(step, first, indices))
        yield Batch(to_device(data, self._device) if self._device.type != "cpu" else data, indices)
        self._stages.returned()
        reason = ""
        try:
            self._rejoin.rehearsed(group)
            return
        except Broken as error:
            reason = error.reason
        self.membership.lost(reason)

    def _met(self) -> None:
        """All members of a generation hold one state: what they reduce, and the room for buffers, follow from that."""
        self._machinery = None
        if self._slice is not None:
            self._slices.begin()  # in an evaluation: the script still has the slice at hand
        reason = self._parts.checkpoints.reason_at(self._progress.step)
        if reason is not None:
            self._stages.finish_at(self._progress.step, reason)
        self._refresh()
        self._slices.agree()

    def _refresh(self) -> None:
        """The parameters to reduce are those that the script trains now, and the model is the one that it has made."""
        names = self._own.names
        if names is not self._names:
            self._names = names
            self._slices = SliceState(self._own.modules, names.all)
            self._slices.agree()
            self._parts.randomness.watch(module for _, module in self._own.modules)
        elif self._trained.fits(self._own.trained()):
            return
        self._trained.close()
        self._trained = Trained(self._own.trained(), names.of, overlap=self._own.overlap)
        self._own.check_scaler()

    def _at_end(self) -> bool:
        step = self._progress.step
        return self._stages.has_ended(step) or (self.total is not None and step >= self.total)

    def _end(self) -> None:
        self.ended = True
        if self._stages.has_ended(self._progress.step):
            self.total = self._progress.step
        self._stages.enter(Stage.ENDED)
        if self._feeding is not None:
            self._feeding.source.close()
        self.membership.part()
        self._progress.phase = "finishing"
        checkpoints = self._parts.checkpoints
        self.digest = checkpoints.digest
        told = Finishing(max(self.membership.generation, 0), self._progress.step, checkpoints.finished)
        self._parts.link.send(self._progress.heartbeat())  # what was compared last is known before the job ends
        self._parts.link.send(told, sticky=True)

    def _resume_finished(self, total: int) -> bool:
        """The job had been trained to its end before this worker started: loads the result."""
        checkpoints, progress = self._parts.checkpoints, self._progress
        if not checkpoints.is_final(total, at_least=True):
            return False
        progress.step = checkpoints.load()
        self._parts.place.at(progress.step)
        progress.holds_state = True
        return progress.step >= total or checkpoints.finished is not None
