"""A worker's settings: read once from the environment that docs/protocol.md lists, checked, and never looked up again."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import ConfigError


@dataclass(frozen=True)
class Config:
    """Paths are absolute; `heartbeat_timeout` is in seconds. Exactly one of `steps` and `epochs` is set."""

    job: str
    worker: str
    master_host: str
    master_port: int
    script: Path
    args: tuple[str, ...]
    launcher: str
    virtual_ranks: int
    seed: int
    steps: int | None
    epochs: int | None
    threads: int
    backend: str
    checkpoint_root: Path
    checkpoint_every: int
    dataset_dir: Path
    key_dir: Path
    """Where the master has put the workers' key."""
    heartbeat_timeout: float
    standby_sync: int | None
    """Steps after which a standby takes the state; None where it waits without."""
    on_divergence: str
    """What is done when the replicas differ: "repair" or "fail"."""
    on_non_finite: str
    """What is done when a reduced loss or gradient is not finite: "fail", "skip" or "report"."""
    one_node: bool = True
    """To a script for torchrun all workers are processes of one node; or else each is a node."""
    stop_grace: float = 60.0
    """Seconds from SIGTERM to SIGKILL, of the worker's container."""
    from_outside: bool = False
    """Checkpoints may have been written by others than this job's containers."""
    copies: bool = False
    """The script runs in a writable copy of its folder."""

    @property
    def checkpoint_dir(self) -> Path:
        """Where this job's checkpoints are."""
        return self.checkpoint_root / self.job

    @property
    def script_dir(self) -> Path:
        """Where a script that knows nothing of ftc may keep what it likes: nothing of ftc's own is in there."""
        return self.checkpoint_dir / "script"

    @property
    def work_dir(self) -> Path:
        """That copy: all workers share it."""
        return self.checkpoint_dir / "work"

    @property
    def script_dirs(self) -> tuple[Path, ...]:
        """Where such a script keeps what it has achieved."""
        return (self.script_dir, self.work_dir) if self.copies else (self.script_dir,)

    @property
    def running(self) -> Path:
        """The file that is run: the script, or its copy."""
        return self.work_dir / self.script.name if self.copies else self.script


def from_env(env: Mapping[str, str] = os.environ) -> Config:
    """Reads and checks the environment. Raises ConfigError that names the variable, its value and what it should be."""
    job = env.get("JOB_ID", "job")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", job):
        raise ConfigError(f"JOB_ID={job!r}: letters, digits, dots, dashes and underscores, at most 128")
    host, port = _address(env.get("FTC_MASTER", "master:7077"))
    script = env.get("FTC_SCRIPT", "")
    if not script.startswith("/"):
        raise ConfigError(f"FTC_SCRIPT={script!r}: the absolute path of the training script is needed")
    steps = _int(env, "FTC_STEPS", None, 1)
    epochs = _int(env, "FTC_EPOCHS", None, 1)
    if (steps is None) == (epochs is None):
        raise ConfigError(f"FTC_STEPS={steps} and FTC_EPOCHS={epochs}: exactly one of them is needed")
    return Config(
        job=job,
        worker=env.get("FTC_WORKER_ID") or socket.gethostname(),
        master_host=host,
        master_port=port,
        script=Path(script),
        args=_args(env.get("FTC_ARGS") or "[]"),
        launcher=_choice(env, "FTC_LAUNCHER", "ftc", "torchrun"),
        virtual_ranks=_must(_int(env, "FTC_VIRTUAL_RANKS", 12, 1)),
        seed=_must(_int(env, "FTC_SEED", 0, 0)),
        steps=steps,
        epochs=epochs,
        threads=_must(_int(env, "FTC_THREADS", 1, 1)),
        backend=_choice(env, "FTC_BACKEND", "gloo", "nccl"),
        checkpoint_root=Path(env.get("CHECKPOINT_DIR") or "/checkpoints"),
        checkpoint_every=_must(_int(env, "CHECKPOINT_EVERY", 50, 1)),
        dataset_dir=Path(env.get("DATASET_DIR") or "/data"),
        key_dir=Path(env.get("FTC_KEY_DIR") or "/run/ftc"),
        heartbeat_timeout=_seconds(env, "HEARTBEAT_TIMEOUT", 5.0),
        standby_sync=_int(env, "FTC_STANDBY_SYNC", None, 1),
        on_divergence=_choice(env, "FTC_ON_DIVERGENCE", "repair", "fail"),
        on_non_finite=_choice(env, "FTC_ON_NON_FINITE", "fail", "skip", "report"),
        one_node=_choice(env, "FTC_NODE", "machine", "worker") == "machine",
        stop_grace=_seconds(env, "FTC_STOP_GRACE", 60.0),
        from_outside=_choice(env, "FTC_CHECKPOINT_ORIGIN", "volume", "outside") == "outside",
        copies=_choice(env, "FTC_WORKDIR", "mounted", "copy") == "copy",
    )


def _int(env: Mapping[str, str], name: str, default: int | None, least: int) -> int | None:
    text = env.get(name, "")
    if text == "":
        return default
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < least:
        raise ConfigError(f"{name}={text!r}: a whole number of at least {least} is needed")
    return int(text)


def _choice(env: Mapping[str, str], name: str, default: str, *others: str) -> str:
    value = env.get(name) or default
    if value != default and value not in others:
        first = ", ".join((default, *others[:-1]))
        raise ConfigError(f"{name}={value!r}: {first} or {others[-1]}")
    return value


def _must(value: int | None) -> int:
    assert value is not None
    return value


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e9:
        raise ConfigError(f"{name}={text!r}: a positive number of seconds is needed")
    return value


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(f"FTC_MASTER={text!r}: host:port is needed")
    return host.strip("[]"), int(port)


def _args(text: str) -> tuple[str, ...]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"FTC_ARGS={text!r}: a JSON array of strings is needed")
    return tuple(value)
