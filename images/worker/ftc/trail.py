"""`trail.jsonl`: loss and gradient norm of the committed steps, beside the checkpoints. After all workers were lost, the steps from the
checkpoint on are made again, and must come out the same, to the bit.

Where they do not, the script has values of its own that no checkpoint holds. With no worker left that has the old ones, nothing else would show it.

A line that names the script stands before the steps that it made: what another script has made is compared with nothing. A line is there
before a checkpoint of the step before it is published, so after a checkpoint there is always a step to compare. The file is a help and no
promise: where the disk does not take it, or it is gone, training continues without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from .checkpoint import plain
from .config import Config
from .errors import UsageError

NAME = "trail.jsonl"
MOST_BYTES = 1 << 20
"""The file is cut to its newest lines when it is larger."""
KEPT = 4096
"""Steps that stay then."""
BEHIND = 0.05
"""Seconds: the steps of so long are written together. To wake a thread in every step would cost more than a short step has to give."""

UNHELD = (
    "The script uses a value that no checkpoint holds, such as a mask that is drawn when it is first needed, a copy of the weights, or a running mean: "
    "register it, make it before job.begin from fixed numbers, or compute it from job.step_number. Where the data or a module that the script imports "
    f"was changed on purpose, remove {NAME} from the job's checkpoint directory"
)


@dataclass(frozen=True)
class Made:
    """What came out of a step: its loss, the norm of its gradients, and 64 bits of their sum, as far as they are known."""

    loss: float
    norm: float | None = None
    total: int | None = None

    def differs(self, other: Made) -> bool:
        """To the bit, in what both know; all that is not a number is alike."""
        pairs = [(self.loss.hex(), other.loss.hex()), (_hex(self.norm), _hex(other.norm)), (self.total, other.total)]
        return any(one != two for one, two in pairs if one is not None and two is not None)

    def line(self, step: int) -> bytes:
        return _line({"step": step, "loss": self.loss.hex(), "norm": _hex(self.norm), "sum": self.total})


def identity(config: Config, facts: Sequence[Any]) -> dict[str, Any]:
    """What decides a run's bits, as far as this process can tell: the script's files that it has loaded, its arguments, torch, and `facts`."""
    script, folder = config.running, config.running.parent
    files = {script.name: _hash(script)}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and Path(file).is_relative_to(folder):
            files[str(Path(file).relative_to(folder))] = _hash(Path(file))
    torch_is = (torch.__version__, torch.backends.cpu.get_cpu_capability())
    return {"files": files, "facts": json.loads(json.dumps([config.args, config.threads, torch_is, facts]))}


def same(one: Any, other: Any) -> bool:
    """Whether two identities are of one script: what both have loaded is alike."""
    try:
        shared = one["files"].keys() & other["files"].keys()
        return one["facts"] == other["facts"] and all(one["files"][name] == other["files"][name] for name in shared)
    except (AttributeError, KeyError, TypeError):
        return False


class Trail:
    """One worker's. May be used from two threads."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._path = config.checkpoint_dir / NAME
        self.facts: tuple[Any, ...] = ()
        """Of data, device and length of the job: what the losses depend on besides the script."""
        self._identity: dict[str, Any] | None = None
        self._expected: dict[int, Made] | None = {}
        """By committed step, what the steps that come again have to be; None: to be read."""
        self._first: dict[int, int] = {}
        """By committed step, what its first slice has to come to."""
        self._disk = threading.Lock()
        self._fd: int | None = None
        self._memory = threading.Condition()
        self._marked = False
        self._parting: tuple[int, int] | None = None
        self._steps: dict[int, Made] = {}
        self._thread: threading.Thread | None = None

    def resumed(self) -> None:
        """Nobody held the state, and it was taken from a checkpoint, or from the script's beginning."""
        self._expected, self._first = None, {}

    def forget(self, *, leads: bool) -> None:
        """All go back because a state was wrong: so may be what was noted since. It is marked in the file when this returns."""
        self._expected, self._first = {}, {}
        if leads:
            with self._memory:
                self._steps = {}
                self._marked = True
            self.flush()

    def expects(self, step: int) -> bool:
        """This step was made before, or may have been."""
        return step in self._known()

    def first_of(self, step: int) -> int | None:
        """What the first slice of this step has come to before."""
        self._known()
        return self._first.get(step)

    def compare_first(self, step: int, word: int) -> None:
        """`word`: what it comes to now; 0 where nobody has looked. Raises UsageError."""
        before = self._first.pop(step, None)
        if before is not None and word not in (0, before):
            raise UsageError(f"the first slice of step {step} comes out differently than before all workers had left. {UNHELD}")

    def parting(self, step: int, word: int) -> None:
        """What the first slice of a step comes to that nobody will make before all have left; 0 where nobody knows. It is in the file when this
        returns."""
        if word:
            with self._memory:
                self._parting = (step, word)
            self.flush()

    def _known(self) -> dict[int, Made]:
        if self._expected is None:
            self._identity = self._identity or identity(self._config, self.facts)
            self._expected, self._first = self._read()
        return self._expected

    def reduced(self, step: int, made: Made, *, leads: bool) -> None:
        """`step` counts once it is committed. Raises UsageError where it came out differently before."""
        expected = self._known()
        before = expected.get(step)
        if before is not None and before.differs(made):
            raise UsageError(
                f"step {step} has loss {made.loss!r}, and had {before.loss!r} before all workers were lost"
                + (", with other gradients" if made.loss == before.loss else "") + f". {UNHELD}"
            )
        if made.norm is not None:
            expected.pop(step, None)
        if not leads:
            return
        with self._memory:
            known = self._steps.get(step)
            self._steps[step] = replace(made, total=known.total) if known is not None and made.total is None else made
        if made.norm is not None:
            self._wake()

    def flush(self) -> None:
        """Before a checkpoint is published: what was reduced is in the file when this returns, as far as the disk takes it."""
        with self._disk:
            self._write()

    def _read(self) -> tuple[dict[int, Made], dict[int, int]]:
        """What the file says of this script's steps, and of the first slices of some."""
        found: dict[int, Made] = {}
        first: dict[int, int] = {}
        try:
            text = plain.read(self._path, 4 * MOST_BYTES)
        except (OSError, ValueError):
            return {}, {}
        ours = False
        for line in text.splitlines():
            try:
                told = json.loads(line)
                if "of" in told:
                    ours = same(told["of"], self._identity)
                    found, first = (found, first) if ours else ({}, {})
                elif "wrong" in told:
                    found, first = {}, {}
                elif ours and "first" in told:
                    first[int(told["step"])] = int(told["first"])
                elif ours:
                    norm, total = told["norm"], told["sum"]
                    made = Made(float.fromhex(told["loss"]), None if norm is None else float.fromhex(norm), None if total is None else int(total))
                    step = int(told["step"])
                    same_step = found.get(step)
                    keeps = same_step is not None and total is None and not same_step.differs(made)
                    found[step] = replace(made, total=same_step.total) if keeps and same_step is not None else made
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
                continue  # cut short, or not ours
        return found, first

    def _wake(self) -> None:
        with self._memory:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="ftc-trail", daemon=True)
                self._thread.start()
            self._memory.notify()

    def _work(self) -> None:
        while True:
            with self._memory:
                self._memory.wait_for(lambda: self._steps)
            time.sleep(BEHIND)
            self.flush()

    def _write(self) -> None:
        with self._memory:
            marked, self._marked = self._marked, False
            steps, self._steps = self._steps, {}
            parting, self._parting = self._parting, None
        lines = [_line({"wrong": True})] if marked else []
        lines += [made.line(step) for step, made in steps.items()]
        if parting is not None:
            lines.append(_line({"step": parting[0], "first": parting[1]}))
        if not lines:
            return
        try:
            if self._fd is None:
                self._identity = self._identity or identity(self._config, self.facts)
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._fd = plain.itself(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                lines.insert(0, b"\n" + _line({"of": self._identity}))  # a line may have been cut short before
            os.write(self._fd, b"".join(lines))
            if os.fstat(self._fd).st_size > MOST_BYTES:
                self._cut(self._fd)
        except OSError:
            self._close()

    def _cut(self, fd: int) -> None:
        newest = sorted(self._read()[0].items())[-KEPT:]
        os.ftruncate(fd, 0)
        os.write(fd, b"".join([_line({"of": self._identity}), *(made.line(step) for step, made in newest)]))

    def _close(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None


def _hex(value: float | None) -> str | None:
    return None if value is None else value.hex()


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _hash(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
