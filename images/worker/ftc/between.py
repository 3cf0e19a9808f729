"""Whether a script does anything between two places of its code, as far as its bytecode tells."""

from __future__ import annotations

import dis
import gc
import sys
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any, NamedTuple

MOVES = frozenset(
    "CACHE COPY EXTENDED_ARG GET_ITER LOAD_DEREF LOAD_FAST LOAD_FAST_BORROW LOAD_FAST_CHECK LOAD_GLOBAL LOAD_NAME NOP NOT_TAKEN STORE_DEREF "
    "STORE_FAST STORE_FAST_LOAD_FAST STORE_GLOBAL STORE_NAME UNPACK_SEQUENCE".split()
)
"""Instructions that compute nothing: they move values between names. One that is not known here counts as work."""


class Spot(NamedTuple):
    """Where a script asks for what comes next in a loop."""

    code: CodeType
    offset: int

    @staticmethod
    def of_caller() -> Spot:
        """Called in a generator: of whoever asks that for its next value."""
        frame = sys._getframe(2)
        return Spot(frame.f_code, frame.f_lasti)

    def is_followed_by(self, other: Spot) -> bool:
        """The script does nothing between the two. Where it wraps one of the loops in a function of its own, nobody can tell: False."""
        return self.code is other.code and _only_moves(self.code, self.offset, other.offset)


@lru_cache(maxsize=64)
def _only_moves(code: CodeType, first: int, last: int) -> bool:
    """`first` and `last` are not looked at."""
    return first < last and all(i.opname in MOVES for i in dis.get_instructions(code) if first < i.offset < last)


def is_wrapped(iterator: Any) -> bool:
    """Whether something other than a running function holds it: `map`, `zip` and their like leave no trace in the caller's code.

    Looks at every object of the process, which takes some 10 ms.
    """
    return not all(isinstance(holder, FrameType) for holder in gc.get_referrers(iterator))
