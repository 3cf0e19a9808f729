"""`job.evaluate`: held-out data in fixed parts, shared among the workers, and their results summed in the order of the parts.

The results do not depend on who computed what. Where a worker is lost, the others meet again and share what is missing; what they have
computed stays. A worker that has joined meanwhile did not call `evaluate`, and is not waited for: who takes part is told at the meeting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from . import wire
from .data import Batch, Slice, to_device
from .errors import Broken, Leave, UsageError
from .feeding import opened
from .group import Group
from .interruptible import GIVEN_UP
from .packing import Packed, pack, unpack
from .rejoin import Parts, Rejoin
from .slice_state import SliceState
from .stages import Stage

SLICE = 32
"""Samples a part, where neither the script nor its DataLoader says."""

Results = dict[int, Any]
"""By the number of a part."""


class Evaluations:
    """Those of one worker."""

    def __init__(self, parts: Parts, rejoin: Rejoin, drop: Callable[[], object]) -> None:
        """`drop` is called where the group was lost, before others are met."""
        self._parts = parts
        self._rejoin = rejoin
        self._drop = drop

    def evaluate(
        self, function: Callable[[Batch], Any], data: Any, batch_size: int | None, loading: dict[str, Any], device: torch.device
    ) -> Any:
        """Raises UsageError, Leave, and whatever `function` raises."""
        source = opened(data, self._parts.config.seed, loading)
        virtual = self._parts.config.virtual_ranks
        size = max(1, -(-(batch_size or source.batch_size or SLICE * virtual) // virtual))
        count = -(-len(source) // size)
        stages = self._rejoin.stages
        key = (self._parts.progress.step, int(stages.stage), stages.next_evaluation())
        if key in stages.results and self._rejoin.meeting is None:
            return stages.results[key]
        randomness = self._parts.randomness
        done: Results = {}
        if self._parts.progress.parting:  # what follows is computed to be compared, and not without the others' parts
            self._rejoin.leave()
            raise Leave
        before = randomness.purpose

        def compute(number: int) -> Any:
            indices = torch.arange(number * size, min((number + 1) * size, len(source)))
            randomness.evaluation(*key, number)
            parts = source.fetch(Slice(-1 - key[0], number, indices))
            randomness.evaluation(*key, number)
            with torch.no_grad():
                return _plain(function(Batch(to_device(parts, device), indices)))

        stages.evaluating = key[2]
        try:
            while not self._share(done, count, compute, key[2]):
                pass
        finally:
            stages.evaluating = None
            randomness.resume(before)
            source.close()
        total = done[0]
        for number in range(1, count):
            total = _add(total, done[number])
        if stages.stage == Stage.SLICES and self._rejoin.meeting is None:
            stages.results[key] = total
        return total

    def _share(self, done: Results, count: int, compute: Callable[[int], Any], place: int) -> bool:
        """Computes this worker's part of what is missing, and gives and takes results. False: that broke, and the others were met again."""
        membership, progress = self._parts.membership, self._parts.progress
        group, step = membership.group, progress.step
        alone = group is None or self._rejoin.meeting is not None
        ranks = [] if alone or group is None else self._rejoin.stages.come(step, place, group.size)
        together = group if group is not None and len(ranks) > 1 and group.rank in ranks else None
        missing = [number for number in range(count) if number not in done]
        keep = SliceState(self._parts.own.modules, self._parts.own.names.all)
        keep.begin()
        reason = ""
        try:
            if together is not None:
                known = _union(together, ranks, {number: None for number in done})
                missing = [number for number in range(count) if number not in known]
                missing = missing[ranks.index(together.rank) :: len(ranks)]
            for number in missing:
                done[number] = compute(number)
                _put_back(keep)
                if group is not None and membership.superseded:
                    raise Broken(GIVEN_UP)
            if together is not None:
                done.update(_union(together, ranks, done))
            return True
        except Broken as error:
            reason = error.reason
        _put_back(keep)
        self._drop()
        membership.lost(reason)
        try:
            self._rejoin.join()
        except Leave:
            self._rejoin.leave()
            raise
        if progress.step != step:
            done.clear()  # all have gone back: the model is another one
        return False


def _put_back(keep: SliceState) -> None:
    """What a forward pass has changed of buffers and parameters: how often that happens depends on how many parts a worker computes."""
    keep.look()
    keep.movers.look()
    keep.rewind()


def _union(group: Group, ranks: Sequence[int], own: Results) -> Results:
    """Of all that take part: the lowest collects, and tells. Raises Broken."""
    lead, *others = ranks
    if group.rank != lead:
        wire.send(group, pack({str(number): value for number, value in own.items()}), [lead])
        return _results(wire.receive(group, lead))
    found = dict(own)
    for rank in others:
        found.update(_results(wire.receive(group, rank)))
    wire.send(group, pack({str(number): value for number, value in found.items()}), others)
    return found


def _results(packed: Packed) -> Results:
    return {int(number): value for number, value in unpack(packed, copy=True).items()}


def _plain(value: Any) -> Any:
    """What can be sent and added. Raises UsageError."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item) for item in value)
    if hasattr(value, "item"):
        return value.item()
    raise UsageError(f"job.evaluate: the function returned a {type(value).__name__}; a number, a tensor, or a tuple, list or dict of them is needed")


def _add(one: Any, other: Any) -> Any:
    """Raises UsageError where the function does not return the same kind for every slice."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return {key: _add(item, other[key]) for key, item in one.items()}
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        return tuple(_add(a, b) for a, b in zip(one, other))
    if isinstance(one, (int, float, torch.Tensor)) and isinstance(other, (int, float, torch.Tensor)):
        return one + other
    raise UsageError("job.evaluate: the function returned different kinds of things for different slices, which cannot be added up")
