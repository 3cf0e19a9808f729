"""`trail.jsonl`: loss and gradient norm of the committed steps, beside the checkpoints. After all workers were lost, the steps from the
checkpoint on are made again, and must come out the same, to the bit.

Where they do not, the script has values of its own that no checkpoint holds. With no worker left that has the old ones, nothing else would show it.

A line that names the script stands before the steps that it made: what another script has made is compared with nothing. A line is there
before a checkpoint of the step before it is published, so after a checkpoint there is always a step to compare. The file is a help and no
promise: where the disk does not take it, or it is gone, training continues without.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .checkpoint import plain
from .config import Config
from .errors import UsageError
from .identity import identity, same
from .step_result import StepResult, as_line

NAME = "trail.jsonl"
MOST_BYTES = 1 << 20
"""The file is cut to its newest lines when it is larger."""
KEPT = 4096
"""Steps that stay then."""
BEHIND = 0.05
"""Seconds: the steps of so long are written together. To wake a thread in every step would cost more than a short step has to give."""

UNHELD = (
    "The script uses a value that no checkpoint holds, such as a mask that is drawn when it is first needed, a copy of the weights, or a running mean: "
    "register it, make it before job.begin from fixed numbers, or compute it from job.step_number. Where the data, or something else that ftc cannot see, "
    f"was changed on purpose, remove {NAME} from the job's folder of checkpoints"
)


class Trail:
    """One worker's. May be used from two threads."""

    def __init__(self, config: Config, compares_all: Callable[[], bool] = lambda: True) -> None:
        """`compares_all`: the replicas are compared whole in every step. Else a step may have been made from a state that was found to be
        wrong later, and only the first one after a checkpoint is known to be right."""
        self._config = config
        self._compares_all = compares_all
        self._resumed_at = 0
        self._before: dict[int, StepResult] = {}
        """What the file had before all went back."""
        self._summed = -1
        """The step whose sum was noted last."""
        self._path = config.checkpoint_dir / NAME
        self._identity: dict[str, Any] | None = None
        self._expected: dict[int, StepResult] | None = {}
        """By committed step, what the steps that come again have to be; None: to be read."""
        self._first: dict[int, int] = {}
        """By committed step, what its first slice has to come to."""
        self._disk = threading.Lock()
        self._fd: int | None = None
        self._memory = threading.Condition()
        self._marked = False
        self._parting: tuple[int, int] | None = None
        self._steps: dict[int, StepResult] = {}
        self._thread: threading.Thread | None = None

    def of(self, facts: Sequence[Any]) -> None:
        """The script has handed over its data. `facts`: of data, device and length of the job."""
        self._identity = identity(self._config, facts)

    def resumed(self, step: int) -> None:
        """Nobody is left that has made the steps before, and the state of `step` was taken from a checkpoint, a standby, or the script's beginning."""
        self._expected, self._first, self._resumed_at = None, {}, step

    def forget(self, *, leads: bool) -> None:
        """All go back because a state was wrong: so may be what was noted since. It is marked in the file when this returns."""
        if leads:
            self.flush()
        self._before, self._expected, self._first = self._read()[0], {}, {}
        if leads:
            with self._memory:
                self._marked = True
            self.flush()

    def after_return(self, step: int) -> None:
        """All have the state of `step` again. The checkpoint of it was published because all agreed on it in the step after it, so that one counts."""
        made = self._before.get(step + 1) if step > 0 else None
        self._expected, self._first, self._before = {} if made is None else {step + 1: made}, {}, {}

    def wants_sum(self, step: int) -> bool:
        """What the gradients of this step add up to was noted before."""
        before = self._known().get(step)
        return step == self._summed or (before is not None and before.total is not None)

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

    def _known(self) -> dict[int, StepResult]:
        if self._expected is None:
            next_step = self._resumed_at + 1
            found, self._first = self._read()
            if not self._compares_all():
                found = {step: made for step, made in found.items() if step == next_step}
            self._expected = found
        return self._expected

    def reduced(self, step: int, made: StepResult, *, leads: bool) -> None:
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
        if made.total is not None:
            self._summed = step
        if not leads:
            return
        with self._memory:
            while len(self._steps) > KEPT:  # the disk hangs
                del self._steps[next(iter(self._steps))]
            known = self._steps.get(step)
            self._steps[step] = replace(made, total=known.total) if known is not None and made.total is None else made
        if made.norm is not None:
            self._wake()

    def flush(self, *, durable: bool = False) -> None:
        """What was reduced is in the file when this returns, as far as the disk takes it. `durable`: before a checkpoint is published."""
        with self._disk:
            self._write()
            if durable and self._fd is not None:
                with contextlib.suppress(OSError):
                    os.fsync(self._fd)

    def _read(self) -> tuple[dict[int, StepResult], dict[int, int]]:
        """What the file says of this script's steps, and of the first slices of some."""
        found: dict[int, StepResult] = {}
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
                    made = StepResult(float.fromhex(told["loss"]), None if norm is None else float.fromhex(norm), None if total is None else int(total))
                    step = int(told["step"])
                    earlier = found.get(step)
                    if earlier is not None and total is None and not earlier.differs(made):
                        made = replace(made, total=earlier.total)  # the sum is noted before the norm is known
                    found[step] = made
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
        lines = [as_line({"wrong": True})] if marked else []
        lines += [made.line(step) for step, made in steps.items()]
        if parting is not None:
            lines.append(as_line({"step": parting[0], "first": parting[1]}))
        if not lines:
            return
        try:
            if self._fd is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._fd = plain.itself(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                lines.insert(0, b"\n" + as_line({"of": self._identity}))  # a line may have been cut short before
            data = b"".join(lines)
            if os.write(self._fd, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if os.fstat(self._fd).st_size > MOST_BYTES:
                self._cut(self._fd)
        except OSError:
            self._close()
            with self._memory:
                self._marked = self._marked or marked
                self._parting = parting if self._parting is None else self._parting

    def _cut(self, fd: int) -> None:
        found, first = self._read()
        lines = [as_line({"of": self._identity})]
        lines += [made.line(step) for step, made in sorted(found.items())[-KEPT:]]
        lines += [as_line({"step": step, "first": word}) for step, word in first.items()]
        os.ftruncate(fd, 0)
        os.write(fd, b"".join(lines))

    def _close(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None
