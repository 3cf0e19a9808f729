"""One element of a tensor as bytes: what it says, and with one bit flipped."""

from __future__ import annotations

import math
import struct

FORMATS = {
    "float16": "<e",
    "float32": "<f",
    "float64": "<d",
    "int8": "<b",
    "int16": "<h",
    "int32": "<i",
    "int64": "<q",
    "uint8": "<B",
    "uint16": "<H",
    "uint32": "<I",
    "uint64": "<Q",
    "bool": "<B",
    "complex64": "<2f",
    "complex128": "<2d",
}


def bits_of(dtype: str, width: int) -> range:
    """The bits that an element has, the least significant first. A bool with another bit than the first set would be none."""
    return range(1 if dtype == "bool" else 8 * width)


def flipped(raw: bytes, bit: int) -> bytes:
    return (int.from_bytes(raw, "little") ^ (1 << bit)).to_bytes(len(raw), "little")


def numbers(dtype: str, raw: bytes) -> tuple[float, ...] | None:
    """Two of a complex number; None of a type that Python has no word for."""
    if dtype == "bfloat16":
        return struct.unpack("<f", b"\0\0" + raw)
    form = FORMATS.get(dtype)
    return None if form is None or struct.calcsize(form) != len(raw) else struct.unpack(form, raw)


def differs(dtype: str, before: bytes, after: bytes) -> bool:
    """Whether arithmetic sees it: not the sign of zero, not another NaN."""
    a, b = numbers(dtype, before), numbers(dtype, after)
    if a is None or b is None:
        return before != after
    return any(x != y and not (math.isnan(x) and math.isnan(y)) for x, y in zip(a, b))


def text_of(dtype: str, raw: bytes) -> str:
    """`0.125`, `True`, `(1.0+2.0j)`; hexadecimal digits where Python has no word for it."""
    found = numbers(dtype, raw)
    if found is None:
        return f"0x{int.from_bytes(raw, 'little'):0{2 * len(raw)}x}"
    if len(found) == 2:
        return str(complex(*found))
    if dtype == "bool":
        return str(bool(found[0]))
    return f"{found[0]:.9g}" if dtype in ("float32", "bfloat16", "float16") else repr(found[0])
