"""One attempt at a step: the slices that this worker carries, their sum over all workers, and the commit.

Nothing of the model changes before `commit`, so an attempt can be dropped at any point and made again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from . import control, wire
from .accumulator import Accumulator
from .by_slice import BySlice
from .caches import forget_copies
from .control import Agreed, Row
from .errors import Broken, UsageError
from .group import Group
from .modes import Modes, difference
from .packing import pack, unpack
from .reduce import reducer
from .replicas.fingerprint import combine, of_tensor, of_text
from .slice_state import SliceState
from .slices import Sampler
from .state import Registered
from .trained import Trained
from .tree import carried
from .witness import Prints, prints_of, word

REBUILDS = 3
"""Attempts at a step in which the script may change the model's parts: one is enough where it does so once."""


class Machinery:
    """What attempts of one generation share: memory for gradients, and who carries what."""

    def __init__(
        self, group: Group, own: Registered, sampler: Sampler, trained: Trained, slices: SliceState, before: Machinery | None = None
    ) -> None:
        """`before`: what the same generation had, if only what rank 0 tells besides gradients has another length now."""
        virtual = sampler.plan.virtual_ranks
        self.group = group
        self.own = own
        self.sampler = sampler
        self.trained = trained
        self.slices = slices
        self.by_slice = BySlice(own)
        self.modes = Modes(own.model)
        self.carried_by = [carried(rank, group.size, virtual) for rank in range(group.size)]
        self.carried = self.carried_by[group.rank]
        alike = before is not None and before.group is group and before.trained is trained
        self.accumulator: Accumulator = before.accumulator if alike and before is not None else Accumulator(trained.buckets, virtual)
        self.row_bytes = control.row_bytes(virtual)
        self.buffer_layout = slices.agreed_hash
        tails = [self.row_bytes + (slices.bytes if rank == 0 else 0) for rank in range(group.size)]
        self.reducer = reducer(group, trained.buckets, self.accumulator, virtual, tails)

    def fits(self, group: Group, trained: Trained) -> bool:
        return self.group is group and self.trained is trained and self.buffer_layout == self.slices.agreed_hash


class Attempt:
    """Call `enter`, then forward and `backward` for each slice of `running` in turn, then `close`, `reduce`, `deliver` and `commit`."""

    def __init__(self, machinery: Machinery, step: int, rebuilds: int = 0, *, witnessed: bool = False, parting: bool = False) -> None:
        """`rebuilds`: attempts at this step in which the script has changed the model's parts. `witnessed`: every worker computes the first
        slice (witness.py). `parting`: this one computes nothing but that, and adds nothing of it."""
        self._m = machinery
        self._rebuilds = rebuilds
        self._plan = machinery.sampler.plan
        self._step = step
        filled = [v for v in range(self._plan.virtual_ranks) if self._plan.weight(step, v) > 0]
        self.first = filled[0]
        own = [v for v in machinery.carried if v in set(filled)]
        own = [] if parting else own
        self._own = frozenset(own)
        repeats = not own or (witnessed and self.first not in own)
        self.running = [*own, self.first] if repeats else own
        """Virtual ranks whose samples this worker reads. One that carries none repeats the first slice, and adds nothing of it: so the
        script's own code runs in every worker, once or more in each step. Where the step is witnessed, all others repeat it, too."""
        self._witnessed = witnessed or parting
        self.prints: Prints = {}
        """Of what came out of the first slice, where the step is witnessed."""
        self.first_word = 0
        """64 bits of its loss and gradients; 0 where nobody has looked."""
        self._added = 0
        self._weighed: bool | None = None
        self._losses: dict[int, float] = {}
        self._weights: dict[int, float] = {}
        self._totals: list[torch.Tensor] = []
        self._started = 0
        self._broken = ""
        self._modes = 0
        self._entered = False
        self.void = False
        """It must be made again, by all."""
        self.rebuilt = False
        """The script has changed the model's parts in it."""
        self.wanted = machinery.trained.hash
        """Of the parameters that the script wants to train."""
        machinery.accumulator.clear()
        self._clear_gradients()
        machinery.slices.begin()
        if machinery.slices.movers.found:
            machinery.own.changing()

    def enter(self, virtual_rank: int) -> torch.Tensor:
        """Puts the model where the step began; the slice's samples."""
        if self._entered:
            self._m.slices.look()
            self._m.slices.rewind()
        self._entered = True
        forget_copies()
        return self._m.sampler.indices(self._step, virtual_rank)

    @property
    def logged(self) -> dict[str, float]:
        """What the first slice logged: known to all, after `reduce`."""
        return self._m.slices.logged

    def steady(self) -> list[str]:
        """Before a slice is handed out, when its samples are there: names of values that have changed since `enter`, by no code."""
        return self._m.slices.steady()

    def backward(self, virtual_rank: int, loss: torch.Tensor, weight: Any = None, logged: Mapping[str, float] | None = None) -> None:
        """Adds one slice's gradients. `loss` is the mean over the slice's samples, or over what `weight` counts. `logged`: so far in
        the first slice.

        With this worker's last slice, buckets are sent as they are filled.
        """
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            raise UsageError("job.step needs the loss: one number that came out of the model, as a tensor")
        if not loss.requires_grad:
            raise UsageError(
                "the loss that job.step was given needs no gradient: it was computed under torch.no_grad(), from detached tensors, or without a "
                "parameter that is trained. Where torch.autocast stands around the loop, a forward pass under torch.no_grad() keeps copies of the "
                "weights without gradients: call torch.clear_autocast_cache() after it"
            )
        self._check_model(virtual_rank)
        self._check_modes(virtual_rank)
        share = self._share(virtual_rank, weight)
        m = self._m
        collected = 0
        looks = self._witnessed and virtual_rank == self.first and share > 0 and self.wanted == m.trained.hash
        if virtual_rank in self._own:
            self._add_empty_until(virtual_rank)
            self._weights[virtual_rank] = share
            weighted = loss.reshape(()) * share
            self._losses[virtual_rank] = float(weighted.detach()) if share else 0.0
            if not share or self.wanted != m.trained.hash:
                self._clear_gradients()
            else:
                collected = self._run(virtual_rank, weighted, whole=looks)
            if looks:
                self._look(loss, share)
            for index in range(collected, len(m.trained.buckets)):
                m.accumulator.add(index, virtual_rank)
            self._added += 1
        elif share:
            # Backward changes buffers, too, where it computes the forward pass again. Rank 0's count, and it may be the one that only repeats.
            self._run(virtual_rank, loss.reshape(()) * share, whole=True)
        if looks and virtual_rank not in self._own:
            self._look(loss, share)
        if virtual_rank not in self._own:
            self._clear_gradients()
        if virtual_rank == self.running[0] and m.slices.suspects.learning:
            m.slices.movers.look()
        if virtual_rank == self.first:
            m.slices.keep(logged)
            if looks:
                self.prints.update(prints_of(m.slices.made))
        self._compare_with_first(virtual_rank)

    def close(self) -> list[str]:
        """All slices have run, or no more will: the model is put back to where the step began. Names of values that had changed in
        the attempt before, and not in this one: a fault in memory, of which nothing is left. Raises UsageError."""
        self._add_empty_until(None)
        slices = self._m.slices
        if self._entered:
            slices.look()
        learned = slices.suspects.learning
        if slices.movers.look() or (slices.suspects.any and not learned):
            self.void = True
        lost = slices.movers.lost()
        if lost:
            raise UsageError(
                f"parameter {lost[0]} was changed within step {self._step + 1}, and was not in the first step of this worker: its value "
                "before is gone. Change parameters after job.step has returned True, or in forward from the first step on"
            )
        slices.rewind(keep_new=self.rebuilt)
        return slices.suspects.close() if self._entered else []

    def row(self, newest_generation: int, leave: int, flags: int, check: int) -> Row:
        """What this worker says with the reduction."""
        flags |= (control.VOID if self.void else 0) | (control.WEIGHED if self._weighed else 0)
        kept = self._m.slices
        buffers = kept.agreed_hash if kept.fits else kept.agreed_hash ^ 1
        witness = word(self.prints) if self.prints else 0
        return Row(newest_generation, leave, flags, self.wanted, buffers, check, self._losses, self._weights, self._modes, witness)

    def reduce(self, row: Row) -> Agreed:
        """The sum over all workers. When it returns in one rank, it does in all, unless one is lost. Raises Broken."""
        m = self._m
        for index in range(self._started, len(m.trained.buckets)):
            self._start(index)
        if self._broken:
            raise Broken(self._broken)
        virtual = self._plan.virtual_ranks
        tail = row.encode(virtual)
        if m.group.rank == 0:
            tail = torch.cat([tail, m.slices.packed()])
        self._totals, tails = m.reducer.finish(tail)
        rows = [control.decode(told[: m.row_bytes].clone(), virtual) for told in tails]
        if rows[0].buffers != m.slices.agreed_hash:
            self._tell_buffers()
        elif m.group.rank > 0:
            m.slices.unpack(tails[0][m.row_bytes :])
        return control.agree(rows, m.carried_by)

    def compare_modes(self, agreed: Agreed, members: Sequence[str]) -> None:
        """Called by all ranks where an attempt counts. Raises UsageError in all where they compute with other modes; Broken."""
        told = [row.modes for row in agreed.rows]
        others = [rank for rank, modes in enumerate(told) if modes != told[0]]
        if not others:
            return
        group, own = self._m.group, self._m.modes.named
        there, here = (wire.told_by(group, rank, own) for rank in (0, others[0]))
        name, now, other = difference(here, there) or ("a module", "one thing", "another")
        raise UsageError(
            f"workers compute step {self._step + 1} with different models: {name} is {now} in worker {members[others[0]]} (rank {others[0]}), "
            f"and {other} in worker {members[0]} (rank 0). No state holds it, and a worker that joins has what the script begins with: set it in each "
            "slice, by job.step_number, or set it back (model.train() after an evaluation)"
        )

    def fingerprint(self) -> int:
        """64 bits of what `reduce` has summed up."""
        return combine(of_tensor(total[: bucket.length]) for bucket, total in zip(self._m.trained.buckets, self._totals))

    def deliver(self, agreed: Agreed) -> float:
        """Gives the parameters their gradients; the norm over all of them."""
        squares = 0.0
        for bucket, total in zip(self._m.trained.buckets, self._totals):
            if agreed.weight != 1.0:
                total[: bucket.elements].div_(agreed.weight)
            bucket.deliver(total)
        scaler = self._m.own.scaler
        if scaler is not None:
            for optimizer in self._m.own.optimizers:
                scaler.unscale_(optimizer)
        for bucket, total in zip(self._m.trained.buckets, self._totals):
            squares += float(torch.linalg.vector_norm(total[: bucket.elements])) ** 2 if bucket.elements else 0.0
        return math.sqrt(squares) if math.isfinite(squares) else squares

    def commit(self, agreed: Agreed, epoch_ended: bool) -> None:
        """The optimizer's step, from the same numbers in every worker."""
        own = self._m.own
        own.changing()
        self._m.slices.commit()
        if own.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self._m.trained.params, own.clip_norm)
        for optimizer in own.optimizers:
            if own.scaler is not None:
                own.scaler.step(optimizer)
            else:
                optimizer.step()
        if own.scaler is not None:
            own.scaler.update()
        if own.schedule == "step" or epoch_ended:
            for scheduler in own.schedulers:
                if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                    scheduler.step(agreed.loss)
                else:
                    scheduler.step()
        self.drop()

    def leave_out(self) -> None:
        """Instead of `commit`: the step changes nothing. The scaler has looked at its gradients, and sets its scale by them."""
        self._m.slices.rewind()
        if self._m.own.scaler is not None:
            self._m.own.scaler.update()
        self.drop()

    def drop(self) -> None:
        """Forgets the gradients."""
        self._clear_gradients()
        forget_copies()
        self._m.accumulator.clear()
        self._totals = []

    def abandon(self) -> None:
        """The attempt failed: the model is as if it had never been made."""
        self._m.slices.look()
        self._m.slices.rewind(keep_new=self.rebuilt)
        self.drop()

    def bad_gradients(self) -> list[str]:
        """Names of parameters whose gradient is not finite, after `deliver`."""
        trained = self._m.trained
        pairs = zip(trained.names, trained.params)
        return [name for name, param in pairs if param.grad is not None and not bool(torch.isfinite(param.grad).all())]

    def _look(self, loss: torch.Tensor, share: float) -> None:
        """At what came out of the first slice."""
        trained = self._m.trained
        self.prints = {"the loss": of_text(repr((float(loss.detach()), share)).encode())}
        self.prints.update(prints_of((f"the gradient of {name}", param.grad) for name, param in zip(trained.names, trained.params)))
        self.first_word = word(self.prints)

    def _run(self, virtual_rank: int, weighted: torch.Tensor, *, whole: bool) -> int:
        """Backward; how many buckets were taken meanwhile. None with `whole`: the gradients are there when it returns."""
        m = self._m
        if m.own.scaler is not None:
            weighted = m.own.scaler.scale(weighted)
        last = not whole and virtual_rank == m.carried[-1]
        if m.trained.backward is None or not m.reducer.overlaps or not last:
            weighted.backward()  # type: ignore[no-untyped-call]
            return 0

        def ready(index: int) -> None:
            m.accumulator.add(index, virtual_rank)
            self._start(index)

        return m.trained.backward.run(weighted, ready)

    def _check_model(self, virtual_rank: int) -> None:
        """The script may freeze and unfreeze, add groups, and rebuild the model: the step is then made again with what it wants."""
        own, trained = self._m.own, self._m.trained
        if changed := own.changed():
            if self._rebuilds >= REBUILDS:
                raise UsageError(
                    f"the model changes in every attempt at step {self._step + 1}: parameter {changed}. Write new values into a parameter "
                    "with copy_, or keep what forward replaces as a buffer; change the model's parts only where they are not changed yet"
                )
            own.look_again()
            self.rebuilt = True
        wanted = trained.hash
        now = own.trained()
        if self.rebuilt or not trained.fits(now):
            own.names.added(own.optimizers, [0] * len(own.optimizers))
            wanted = Trained(now, own.names.of, overlap=False).hash
        if virtual_rank != self.running[0] and wanted != self.wanted:
            names = {own.names.of(p) for p in now} ^ set(trained.names)
            raise UsageError(
                f"requires_grad or the optimizer's groups changed between two slices of step {self._step + 1}: {', '.join(sorted(names)[:4])}. "
                "All slices of a step train the same parameters: decide by job.step_number"
            )
        self.wanted = wanted
        self.void = self.void or self.rebuilt or wanted != trained.hash

    def _check_modes(self, virtual_rank: int) -> None:
        """Raises UsageError where they change between the slices of a step: what a slice adds would depend on who carries it."""
        modes = self._m.modes
        now = modes.now()
        if virtual_rank != self.running[0] and now != self._modes:
            found = difference(modes.named, modes.before)
            assert found is not None
            name, after, before = found
            raise UsageError(
                f"{name} changed from {before} to {after} between two slices of step {self._step + 1}: what a slice adds to the gradients "
                "would depend on who carries it. Change it once a step, after job.step has returned True, or set it anew in each slice"
            )
        self._modes = now

    def _compare_with_first(self, virtual_rank: int) -> None:
        """Raises UsageError where what becomes of the registered state depends on how many slices a worker carries."""
        if len(self.running) == 1:
            return
        if virtual_rank == self.running[0]:
            self._m.by_slice.first()
        elif virtual_rank == self.running[-1] and (changed := self._m.by_slice.changed()):
            raise UsageError(
                f"{changed} changed between two slices of step {self._step + 1}: what becomes of it would depend on how many slices a "
                "worker carries. Change it once a step, after job.step has returned True; within a slice, draw from job.generator(name)"
            )

    def _share(self, virtual_rank: int, weight: Any) -> float:
        weighed = weight is not None
        if self._weighed not in (None, weighed):
            raise UsageError("job.step was called with a weight for some slices of a step, and without for others")
        self._weighed = weighed
        if not weighed:
            return self._plan.weight(self._step, virtual_rank)
        value = float(weight)
        if not 0 <= value < math.inf:
            raise UsageError(f"job.step(loss, weight={value}): a weight is a finite number that is not negative, such as a count of tokens")
        start, end = self._plan.batch_bounds(self._step)
        return value / (end - start)

    def _tell_buffers(self) -> None:
        """Rank 0's do not fit the room that the reduction has for them: a message of their own. Raises Broken."""
        m = self._m
        if m.group.rank == 0:
            if m.group.size > 1:
                wire.send(m.group, pack(dict(m.slices.kept)), range(1, m.group.size))
            m.slices.take(m.slices.kept)
        else:
            m.slices.take(list(unpack(wire.receive(m.group, 0), copy=True).items()))

    def _add_empty_until(self, virtual_rank: int | None) -> None:
        """Slices of this worker that have no samples count as zeros."""
        while self._added < len(self._m.carried) and self._m.carried[self._added] != virtual_rank:
            for index in range(self._started, len(self._m.trained.buckets)):
                self._m.accumulator.add(index, self._m.carried[self._added], empty=True)
            self._added += 1

    def _clear_gradients(self) -> None:
        for _, param in self._m.own.names.all:
            param.grad = None

    def _start(self, index: int) -> None:
        """Begins to send a bucket. Keeps a failure for `reduce`: backward runs user code, which must not see it."""
        self._started = index + 1
        if self._broken:
            return
        reason = ""
        try:
            self._m.reducer.start(index)
        except Broken as error:
            reason = error.reason
        self._broken = reason
