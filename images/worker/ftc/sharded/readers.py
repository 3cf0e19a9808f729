"""One open shard: its samples by line, each read where it lies."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import Array
from .errors import DataError
from .inspection import Inside
from .lines import number_of

BOM = b"\xef\xbb\xbf"


class Reader:
    """`unchanged` says whether the file under it is still the one that was opened. Owns `fd`."""

    def __init__(self, where: str, fd: int, inside: Inside, unchanged: Callable[[], bool] = lambda: True) -> None:
        self.where = where
        self.unchanged = unchanged
        self._fd = fd
        self._inside = inside

    def read(self, line: int) -> Any:
        """What a line of JSON holds, a row of an `.npy`, or a dict of rows of an `.npz`. Raises DataError."""
        inside = self._inside
        if inside.starts is not None:
            return self._json(int(inside.starts[line]), int(inside.starts[line + 1]))
        rows = {name: self._row(array, line) for name, array in inside.arrays.items()}
        return rows[""] if "" in rows else rows

    def close(self) -> None:
        os.close(self._fd)

    def _json(self, start: int, end: int) -> Any:
        raw = self._bytes(start, end - start).strip()
        if start == 0:
            raw = raw.removeprefix(BOM)
        try:
            return json.loads(raw.decode())
        except UnicodeDecodeError as error:
            reason = f"byte {error.start + 1} is not UTF-8"
        except json.JSONDecodeError as error:
            reason = f"{error.msg} at column {error.colno}"
        raise DataError(f"the shard {self.where}, line {number_of(self._fd, start)}, is not JSON: {reason}")

    def _row(self, array: Array, line: int) -> Any:
        raw = bytearray(self._bytes(array.offset + line * array.row_bytes, array.row_bytes))
        row: np.ndarray[Any, Any] = np.ndarray(array.shape, array.dtype, raw)
        return row.astype(array.dtype.newbyteorder("="), copy=False)

    def _bytes(self, start: int, size: int) -> bytes:
        found = b""
        while len(found) < size:
            more = os.pread(self._fd, size - len(found), start + len(found))
            if not more:
                raise DataError(f"the shard {self.where} has changed since it was counted: it has become shorter while it was read")
            found += more
        return found
