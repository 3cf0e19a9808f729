"""What a forward pass changes besides gradients: buffers such as BatchNorm's running statistics, and parameters that forward moves
by itself, such as a momentum encoder's.

Every slice starts from the values that the step began with; what virtual rank 0's slice makes of them is kept, by every worker. So
they depend on the step alone. DistributedDataParallel's broadcast keeps rank 0's in the same way. A forward pass may also replace
a buffer, let it grow, or register a new one.

Only what moves is told and written. A buffer that forward leaves alone is left alone here, too: a bit that flips in it stays for the
comparison of the replicas to find, and does not get from rank 0 into all others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from . import refusals
from .movers import Movers
from .replicas.fingerprint import combine, of_bytes, row_major
from .suspects import Suspects, differing

Value = tuple[str, torch.Tensor]
"""A name as in the registered state, and what stands there."""

LOGGED = "what slice 0 logged"
"""Beside such names: JSON with spaces behind it, uint8. No module's value is called so."""
ROOM = 256  # bytes: its length is a multiple


@dataclass(frozen=True)
class Slot:
    """Where a module keeps a buffer, and what was there."""

    holder: dict[str, Any]
    key: str
    module: nn.Module
    value: torch.Tensor


class SliceState:
    """Of all registered modules, through the slices of a step. `owners` by the prefix of their names."""

    def __init__(self, owners: Sequence[tuple[str, nn.Module]], params: Sequence[tuple[str, nn.Parameter]]) -> None:
        self._owners = list(owners)
        self.suspects = Suspects()
        self.movers = Movers(params, self.suspects)
        self._moving: set[str] = set()
        """Buffers that forward is known to change."""
        self._touched: set[str] = set()
        """Buffers that changed since the step began: to be put back."""
        self._seen: dict[str, Slot] | None = None
        """What `look` has found, for `rewind`: to go through all modules takes a while."""
        self._start: dict[str, Slot] = {}
        self._kept: list[Value] = []
        self._agreed: list[Value] = []
        self._agreed_hash = 0

    def agree(self) -> None:
        """A generation begins. What moves, and how long it is, its members learn from rank 0 in the first step."""
        self._agree([])

    @property
    def moving(self) -> set[str]:
        """Names of what forward is known to change."""
        return self._moving | set(self.movers.found)

    @property
    def bytes(self) -> int:
        """Length of what rank 0 tells the others."""
        return sum(value.numel() * value.element_size() for _, value in self._agreed)

    @property
    def fits(self) -> bool:
        """What was kept has the names, dtypes and shapes of what was agreed upon."""
        return outline(self._kept) == self._agreed_hash

    @property
    def agreed_hash(self) -> int:
        return self._agreed_hash

    def begin(self) -> None:
        """A step (or a repetition of it, after `rewind`) begins."""
        self._start = {name: _copied(slot) for name, slot in self._slots().items()}
        self._touched, self._seen = set(), None
        self.movers.begin()
        self._kept = self._values(self._start) + self._written({})

    def print(self) -> int:
        """The fingerprint of what the step began with, of all that rank 0 tells of: it must be right in rank 0 before that is taken."""
        start = {name: slot.value for name, slot in self._start.items()} | self.movers.start
        values = [start[name] for name, _ in self._agreed if name in start]
        devices = dict.fromkeys(v.device for v in values)
        return combine(of_bytes(torch.cat([row_major(v) for v in values if v.device == one])) for one in devices)

    def steady(self) -> list[str]:
        """Before a slice is handed out, while no code of the script has run since the step began. Names of moving values that have
        changed nevertheless: their memory was at fault, and they are put back."""
        moving = {name: slot for name, slot in self._start.items() if name in self._moving}
        there = {name: slot.holder.get(slot.key) for name, slot in moving.items()}
        found = self._changed(list(moving), {n: replace(moving[n], value=v) for n, v in there.items() if v is not None})
        for name in found:
            self._put_back(name)
        return sorted(found + self.movers.steady())

    def look(self) -> dict[str, Slot]:
        """After a slice, before `rewind`: which buffers have changed that were not known to. All that there are."""
        slots = self._seen = self._slots()
        names = [*slots, *(name for name in self._start if name not in slots)]
        for name in self._changed([name for name in names if name not in self._moving], slots):
            self._touched.add(name)
            if self.suspects.changed(name):
                self._moving.add(name)
        return slots

    def rewind(self, *, keep_new: bool = False) -> None:
        """Back to the step's beginning, after `look`. Buffers that were not there then are taken out, unless with `keep_new`."""
        slots, self._seen = self._slots() if self._seen is None else self._seen, None
        for name, slot in ({} if keep_new else slots).items():
            if name not in self._start:
                del slot.holder[slot.key]
                slot.module._non_persistent_buffers_set.discard(slot.key)
        for name in (self._moving | self._touched) & self._start.keys():
            self._put_back(name)
        self.movers.rewind()

    def keep(self, logged: Mapping[str, float] | None = None) -> None:
        """Virtual rank 0's slice has run, and logged this."""
        self._kept = self._values(self.look()) + self._written(logged or {})

    @property
    def logged(self) -> dict[str, float]:
        """By the slice whose values were kept."""
        text = dict(self._kept).get(LOGGED)
        return {} if text is None else dict(json.loads(text.numpy().tobytes() or b"{}"))

    @property
    def made(self) -> list[Value]:
        """What the first slice has made of what moves, where `keep` has kept it: without what was logged."""
        return [(name, value) for name, value in self._kept if name != LOGGED]

    def packed(self) -> torch.Tensor:
        """What `keep` kept: uint8, in host memory, shape (bytes,). Zeros where it does not fit: then it is told in a message of its own."""
        if self.bytes == 0 or not self.fits:
            return torch.zeros(self.bytes, dtype=torch.uint8)
        return torch.cat([raw(value) for _, value in self._kept])

    @property
    def kept(self) -> list[Value]:
        return self._kept

    def unpack(self, told: torch.Tensor) -> None:
        """Takes rank 0's, which carries virtual rank 0, in the layout that was agreed upon. `commit` sets them."""
        start, kept = 0, []
        for name, model in self._agreed:
            end = start + model.numel() * model.element_size()
            # A copy is aligned, whatever lies before it.
            kept.append((name, told[start:end].clone().view(model.dtype).view(model.shape).to(model.device)))
            start = end
        self._kept = kept

    def take(self, kept: list[Value]) -> None:
        """Takes what rank 0 told in a message of its own; the next steps' messages have room for it."""
        self._kept = kept
        self._agree(kept)

    def commit(self) -> None:
        """What slice 0 has made of them is what the next step begins with."""
        self.rewind()
        self.suspects.learning = False
        self.movers.passed()
        for name, value in self._kept:
            if name != LOGGED and not self.movers.put(name, value):
                self._moving.add(name)
                self._put(name, value)

    def _agree(self, values: list[Value]) -> None:
        self._agreed, self._agreed_hash = values, outline(values)

    def _values(self, slots: Mapping[str, Slot]) -> list[Value]:
        """Copies of what moves."""
        return [(name, slot.value.detach().clone()) for name, slot in slots.items() if name in self._moving] + self.movers.values()

    def _written(self, logged: Mapping[str, float]) -> list[Value]:
        """In as much room as there was for what was logged before, or more."""
        room = sum(value.numel() for name, value in self._agreed if name == LOGGED)
        text = json.dumps(logged).encode() if logged else b"{}"
        length = max(room, -(-len(text) // ROOM) * ROOM) if logged else room
        return [(LOGGED, torch.frombuffer(bytearray(text.ljust(length)), dtype=torch.uint8))] if length else []

    def _changed(self, names: Sequence[str], now: Mapping[str, Slot]) -> list[str]:
        """Those that are not what they were when the step began, or were not there then, or are not now."""
        missing = [name for name in names if name not in now or name not in self._start]
        both = [name for name in names if name in now and name in self._start]
        return missing + differing((name, self._start[name].value, now[name].value) for name in both)

    def _put_back(self, name: str) -> None:
        slot = self._start[name]
        put(slot.holder, slot.key, slot.value)

    def _slots(self) -> dict[str, Slot]:
        found: dict[str, Slot] = {}
        for prefix, owner in self._owners:
            for path, module in owner.named_modules():
                for key, value in module._buffers.items():
                    if value is not None:
                        name = f"{prefix}{path}.{key}" if path else f"{prefix}{key}"
                        refusals.buffer(name, value, "the model's forward pass: ")
                        found[name] = Slot(module._buffers, key, module, value)
        return found

    def _put(self, name: str, value: torch.Tensor) -> None:
        slot = self._start.get(name)
        if slot is not None:
            put(slot.holder, slot.key, value)
            return
        for prefix, owner in self._owners:
            if name.startswith(prefix):
                path, _, key = name.removeprefix(prefix).rpartition(".")
                owner.get_submodule(path).register_buffer(key, value.clone(), persistent=False)


def put(holder: dict[str, Any], key: str, value: torch.Tensor) -> None:
    """Into the tensor that is there, where that can be written; else another takes its place."""
    there = holder.get(key)
    if isinstance(there, torch.Tensor) and _writable(there, value):
        with torch.no_grad():
            there.copy_(value)
    else:
        holder[key] = value.detach().clone()


def raw(value: torch.Tensor) -> torch.Tensor:
    """A tensor's bytes, row by row: uint8 in host memory."""
    return value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)


def outline(values: Sequence[Value]) -> int:
    """64 bits of names, dtypes and shapes."""
    text = repr([(name, str(value.dtype), tuple(value.shape)) for name, value in values])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def _copied(slot: Slot) -> Slot:
    return Slot(slot.holder, slot.key, slot.module, slot.value.detach().clone())


def _writable(there: torch.Tensor, value: torch.Tensor) -> bool:
    same = there.shape == value.shape and there.dtype == value.dtype and there.device == value.device
    return same and not there.is_inference() and torch._debug_has_internal_overlap(there) == 0
