"""What a worker does between two steps: it leaves, meets the others, takes their state, or goes back to a checkpoint with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import wire
from .ahead import AHEAD, START, Untouched
from .checkpoint.checkpoints import Checkpoints
from .config import Config
from .control import Agreed
from .errors import Broken, Leave, StartAnew
from .group import Group
from .link import Link
from .mailbox import Mailbox
from .membership import Membership
from .messages import Committed, Leaving
from .once import Once
from .packing import pack, unpack
from .place import Place
from .progress import Progress, epoch_ms
from .randomness import Randomness
from .replicas.response import Replicas
from .reporting import Reporting
from .stages import HandOver, Stages, Told, hand_over_of
from .state import Registered, State, clones
from .sync import NOTHING, Meeting, Saved, bring, exchange, meet_states
from .trail import Trail
from .witness import Witness


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
    checkpoints: Checkpoints
    reporting: Reporting
    once: Once
    place: Place


def _hand_over(words: list[int]) -> HandOver | None:
    return hand_over_of([Told.decode(word) for word in words])


class Rejoin:
    """`met` is called when a generation's members hold one state, before they compare it."""

    def __init__(self, parts: Parts, met: Callable[[], None]) -> None:
        self._parts = parts
        self._met = met
        self.replicas = Replicas(parts.own, parts.config, parts.link, parts.progress, parts.membership, parts.checkpoints)
        self._initial: State | None = None
        self._agreed: tuple[Group, Agreed] | None = None
        self._first_commit = False
        self._from_step = self._wait_for = 0
        self._waiting: tuple[Group, HandOver] | None = None
        self._source: int | None = None
        """The rank that this worker has the state from, since the members met."""
        self._provisional = False
        """It is to get another one at the next reduction, and this one counts for nothing if that cannot be."""
        self.ahead = Untouched(parts.own, AHEAD)
        self.start = Untouched(parts.own, START)
        self._kept: tuple[bool, bool] | None = None
        """What `keep` has found and done: it held the state, and a checkpoint of it is there."""
        self.others_stay = False
        """This worker leaves others behind that hold the state."""
        self.meeting: Meeting | None = None
        """Of whoever has to rehearse."""
        self.stages = Stages()
        self.witness = Witness()
        self.trail = Trail(parts.config, lambda: self.replicas.compares_all)
        parts.checkpoints.before_publishing(self._flush)
        parts.checkpoints.ends_at = self.stages.reason

    def _flush(self) -> None:
        """Before a checkpoint is published, behind training: what belongs to it is as durable as it is."""
        self.trail.flush(durable=True)
        self._parts.reporting.flush_to_disk()

    def begins(self) -> None:
        """The script's own beginning: what training goes back to where there is no checkpoint."""
        self._initial = clones(self._parts.own.capture())

    def committed(self, group: Group, agreed: Agreed) -> None:
        """A step was committed. The first one of a generation is told."""
        progress, link = self._parts.progress, self._parts.link
        self._agreed = (group, agreed)
        if self._first_commit:
            self._first_commit = False
            # Sticky: a master that comes back may have missed it, and only this tells what became of a loss.
            link.send(Committed(group.generation, progress.step, self._from_step, epoch_ms()), sticky=True)
        link.committed()
        if self._initial is not None and self._parts.checkpoints.newest() != NOTHING:
            self._initial = None

    def between_steps(self, final: bool) -> None:
        """When the script asks for the next batch: what its own code did after the step belongs to the state of that step. Raises Leave."""
        if self._agreed is None:
            return
        (group, agreed), self._agreed = self._agreed, None
        parts = self._parts
        parts.reporting.close()
        parts.membership.committed(parts.own)
        now = parts.membership.group or group
        if now.rank == 0 and not self._provisional:
            parts.checkpoints.maybe(now.generation, final=final, agreed=False)
        if now is group:  # else the script's own code after the commit has met others: the next reduction tells anew
            self._boundary(group, agreed, final)

    def join(self) -> None:
        """Waits for a generation with this worker in it, and takes the state, or has a `meeting` to rehearse for. Raises Leave, FtcError."""
        self.meeting = None
        self._parts.membership.join(self._synchronise, self._wait_for)

    def go_back(self, group: Group) -> int:
        """Nobody's state is to be trusted: all take the newest checkpoint, or what they began with. The step of that. Raises Broken,
        StartAnew."""
        parts, progress = self._parts, self._parts.progress
        parts.checkpoints.distrust()
        self.trail.forget(leads=group.rank == 0)
        self.stages.undone = self.stages.ahead
        self.stages.returned()
        progress.step, progress.holds_state = 0, False
        if self._initial is not None:
            if not parts.own.fits(self._initial):
                raise StartAnew("starts its script anew: the replicas differ, and training began with a model that had other parameters")
            parts.own.restore(clones(self._initial))
        if not self._take_state(group):
            raise StartAnew("starts its script anew: the replicas differ, and the newest checkpoint is of a model with other parameters")
        parts.reporting.returned(group.rank)
        self.trail.after_return(progress.step)
        return progress.step

    def keep(self) -> bool:
        """Before this worker leaves: without a group to carry the state on, it is written. False: this worker has none to carry on."""
        parts, progress = self._parts, self._parts.progress
        progress.phase = "stopping"
        parts.checkpoints.distrust()
        if self._kept is None:
            following = parts.membership.rest()
            held = not following and progress.holds_state and progress.step > 0
            self._kept = held, held and parts.checkpoints.save_if_newer(max(parts.membership.generation, 0))
        return self._kept[0]

    def leave(self) -> None:
        """Says goodbye, after `keep`."""
        self.keep()
        assert self._kept is not None
        parts = self._parts
        parts.checkpoints.join()
        parts.membership.part()
        parts.link.send(Leaving(parts.progress.step, self._kept[1]))

    def _boundary(self, group: Group, agreed: Agreed, final: bool) -> None:
        """What all ranks have just agreed on: that somebody leaves, or that a generation waits."""
        leaving = any(agreed.leave)
        if not leaving and agreed.newest_generation <= group.generation:
            return
        membership = self._parts.membership
        if leaving and not final:
            stay = not agreed.all_leave and not agreed.leave[group.rank]
            try:
                if agreed.all_leave and self.replicas.all_alike(group, self._parts.progress.step, self.go_back) and group.rank == 0:
                    self._parts.checkpoints.save_now(group.generation)
                group.barrier()  # nobody goes before all have this step
            except Broken:
                stay = True  # somebody was lost meanwhile: the next wait decides again
            membership.part()
            if not stay:
                self.others_stay = not agreed.all_leave
                raise Leave
        elif not final:
            membership.part()
        self._wait_for = agreed.newest_generation

    def rehearsed(self, group: Group) -> None:
        """The script has run a slice of the step, and so made the changes to the model that the state has. Raises Broken, FtcError."""
        assert self.meeting is not None
        meeting, self.meeting = self.meeting, None
        parts = self._parts
        if parts.own.changed():
            parts.own.look_again()
        parts.checkpoints.restore_pending()
        self._exchange(group, meeting)
        self._compare(group)

    def _synchronise(self, group: Group) -> None:
        """All are at one step, with one state, when this returns; or this worker rehearses first."""
        if self._take_state(group):
            self._compare(group)

    def _compare(self, group: Group) -> None:
        parts = self._parts
        parts.reporting.entered(group.rank)
        word = self.stages.told(parts.progress.step, self._source is not None).encode()
        words = self.replicas.begin(group, parts.progress.step, self.go_back, word, lambda said: _hand_over(said) is not None)
        told = [Told.decode(other) for other in words]
        waiting = _hand_over(words)
        self._waiting = None if waiting is None else (group, waiting)
        settled = waiting is None or group.rank not in waiting.receivers
        if settled and self._source is not None and told[self._source].ahead and not told[group.rank].ahead:
            self.ahead.all_of_it(parts.progress.step)
        self.stages.met(parts.progress.step, told)
        self.witness.met(parts.progress.step, told)
        self._pass_on_finish(group, told)
        parts.once.entered()
        if group.rank == self.stages.leader(parts.progress.step):
            parts.once.lead()
            if group.rank != 0:
                parts.reporting.owe(parts.progress.step)

    def hand_over(self, group: Group) -> bool:
        """Where all members meet again, at a reduction or at the end. True: their scripts were at different places, and what was computed
        since counts for nothing, because some of them have got another state only now. Raises Broken, FtcError, StartAnew."""
        pending, self._waiting = self._waiting, None
        if pending is None or pending[0] is not group:
            return False
        waiting, progress = pending[1], self._parts.progress
        if not waiting.receivers:
            return not self.replicas.all_alike(group, progress.step, self.go_back)
        moved = bring(group, self._parts.own, waiting.source, dict.fromkeys(waiting.receivers, True))
        if moved:
            print(f"ftc: {moved} bytes of state moved after the script's own code at step {progress.step}", flush=True)
        if group.rank in waiting.receivers:
            self.start.taken_anew(progress.step)
        self._provisional, progress.holds_state, self._source = False, True, None
        self._met()
        self._compare(group)
        return True

    def _pass_on_finish(self, group: Group, told: list[Told]) -> None:
        """Who has not run the script's code after this step's commit hears from the others that training ends here."""
        step = self._parts.progress.step
        knowing = [rank for rank, other in enumerate(told) if other.finish]
        lacking = [rank for rank, other in enumerate(told) if not other.finish and not other.made]
        if not knowing or not lacking:
            return
        if group.rank == knowing[0]:
            wire.send(group, pack({"reason": self.stages.reason(step) or ""}), lacking)
        elif group.rank in lacking:
            self.stages.finish_at(step, unpack(wire.receive(group, knowing[0]), copy=True)["reason"])

    def _take_state(self, group: Group) -> bool:
        """False: this worker cannot take it before it has rehearsed."""
        parts, progress = self._parts, self._parts.progress
        parts.reporting.settle()
        checkpoints = parts.checkpoints
        saved = Saved(checkpoints.newest, checkpoints.structure, lambda above: checkpoints.load(above, group.generation))
        word = self.stages.told(progress.step).encode()
        meeting = meet_states(group, parts.own, progress.step, progress.holds_state, saved, word)
        if self.stages.between and meeting.step != progress.step:
            raise StartAnew(
                f"starts its script anew: it evaluates between step {progress.step} and the next one, and the job is at step {meeting.step + 1}"
            )
        if meeting.saved and self._provisional:
            raise StartAnew(
                f"starts its script anew: all workers were lost that could give it the state of step {progress.step}, which their scripts had still "
                "to change"
            )
        if meeting.rehearses(group.rank):
            progress.step, progress.holds_state, self.meeting = meeting.step, False, meeting
            parts.place.at(meeting.step)
            return False
        self._exchange(group, meeting)
        return True

    def _exchange(self, group: Group, meeting: Meeting) -> None:
        parts, progress = self._parts, self._parts.progress
        outcome = exchange(group, parts.own, meeting)
        parts.checkpoints.entered(group)
        progress.step = self._from_step = outcome.step
        if outcome.moved:
            print(f"ftc: {outcome.moved} bytes of state moved at step {outcome.step}", flush=True)
        parts.place.at(outcome.step)
        if not any(Told.decode(word).made for word in meeting.words):
            self.trail.resumed(outcome.step)  # of the processes that have made the steps so far none is left
        took = group.rank in meeting.behind
        self._source = meeting.source if took else None
        if took:
            self.start.taken_anew(outcome.step)
        self._provisional = took and any(Told.decode(meeting.words[rank]).inside for rank in meeting.held)
        progress.holds_state = not self._provisional
        self._first_commit = True
        self._met()
