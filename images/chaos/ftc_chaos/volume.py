"""Files of ours in the checkpoint volume."""

from __future__ import annotations

import os
from pathlib import Path

VOLUME = Path("/checkpoints")

ENGINES_OWN = Path("/etc/hostname")
"""The engine mounts it from its own folder: where that lies, its images and containers lie."""


def ours(job: str, fault: str) -> Path:
    """Beside the job's checkpoints; a name that nobody takes for one."""
    return VOLUME / job / f".chaos-{fault}"


def room(path: Path) -> tuple[int, int]:
    """Bytes in all, and bytes that are free for this user."""
    stat = os.statvfs(path)
    return stat.f_blocks * stat.f_frsize, stat.f_bavail * stat.f_frsize


def is_engines_own(path: Path) -> bool:
    return os.stat(path).st_dev == os.stat(ENGINES_OWN).st_dev


def remove(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        pass
