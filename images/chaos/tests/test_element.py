"""What an element of a tensor says before and after one of its bits has flipped."""

import math
import struct

import pytest
from ftc_chaos.element import bits_of, differs, flipped, text_of


@pytest.mark.parametrize(
    ("dtype", "raw", "bit", "before", "after"),
    [
        ("float32", struct.pack("<f", 1.0), 31, "1", "-1"),
        ("float64", struct.pack("<d", 1.0), 52, "1.0", "0.5"),
        ("bfloat16", b"\x80\x3f", 7, "1", "0.5"),
        ("float16", struct.pack("<e", 1.0), 10, "1", "0.5"),
        ("int64", struct.pack("<q", 5), 63, "5", str(5 - 2**63)),
        ("uint8", b"\x01", 1, "1", "3"),
        ("bool", b"\x01", 0, "True", "False"),
        ("complex64", struct.pack("<2f", 1.0, 2.0), 63, "(1+2j)", "(1-2j)"),
        ("float8_e4m3fn", b"\x38", 0, "0x38", "0x39"),
    ],
)
def test_an_element_is_told_as_its_type_has_it(dtype: str, raw: bytes, bit: int, before: str, after: str) -> None:
    other = flipped(raw, bit)
    assert (text_of(dtype, raw), text_of(dtype, other)) == (before, after)
    assert flipped(other, bit) == raw
    assert differs(dtype, raw, other)
    assert bit in bits_of(dtype, len(raw))


def test_arithmetic_does_not_see_every_bit() -> None:
    nan, zero = struct.pack("<f", math.nan), struct.pack("<f", 0.0)
    assert not differs("float32", zero, flipped(zero, 31))
    assert not differs("float32", nan, flipped(nan, 3))
    assert differs("float32", nan, flipped(nan, 30))
    assert differs("float8_e4m3fn", b"\0", flipped(b"\0", 7))
