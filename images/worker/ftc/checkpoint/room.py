"""How much memory this worker can still take."""

from __future__ import annotations

from pathlib import Path

LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""The container's limit and what it uses of it, as the two versions of cgroups tell."""


def free_memory() -> int | None:
    """Bytes, by the machine and by the container's limit; None where neither says so."""
    found = [_available(), *(_left(Path(limit), Path(used)) for limit, used in LIMITS)]
    return min((one for one in found if one is not None), default=None)


def _available() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None


def _left(limit: Path, used: Path) -> int | None:
    try:
        return int(limit.read_text(encoding="ascii")) - int(used.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None  # there is none, or it is "max"
