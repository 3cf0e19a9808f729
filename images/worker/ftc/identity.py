"""What decides a run's bits, as far as one process can tell: by it a run knows whether an earlier one was of the same script."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from .config import Config

SETTINGS = frozenset((".yaml", ".yml", ".toml", ".json", ".ini", ".cfg"))
MOST_SETTINGS, LARGEST = 200, 1 << 16
"""Files of settings beside the script that are looked at, and bytes of one."""
OWN = ("FTC_", "HOSTNAME", "CHECKPOINT_", "HEARTBEAT_", "PYTHON", "PWD", "SHLVL", "_")
"""Variables that are no job's."""


def identity(config: Config, facts: Sequence[Any]) -> dict[str, Any]:
    """Of the script's files that are loaded, the files of settings beside it, arguments, environment, torch, the processor, and `facts`. Nothing
    stands in it in clear but names of files."""
    script, folder = config.running, config.running.parent
    files = {script.name: _hash(script)}
    with contextlib.suppress(OSError):
        beside = sorted(path for path in folder.iterdir() if path.suffix in SETTINGS)
        for path in beside[:MOST_SETTINGS]:
            if not path.is_symlink() and path.is_file() and path.stat().st_size <= LARGEST:
                files[path.name] = _hash(path)
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and Path(file).is_relative_to(folder):
            files[str(Path(file).relative_to(folder))] = _hash(Path(file))
    machine = (torch.__version__, torch.backends.cpu.get_cpu_capability(), _processor())
    environment = sorted((name, value) for name, value in os.environ.items() if not name.startswith(OWN))
    all_of_it = repr((config.args, config.threads, config.on_non_finite, machine, environment, list(facts)))
    return {"files": files, "facts": hashlib.sha256(all_of_it.encode("utf-8", "surrogateescape")).hexdigest()}


def _processor() -> str:
    """Its model, as the kernel names it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith(("model name", "CPU part")):
                return line
    return ""


def same(one: Any, other: Any) -> bool:
    """Whether two identities are of one script: what both have loaded is alike."""
    try:
        shared = one["files"].keys() & other["files"].keys()
        return one["facts"] == other["facts"] and all(one["files"][name] == other["files"][name] for name in shared)
    except (AttributeError, KeyError, TypeError):
        return False


def _hash(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
