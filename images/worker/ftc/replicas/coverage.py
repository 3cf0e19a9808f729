"""Which part of the state each step compares, so that the whole of it is compared within MOST_STEPS steps.

A part is at least LEAST bytes, so a state of up to LEAST bytes is compared in every step. The order of leaves is the same in every
worker, and the cut depends on their sizes alone: it is made anew, by all at the same step, when a generation begins, one step later
(the optimizer has a state then), and every time the state was covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from . import fingerprint
from .leaves import Leaves

MOST_STEPS = 64
"""The whole state is compared within so many steps."""
LEAST = 1 << 19
"""Bytes."""
SMALL = 1 << 18
"""Bytes: smaller pieces are gathered in one run of memory before they are looked at."""
TINY = 1 << 12
"""Bytes: such tensors are not cut."""


@dataclass(frozen=True)
class Piece:
    """Bytes `start` to `end` of a tensor, row by row. The tensor is live."""

    tensor: torch.Tensor
    start: int
    end: int

    @property
    def whole(self) -> bool:
        return self.end - self.start == _size(self.tensor)

    def bytes(self) -> torch.Tensor:
        return fingerprint.row_major(self.tensor)[self.start : self.end]


class Coverage:
    """One cut of a state into parts."""

    def __init__(self, leaves: Leaves) -> None:
        self._outline = leaves.outline()
        tensors = [t for _, t in leaves.tensors]
        # A word more than its share: up to 7 bytes of a part stay empty, because tensors are cut at words.
        size = max(LEAST, -(-sum(map(_size, tensors)) // (8 * MOST_STEPS)) * 8 + 8)
        self._parts = [Part(pieces) for pieces in cut(tensors, size)] or [Part([])]

    @property
    def steps(self) -> int:
        """After so many steps all has been compared."""
        return len(self._parts)

    def of_part(self, number: int) -> int:
        """The fingerprint of one part, as it is now. The first contains all that is no tensor, as it was when this was made."""
        value = self._parts[number].fingerprint()
        return fingerprint.combine([self._outline, value]) if number == 0 else value

    def whole(self) -> int:
        return fingerprint.combine(self.of_part(number) for number in range(self.steps))


class Part:
    """Large pieces are looked at where they are, small ones are gathered."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._large = [piece for piece in pieces if piece.end - piece.start >= SMALL]
        small = [piece for piece in pieces if piece.end - piece.start < SMALL]
        devices = dict.fromkeys(piece.tensor.device for piece in small)
        self._gathered = [_Gathered([p for p in small if p.tensor.device == device]) for device in devices]

    def fingerprint(self) -> int:
        found = [fingerprint.of_bytes(piece.bytes()) for piece in self._large]
        return fingerprint.combine(found + [gathered.fingerprint() for gathered in self._gathered])


class _Gathered:
    """Small pieces of one device, copied together by one operation for whole tensors."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        ends = [0]
        for piece in pieces:
            ends.append(-(-(ends[-1] + piece.end - piece.start) // 16) * 16)
        memory = torch.zeros(ends[-1], dtype=torch.uint8, device=pieces[0].tensor.device)
        self._words = memory.view(torch.int64)
        self._sources: list[torch.Tensor] = []
        self._views: list[torch.Tensor] = []
        self._parts: list[tuple[Piece, torch.Tensor]] = []
        for piece, start in zip(pieces, ends):
            room = memory[start : start + piece.end - piece.start]
            if piece.whole:
                self._sources.append(piece.tensor)
                self._views.append(room.view(piece.tensor.dtype).view(piece.tensor.shape))
            else:
                self._parts.append((piece, room))

    def fingerprint(self) -> int:
        if self._sources:
            torch._foreach_copy_(self._views, self._sources)
        for piece, room in self._parts:
            room.copy_(piece.bytes())
        return fingerprint.of_words(self._words)


def cut(tensors: Sequence[torch.Tensor], size: int) -> list[list[Piece]]:
    """Parts of `size` bytes, in order, the last one of what is left. Tensors are cut, at multiples of 8 bytes, except for tiny ones:
    with those a part may be a little larger."""
    parts: list[list[Piece]] = []
    room = 0
    for tensor in tensors:
        length, start = _size(tensor), 0
        while start < length or (length == 0 and start == 0):
            if room < 8:
                parts.append([])
                room = size
            end = length if length <= TINY else min(length, start + room // 8 * 8)
            parts[-1].append(Piece(tensor, start, end))
            room -= end - start
            start = max(end, 1) if length == 0 else end
    return parts


def _size(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()
