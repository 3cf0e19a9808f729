"""A writable copy of the script's folder, for scripts that write beside themselves.

All workers of a job share it, as the processes of one machine share the folder that they are started in, and it lies with the job's
checkpoints, so it outlives them. Files of the script's folder that have changed since they were copied are copied again at a worker's
start; what the script has written stays.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path

from .errors import FtcError

LEFT_OUT = frozenset({".git", ".ftc", ".venv", "venv", "node_modules", "__pycache__"})
"""Folders that no script reads from where it runs, and that may be large."""

LARGEST = 2**30
"""Bytes of a folder that is still copied."""


def settle(source: Path, target: Path) -> None:
    """Makes `target` what a script in `source` may run in. Raises FtcError where that cannot be."""
    notes = target.with_name(f".{target.name}.json")
    try:
        target.mkdir(parents=True, exist_ok=True)
        with open(target.with_name(f".{target.name}.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # workers start together
            before = _read(notes)
            now = _survey(source)
            for name, mark in now.items():
                if before.get(name) != mark or not os.path.lexists(target / name):
                    _copy(source / name, target / name)
            _write(notes, now)
    except OSError as error:
        raise FtcError(f"the folder of the script cannot be copied to {target} (workdir): {error}") from None


def _survey(source: Path) -> dict[str, list[int]]:
    """Size and time of change of every file, by its path in the folder. What is no file, or cannot be read, is left out."""
    found: dict[str, list[int]] = {}
    total = 0
    for folder, folders, files in os.walk(source):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        for name in files:
            path = Path(folder, name)
            if not path.is_file() or not os.access(path, os.R_OK):
                continue
            status = path.stat()
            total += status.st_size
            if total > LARGEST:
                raise FtcError(
                    f"workdir copies the script's folder, and that holds more than {LARGEST >> 30} GB: keep data elsewhere, "
                    "and mount it with dataset or volumes"
                )
            found[str(path.relative_to(source))] = [status.st_size, status.st_mtime_ns]
    return found


def _copy(source: Path, target: Path) -> None:
    """By way of another name: a script that reads it meanwhile gets the old one or the new one, whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.ftc-new")
    shutil.copy2(source, aside)
    os.chmod(aside, os.stat(aside).st_mode | 0o600)  # what is read-only there is for the script to write here
    os.replace(aside, target)


def _read(notes: Path) -> dict[str, list[int]]:
    try:
        value = json.loads(notes.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _write(notes: Path, now: dict[str, list[int]]) -> None:
    aside = notes.with_name(f"{notes.name}.new")
    aside.write_text(json.dumps(now))
    os.replace(aside, notes)
