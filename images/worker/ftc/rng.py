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
    seed_with(derive(seed, *purpose), has_accelerator())


def seed_with(value: int, devices: bool) -> None:
    """The same with what `derive` gave. `devices`: `has_accelerator()`, which costs more than to seed where much else was done since."""
    if devices:
        torch.manual_seed(value)
    else:
        # The same, without a stack trace for each device that is not there: those cost more than a small slice does.
        torch.default_generator.manual_seed(value)
    random.seed(value)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(value & 0xFFFFFFFF)


def has_accelerator() -> bool:
    """Asked each time: a script may bring a device of its own. A torch that cannot tell is taken to have one."""
    accelerator = getattr(torch, "accelerator", None)
    return accelerator is None or accelerator.is_available()
