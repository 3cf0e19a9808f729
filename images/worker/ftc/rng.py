"""Random state as a pure function of (seed, purpose): no generator's state needs saving, sending or restoring."""

from __future__ import annotations

import hashlib
import random
import sys

import torch


def derive(seed: int, *purpose: int | str) -> int:
    """64 bits for one purpose, such as ("slice", step, virtual rank). Equal on every machine and version."""
    text = ":".join(str(part) for part in ("ftc", seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def seed_all(seed: int, *purpose: int | str) -> None:
    """Puts the generators of torch (all devices), numpy (where it is loaded) and random at the purpose's state."""
    value = derive(seed, *purpose)
    torch.manual_seed(value)
    random.seed(value)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(value & 0xFFFFFFFF)
