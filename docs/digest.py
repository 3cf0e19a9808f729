"""The digest of a checkpoint, computed with nothing of ftc: python3 digest.py …/step-00000250/state.pt

What it is over: docs/verify.md.
"""

import ctypes
import hashlib
import json
import struct
import sys

import torch


def leaves(value, path=()):
    """(name, value) of everything that is no container. A name is the keys and indices on the way, joined by dots."""
    if isinstance(value, (dict, list, tuple)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, str(key)))
    else:
        yield ".".join(path), value


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
    if isinstance(value, int):
        return "int64", [], struct.pack("<q", value)
    if isinstance(value, float):
        return "float64", [], struct.pack("<d", value)
    text = str(value).encode("utf-8")
    return "str", [len(text)], text


def digest(state):
    sha = hashlib.sha256()
    for name, value in sorted(leaves(state), key=lambda leaf: leaf[0].encode("utf-8")):
        dtype, shape, raw = encoded(value)
        sha.update(json.dumps([name, dtype, shape], separators=(",", ":"), ensure_ascii=False).encode("utf-8") + b"\n" + raw)
    return sha.hexdigest()


if __name__ == "__main__":
    print(digest(torch.load(sys.argv[1], map_location="cpu", weights_only=True)))
