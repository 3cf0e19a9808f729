"""One attempt at a step: the slices that this worker carries, their sum over all workers, and the commit.

Nothing of the model changes before `commit`, so an attempt can be dropped at any point and made again.
"""

from __future__ import annotations

import torch

from . import control
from .accumulator import Accumulator
from .backward import Backward
from .buffers import StepBuffers
from .control import Agreed
from .errors import Broken, UsageError
from .group import Group
from .layout import Bucket
from .reduce import reducer
from .rng import seed_all
from .slices import Sampler
from .state import Registered
from .tree import carried


class Machinery:
    """What attempts of one generation share: memory for gradients, and who carries what."""

    def __init__(
        self, group: Group, own: Registered, sampler: Sampler, buckets: list[Bucket], backward: Backward | None
    ) -> None:
        virtual = sampler.plan.virtual_ranks
        self.group = group
        self.own = own
        self.sampler = sampler
        self.buckets = buckets
        self.backward = backward
        self.carried_by = [carried(rank, group.size, virtual) for rank in range(group.size)]
        self.carried = self.carried_by[group.rank]
        self.accumulator = Accumulator(buckets, virtual)
        self.buffers = StepBuffers(own.model)
        self.row_bytes = 8 * control.words(virtual)
        tails = [self.row_bytes + (self.buffers.bytes if rank == 0 else 0) for rank in range(group.size)]
        self.reducer = reducer(group, buckets, self.accumulator, virtual, tails)


class Attempt:
    """Call `begin`, then forward and `backward` for each slice in turn, then `reduce`, then `commit`."""

    def __init__(self, machinery: Machinery, step: int) -> None:
        self._m = machinery
        self._plan = machinery.sampler.plan
        self._step = step
        self._losses: dict[int, float] = {}
        self._totals: list[torch.Tensor] = []
        self._started = 0
        self._broken = ""
        machinery.accumulator.clear()
        machinery.own.optimizer.zero_grad(set_to_none=True)
        machinery.buffers.begin()
        self._first = True

    def begin(self, virtual_rank: int) -> torch.Tensor | None:
        """Sets the slice's random state and buffers; its samples, or None where it has none (and counts as zeros)."""
        indices = self._m.sampler.indices(self._step, virtual_rank)
        if len(indices) == 0:
            if virtual_rank == 0:
                self._m.buffers.keep()
            for index in range(len(self._m.buckets)):
                self._m.accumulator.add(index, virtual_rank, empty=True)
            return None
        if not self._first:
            self._m.buffers.rewind()
        self._first = False
        seed_all(self._plan.seed, "slice", self._step, virtual_rank)
        return indices

    def backward(self, virtual_rank: int, loss: torch.Tensor) -> None:
        """Adds one slice's gradients. `loss` is the mean over the slice's samples.

        With this worker's last slice, buckets are sent as they are filled.
        """
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1 or not loss.requires_grad:
            raise UsageError("job.step needs the loss: one number that came out of the model, as a tensor")
        weighted = loss * self._plan.weight(self._step, virtual_rank)
        collected = 0
        if self._m.backward is not None and self._m.reducer.overlaps and virtual_rank == self._m.carried[-1]:

            def ready(index: int) -> None:
                self._m.accumulator.add(index, virtual_rank)
                self._start(index)

            collected = self._m.backward.run(weighted, ready)
        else:
            weighted.backward()  # type: ignore[no-untyped-call]
        self._losses[virtual_rank] = float(weighted.detach())
        if virtual_rank == 0:
            self._m.buffers.keep()
        for index in range(collected, len(self._m.buckets)):
            self._m.accumulator.add(index, virtual_rank)

    def reduce(self, newest_generation: int, leave: int) -> Agreed:
        """The sum over all workers. When it returns in one rank, it does in all, unless one is lost. Raises Broken."""
        m = self._m
        for index in range(self._started, len(m.buckets)):
            self._start(index)
        if self._broken:
            raise Broken(self._broken)
        row = control.row(self._plan.virtual_ranks, newest_generation, leave, self._losses)
        tail = row.view(torch.uint8)
        if m.group.rank == 0:
            tail = torch.cat([tail, m.buffers.packed()])
        self._totals, tails = m.reducer.finish(tail)
        if m.group.rank > 0:
            m.buffers.unpack(tails[0][m.row_bytes :])
        rows = [told[: m.row_bytes].clone().view(torch.float64) for told in tails]
        return control.agree(rows, m.carried_by)

    def commit(self, loss: float) -> None:
        """The optimizer's step, from the same numbers in every worker."""
        own = self._m.own
        own.changing()
        self._m.buffers.commit()
        for bucket, total in zip(self._m.buckets, self._totals):
            bucket.deliver(total)
        if own.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(own.params, own.clip_norm)
        own.optimizer.step()
        if isinstance(own.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            own.scheduler.step(loss)
        elif own.scheduler is not None:
            own.scheduler.step()
        self.drop()

    def drop(self) -> None:
        """Forgets the gradients. The model's buffers go back to the step's beginning unless it was committed."""
        self._m.own.optimizer.zero_grad(set_to_none=True)
        self._m.accumulator.clear()
        self._totals = []

    def abandon(self) -> None:
        """The attempt failed: the model is as if it had never been made."""
        self._m.buffers.rewind()
        self.drop()

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
