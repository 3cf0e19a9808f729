"""One attempt at a step: the slices that this worker carries, their sum over all workers, and the commit.

Nothing of the model changes before `commit`, so an attempt can be dropped at any point and made again.
"""

from __future__ import annotations

import torch

from .buffers import StepBuffers
from .control import Agreed, exchange
from .errors import UsageError
from .group import Group
from .layout import Buffers, Layout
from .reduce import Accumulator, Reducer
from .rng import seed_all
from .slices import Sampler
from .state import Registered
from .tree import carried


class Machinery:
    """What attempts of one generation share: memory for gradients, laid out for its number of workers."""

    def __init__(self, group: Group, own: Registered, sampler: Sampler) -> None:
        virtual = sampler.plan.virtual_ranks
        self.group = group
        self.own = own
        self.sampler = sampler
        self.carried = carried(group.rank, group.size, virtual)
        self.layout = Layout(own.params, group.size)
        self.accumulator = Accumulator(self.layout, virtual)
        self.reducer = Reducer(group, self.layout, virtual)
        self.buffers = StepBuffers(own.model)


class Attempt:
    """Call `begin`, then forward and `backward` for each slice in turn, then `reduce`, then `commit`."""

    def __init__(self, machinery: Machinery, step: int) -> None:
        self._m = machinery
        self._plan = machinery.sampler.plan
        self._step = step
        self._losses: dict[int, float] = {}
        self._total: Buffers = []
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
            self._m.accumulator.add(virtual_rank, empty=True)
            return None
        if not self._first:
            self._m.buffers.rewind()
        self._first = False
        seed_all(self._plan.seed, "slice", self._step, virtual_rank)
        return indices

    def backward(self, virtual_rank: int, loss: torch.Tensor) -> None:
        """Adds one slice's gradients. `loss` is the mean over the slice's samples."""
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1 or not loss.requires_grad:
            raise UsageError("job.step needs the loss: one number that came out of the model, as a tensor")
        weighted = loss * self._plan.weight(self._step, virtual_rank)
        weighted.backward()  # type: ignore[no-untyped-call]
        self._losses[virtual_rank] = float(weighted.detach())
        if virtual_rank == 0:
            self._m.buffers.keep()
        self._m.accumulator.add(virtual_rank)

    def reduce(self, newest_generation: int, leave: int) -> Agreed:
        """The sum over all workers. When it returns in one rank, it does in all, unless one is lost. Raises Broken."""
        self._total = self._m.reducer.reduce(self._m.accumulator)
        self._m.buffers.settle(self._m.group)
        return exchange(self._m.group, self._plan.virtual_ranks, newest_generation, leave, self._losses)

    def commit(self, loss: float) -> None:
        """The optimizer's step, from the same numbers in every worker."""
        own = self._m.own
        self._m.buffers.commit()
        self._m.layout.deliver(self._total)
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
        self._total = []

    def abandon(self) -> None:
        """The attempt failed: the model is as if it had never been made."""
        self._m.buffers.rewind()
        self.drop()
