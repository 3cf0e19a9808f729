"""One bit of a tensor in a worker's memory is flipped, while the worker trains: what a cosmic ray does, or a bad memory chip.

Nothing stops the worker for it. So the worker may write to the same place, or give it back, in the same moment: what is found
there afterwards tells, and then it is tried again.
"""

from __future__ import annotations

import fnmatch
import random

from .act import Absent, Spec
from .element import bits_of, differs, flipped, text_of
from .memory import Map, Memory, Place, memory_of, read_map

TRIES = 20


class Bitflip:
    """`seed`: text that decides what is not said. `tensor`: a name or a pattern with `*`, `bit`, both or neither null.

    `kind`: `parameter`, `moment`, `buffer`, or `any`.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def look(self) -> Spec:
        told = read_map()
        place = self.choose(told)
        drawn = random.Random(f"{self.spec['seed']} element")
        index = drawn.randrange(place.count)
        with memory_of(told) as memory:
            raw = memory.read(place.address + index * place.width, place.width)
        bit = self.bit(place, raw, drawn)
        return describe(place, index, bit, raw, flipped(raw, bit))

    def apply(self, go: Spec) -> Spec:
        name, index, bit = str(go["tensor"]), int(go["index"]), int(go["bit"])
        tried: bytes | None = None
        for _ in range(TRIES):
            told = read_map()
            place = next((p for p in told.places if p.name == name), None)
            if place is None or (place.dtype, list(place.shape)) != (go["dtype"], go["shape"]):
                raise Absent(f"{name} is not there any more")
            with memory_of(told) as memory:
                # The worker may have copied the tensor with the bit flipped: another flip would take it back.
                if tried is not None and memory.read(place.address + index * place.width, place.width) == flipped(tried, bit):
                    return describe(place, index, bit, tried, flipped(tried, bit))
                tried, stays = flip(memory, place, index, bit, told)
            if stays:
                return describe(place, index, bit, tried, flipped(tried, bit))
        raise Absent(f"the worker writes to {name} so often that a flipped bit does not stay")

    def hold(self, seconds: float) -> None:
        """It is done in a moment."""

    def revert(self) -> None:
        """Nobody can: what the worker has made of it since is not known."""

    def choose(self, told: Map) -> Place:
        kind, pattern = str(self.spec["kind"]), self.spec["tensor"]
        if not told.places:
            raise Absent("the worker has no dense tensors in host memory: those on a GPU cannot be reached from outside")
        places = [p for p in told.places if kind in ("any", p.kind)]
        if not places:
            raise Absent(f"the worker has no {kind} in host memory")
        if pattern is not None:
            named = [p for p in places if p.name == pattern] or [p for p in places if fnmatch.fnmatchcase(p.name, str(pattern))]
            if not named:
                names = sorted(p.name for p in places)
                more = f" and {len(names) - 8} more" if len(names) > 8 else ""
                what = "tensor" if kind == "any" else kind
                raise Absent(f"the worker has no {what} {pattern}; it has {', '.join(names[:8])}{more}")
            places = named
        return random.Random(f"{self.spec['seed']} tensor").choice(sorted(places, key=lambda p: p.name))

    def bit(self, place: Place, raw: bytes, drawn: random.Random) -> int:
        bits = bits_of(place.dtype, place.width)
        wanted = self.spec["bit"]
        if wanted is not None:
            if int(wanted) not in bits:
                raise Absent(f"{place.name} is {place.dtype}, which has no bit {wanted}: its last is {bits[-1]}")
            return int(wanted)
        order = drawn.sample(bits, len(bits))
        return next((bit for bit in order if differs(place.dtype, raw, flipped(raw, bit))), order[0])


def flip(memory: Memory, place: Place, index: int, bit: int, told: Map) -> tuple[bytes, bool]:
    """The element as it was before, and whether it is the flipped one now: the worker may have done something to it meanwhile."""
    at = place.address + index * place.width
    before = memory.read(at, place.width)
    after = flipped(before, bit)
    byte = bit // 8
    memory.write(at + byte, after[byte : byte + 1])
    found = memory.read(at, place.width)
    if told.holds:
        return before, found == after
    # The memory may be another's by now: it gets back what was taken from it, if that is still there.
    if memory.read(at + byte, 1) == after[byte : byte + 1]:
        memory.write(at + byte, before[byte : byte + 1])
    return before, False


def describe(place: Place, index: int, bit: int, before: bytes, after: bytes) -> Spec:
    return {
        "tensor": place.name,
        "kind": place.kind,
        "dtype": place.dtype,
        "shape": list(place.shape),
        "index": index,
        "position": position_of(index, place.shape),
        "bit": bit,
        "old": text_of(place.dtype, before),
        "new": text_of(place.dtype, after),
    }


def position_of(index: int, shape: tuple[int, ...]) -> list[int]:
    position: list[int] = []
    for size in reversed(shape):
        index, here = divmod(index, size)
        position.insert(0, here)
    return position
