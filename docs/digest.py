"""The digest of a checkpoint, computed with nothing of ftc: python3 digest.py …/step-00000250/state.pt

What it is over: docs/verify.md.
"""

import ctypes
import hashlib
import json
import struct
import sys
from collections import Counter

import torch


def leaves(value, path=()):
    """(keys and indices on the way, value) of everything that is no container."""
    if isinstance(value, (dict, list, tuple)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def utf8(text):
    return text.encode("utf-8", "surrogatepass")


def line(value):
    return utf8(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def encoded(value):
    """(dtype, shape, raw bytes)."""
    if isinstance(value, torch.Tensor):
        rows = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        size = rows.numel() * rows.element_size()
        return str(rows.dtype).split(".")[1], list(rows.shape), ctypes.string_at(rows.data_ptr(), size) if size else b""
    if value is None:
        return "none", [], b""
    if isinstance(value, bool):
        return "bool", [], struct.pack("?", value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return "int64", [], struct.pack("<q", value)
    if isinstance(value, int):
        size = value.bit_length() // 8 + 1
        return "int", [size], value.to_bytes(size, "little", signed=True)
    if isinstance(value, float):
        return "float64", [], struct.pack("<d", value)
    text = utf8(value)
    return "str", [len(text)], text


def digest(state):
    found = [(".".join(map(str, path)), path, value) for path, value in leaves(state)]
    alike = Counter(name for name, _, _ in found)
    sha = hashlib.sha256()
    for name, path, value in sorted(found, key=lambda leaf: (utf8(leaf[0]), line(leaf[1]))):
        dtype, shape, raw = encoded(value)
        sha.update(line([name if alike[name] == 1 else path, dtype, shape]) + b"\n" + raw)
    return sha.hexdigest()


if __name__ == "__main__":
    print(digest(torch.load(sys.argv[1], map_location="cpu", weights_only=True)))
