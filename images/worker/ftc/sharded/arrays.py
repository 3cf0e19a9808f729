"""The layout of `.npy` and `.npz` files, so that single rows can be read where they lie."""

from __future__ import annotations

import io
import math
import os
import struct
import zipfile
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.lib import format as numpy_format

npy: Any = numpy_format  # untyped

HEADER = 16 << 10
"""Bytes that hold any header that numpy itself would read."""


@dataclass(frozen=True)
class Array:
    """Rows of one shape, one after the other from `offset` in the file on. `shape` is a row's."""

    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    rows: int

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape)

    @property
    def layout(self) -> str:
        return f"{self.dtype.newbyteorder('=')}[{','.join(map(str, self.shape))}]"


def read_array(fd: int, offset: int, size: int) -> Array:
    """Of `size` bytes at `offset`. Raises ValueError that says why its rows cannot be read where they lie."""
    head = io.BytesIO(os.pread(fd, min(HEADER, size), offset))
    version = npy.read_magic(head)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(head)
    if not shape:
        raise ValueError("it holds a single number, and rows are needed")
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not read")
    if fortran and len(shape) > 1:
        raise ValueError("it is in Fortran order: save it with np.ascontiguousarray")
    array = Array(offset + head.tell(), dtype, tuple(shape[1:]), int(shape[0]))
    held = size - head.tell()
    if array.rows * array.row_bytes != held:
        raise ValueError(f"its header announces {array.rows * array.row_bytes} bytes of rows, and {held} are there")
    return array


def read_named(fd: int) -> dict[str, Array]:
    """The arrays of an `.npz` file by name, sorted. Raises ValueError."""
    with os.fdopen(os.dup(fd), "rb") as file, _zip(cast(BinaryIO, file)) as archive:
        found = {}
        for member in archive.infolist():
            if not member.filename.endswith(".npy"):
                raise ValueError(f"it holds {member.filename}, which is no array")
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                raise ValueError("it is compressed: save it with np.savez instead of np.savez_compressed")
            name = member.filename.removesuffix(".npy")
            try:
                found[name] = read_array(fd, _data_of(fd, member), member.file_size)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
    rows = {name: array.rows for name, array in found.items()}
    if len(set(rows.values())) != 1:
        raise ValueError(f"its arrays have different lengths: {rows}" if rows else "it holds no array")
    return dict(sorted(found.items()))


def _zip(file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise ValueError(f"it is no .npz file: {error}") from None


def _data_of(fd: int, member: zipfile.ZipInfo) -> int:
    """Behind the member's own header, whose name and extra field may be longer than the directory's."""
    head = os.pread(fd, 30, member.header_offset)
    if len(head) < 30 or head[:4] != b"PK\x03\x04":
        raise ValueError("its entry is damaged")
    name, extra = struct.unpack("<HH", head[26:30])
    return member.header_offset + 30 + int(name) + int(extra)
