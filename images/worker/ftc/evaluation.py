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

SLICE = 32
"""Samples a part, where neither the script nor its DataLoader says."""

Results = dict[int, Any]
"""By the number of a part."""


class Evaluations:
    """Those of one worker. Each is known by its step, and its place among those of that step."""

    def __init__(self, parts: Parts, rejoin: Rejoin) -> None:
        self._parts = parts
        self._rejoin = rejoin
        self._step, self._count = -1, 0
        self._results: dict[tuple[int, int], Any] = {}

    def restart(self) -> None:
        """A step is attempted, maybe again: what the script evaluates in it is what it evaluated before."""
        self._step = -1

    def evaluate(
        self, function: Callable[[Batch], Any], data: Any, batch_size: int | None, loading: dict[str, Any], device: torch.device
    ) -> Any:
        """Raises UsageError, Leave, and whatever `function` raises."""
        source = opened(data, self._parts.config.seed, loading)
        virtual = self._parts.config.virtual_ranks
        size = max(1, -(-(batch_size or source.batch_size or SLICE * virtual) // virtual))
        count = -(-len(source) // size)
        key = self._key()
        if key in self._results and self._rejoin.meeting is None:
            return self._results[key]
        randomness = self._parts.randomness
        done: Results = {}
        before = randomness.purpose

        def compute(number: int) -> Any:
            indices = torch.arange(number * size, min((number + 1) * size, len(source)))
            randomness.evaluation(*key, number)
            parts = source.fetch(Slice(-1 - key[0], number, indices))
            randomness.evaluation(*key, number)
            with torch.no_grad():
                return _plain(function(Batch(to_device(parts, device), indices)))

        self._rejoin.evaluating = 1 + key[0] * (1 << 20) + key[1]
        group = self._parts.membership.group
        self._rejoin.evaluators = list(range(group.size)) if group is not None else []
        try:
            while len(done) < count:
                self._share(done, count, compute)
        finally:
            self._rejoin.evaluating = 0
            randomness.resume(before)
            source.close()
        total = done[0]
        for number in range(1, count):
            total = _add(total, done[number])
        if self._rejoin.meeting is None:
            self._results = {known: value for known, value in self._results.items() if known[0] == key[0]}
            self._results[key] = total
        return total

    def _key(self) -> tuple[int, int]:
        step = self._parts.progress.step
        self._count = self._count + 1 if step == self._step else 0
        self._step = step
        return step, self._count

    def _share(self, done: Results, count: int, compute: Callable[[int], Any]) -> None:
        """Computes this worker's part of what is missing, and gives and takes results. Meets again where that breaks."""
        membership = self._parts.membership
        group, ranks = membership.group, self._rejoin.evaluators
        rehearses = self._rejoin.meeting is not None
        together = group if group is not None and len(ranks) > 1 and not rehearses else None
        missing = [number for number in range(count) if number not in done]
        keep = SliceState(self._parts.own.modules, [])
        keep.begin()
        reason = ""
        try:
            if together is not None:
                known = _union(together, ranks, {number: None for number in done})
                missing = [number for number in range(count) if number not in known]
                missing = missing[ranks.index(together.rank) :: len(ranks)]
            for number in missing:
                done[number] = compute(number)
                keep.rewind()
                if group is not None and membership.superseded:
                    raise Broken(GIVEN_UP)
            if together is not None:
                done.update(_union(together, ranks, done))
            return
        except Broken as error:
            reason = error.reason
        keep.rewind()
        membership.lost(reason)
        try:
            self._rejoin.join()
        except Leave:
            self._rejoin.leave()
            raise


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
