"""What a person is told of a value that a state cannot hold: its kind, and what to do instead."""

from __future__ import annotations

import enum
from typing import Any

import torch

from .tensors import problem

BY_KIND = {
    "numpy.ndarray": "convert it with torch.from_numpy(…)",
    "builtins.bytes": "convert it with list(…), or with .hex()",
    "builtins.bytearray": "convert it with list(…), or with .hex()",
    "builtins.set": "convert it with sorted(…)",
    "builtins.frozenset": "convert it with sorted(…)",
    "builtins.range": "convert it with list(…)",
    "builtins.complex": "convert it with torch.tensor(…), or keep its .real and .imag",
    "datetime.datetime": "convert it with .isoformat()",
    "datetime.date": "convert it with .isoformat()",
    "datetime.timedelta": "convert it with .total_seconds()",
    "decimal.Decimal": "convert it with str(…)",
    "fractions.Fraction": "convert it with str(…)",
    "argparse.Namespace": "convert it with vars(…)",
    "torch.device": "convert it with str(…)",
    "torch.dtype": "convert it with str(…)",
}

OF_NUMPY = {"f": "float(…)", "i": "int(…)", "u": "int(…)", "b": "bool(…)", "c": "torch.tensor(…)", "U": "str(…)"}
"""By the kind of its dtype."""

NO_STATE = "keep it in the script, it is not state"


def kind_of(value: Any) -> str:
    """The name of its type, with the module where that tells something: numpy's bool is no bool."""
    kind = type(value)
    own = kind.__module__ in ("builtins", "__main__")
    return kind.__qualname__ if own else f"{kind.__module__}.{kind.__qualname__}"


def instead(value: Any) -> str:
    """What to do with a value that is no tensor."""
    kind = type(value)
    known = BY_KIND.get(f"{kind.__module__}.{kind.__qualname__}")
    if known is not None:
        return known
    if kind.__module__ == "numpy" and hasattr(value, "dtype"):
        return f"convert it with {OF_NUMPY.get(value.dtype.kind, 'str(…)')}"
    if isinstance(value, enum.Enum):
        return "keep its .value"
    if hasattr(kind, "__fspath__"):
        return "convert it with str(…)"
    for plain in (dict, list, tuple, int, float, str):
        if isinstance(value, plain):
            return f"convert it with {plain.__name__}(…)"
    return NO_STATE


def refusal(path: str, value: Any) -> str:
    """For a value of a kind that cannot be kept."""
    about = problem(value) if isinstance(value, torch.Tensor) else None
    kind, advice = about or (kind_of(value), instead(value))
    return f"{path}: {article(kind)} {kind} cannot be kept in a checkpoint: {advice}"


def article(noun: str) -> str:
    return "an" if noun[0].lower() in "aeiou" else "a"

