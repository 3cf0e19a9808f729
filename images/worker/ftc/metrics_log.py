"""`metrics.jsonl`: what the script logged, a line of JSON for each committed step in which it logged anything.

Every worker notes every line, and only the one that leads (rank 0 of its generation) writes. Who leads next looks for the last step
that is there, and writes those above it that it has in memory: what a dead leader wrote is there once, what it did not write comes from
its successor. After all workers were killed, training goes back to a checkpoint, and steps that are there already are not written again.

For a moment two workers may believe that they lead: one that was cut off, and its successor. Each line is one write to a file that
is opened for appending, so the lines do not mix. A step may then be there twice, with the same content; readers take only steps
above the one before. What a killed writer leaves of a line: metrics_tail.py.

Nothing here stops training, or waits for the disk. What it does not take waits in memory, and is tried again with the next step.
"""

from __future__ import annotations

import errno
import json
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from .checkpoint import plain
from .checkpoint.durable import Clock, sync_directory
from .metrics_tail import LONGEST, above, blank, survey

KEPT_BYTES = 8 << 20
"""Of lines in memory, at most; the oldest go first. At 200 bytes a line those of the last 40,000 steps."""


class MetricsLog:
    """One worker's part in the job's step metrics. May be used from several threads.

    A thread of its own writes, so that a slow disk delays no step. Two locks: `_disk` for the file, and `_memory` for the lines;
    who needs both takes `_disk` first. Nothing waits for the disk while it holds `_memory`.
    """

    def __init__(self, path: Path, note: Callable[[str], None] = lambda text: None, *, background: bool = True) -> None:
        """`note` gets a sentence for a person: once for each trouble, not for each step. It may be called from the other thread."""
        self._path = path
        self._tell = note
        self._background = background
        self._thread: threading.Thread | None = None
        self._disk = threading.Lock()
        self._fd: int | None = None
        self._written = -1
        """The last step in the file, where it is open."""
        self._lead_in = b""
        """Goes before the next line: ends what is no line, and too long to be overwritten."""
        self._created = False
        """The file is new, and its name in the directory not durable yet."""
        self._open_for = 0
        """The turn that the file was opened for."""
        self._told = False
        self._memory = threading.Condition(threading.Lock())
        self._kept: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._noted = -1
        """The newest step that was noted."""
        self._leads = False
        self._owes = -1
        """Lines up to this step are this worker's to write although it does not lead: who leads does not have them."""
        self._turn = 0
        """Counts changes of who leads: the file is looked at anew with each."""
        self._due = False
        """There is something for the thread to do."""
        self._told_lost = False

    def note(self, step: int, line: Mapping[str, float | int | None]) -> None:
        """After the commit of `step`, on every worker: epoch, samples, loss and what the script logged, by name.

        Numbers that are not finite become null. A step that was noted before is not noted again. Does not wait for the disk.
        """
        text = _encode(step, line)
        with self._memory:
            if step <= self._noted:
                return
            self._noted = step
            if len(text) > LONGEST:
                self._lost(f"the step metrics of step {step} have {len(text)} bytes, and {LONGEST} fit: they are left out")
                return
            self._kept.append((step, text))
            self._bytes += len(text)
            leads, owes = self._leads, step <= self._owes
        if owes:
            self.settle()  # before the next step can be committed, whose line another worker writes
        elif leads:
            self._wake()
        with self._memory:
            self._bound()

    def lead(self) -> None:
        """This worker is rank 0 of a new generation. Also where it led before: another may have written meanwhile."""
        self._take_turn(leads=True)

    def follow(self) -> None:
        """This worker is not rank 0, or is done."""
        self._take_turn(leads=False)

    def owe(self, step: int) -> None:
        """Rank 0 has taken over the state of that step, and neither committed the step itself nor knows its line: this worker has done both.

        Returns when what is noted up to there is in the file, as far as the disk takes it. A line that the script has not finished yet
        follows with `note`.
        """
        with self._memory:
            self._owes = step
            self._turn += 1  # the file is looked at anew: a dead leader may have written some of it
        self.settle()

    def returned(self, step: int, *, leads: bool) -> None:
        """All workers have gone back to the state of that step, because a later one was wrong: so are the lines that were written since. They are
        taken out (by who leads) and come again."""
        with self._disk:
            with self._memory:
                self._kept = deque(one for one in self._kept if one[0] <= step)
                self._bytes = sum(len(text) for _, text in self._kept)
                self._noted = min(self._noted, step)
                self._owes = -1
                self._turn += 1
            if not leads:
                return
            try:
                fd = plain.itself(self._path, os.O_RDONLY)
                try:
                    wrong = above(fd, step)
                finally:
                    os.close(fd)
                for start, end in wrong:
                    blank(self._path, start, end)
            except FileNotFoundError:
                pass
            except OSError as error:
                self._failed(error)

    def settle(self) -> None:
        """Returns when all that was noted is in the file, as far as the disk takes it.

        Before another worker takes the state from the only one that has it: the other does not have the lines in memory.
        """
        with self._disk:
            self._write()

    def flush_to_disk(self) -> bool:
        """Before a checkpoint is published: returns when the lines up to its step are durable. False: the disk did not take them.

        Who does not lead has nothing to do. Training can note further steps meanwhile, from another thread.
        """
        with self._memory:
            noted = self._noted
            if not self._leads:
                return True
        with self._disk:
            self._write()
            if self._fd is None or self._waits(noted):
                return False
            fd, created = os.dup(self._fd), self._created
        try:
            os.fsync(fd)
            if created:
                sync_directory(self._path.parent, Clock())
        except OSError as error:
            with self._disk:
                self._failed(error)
            return False
        finally:
            os.close(fd)
        with self._disk:
            self._created = self._told = False
        return True

    def _take_turn(self, *, leads: bool) -> None:
        with self._memory:
            self._leads = leads
            self._turn += 1
        self._wake()

    def _wake(self) -> None:
        if not self._background:
            return self.settle()
        with self._memory:
            self._due = True
            self._memory.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="ftc-metrics", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._memory:
                self._memory.wait_for(lambda: self._due)
                self._due = False
            self.settle()

    def _write(self) -> None:
        """All that is not in the file yet, as far as the disk takes it."""
        with self._memory:
            turn = self._turn
            writes = self._leads or (bool(self._kept) and self._kept[0][0] <= self._owes)
        if turn != self._open_for:
            self._open_for = turn
            self._close()
        try:
            if writes and self._fd is None:
                self._fd = self._open()
            while writes and self._fd is not None and (first := self._first(turn)) is not None:
                step, text = first
                self._append(self._fd, text)
                self._written = step
        except OSError as error:
            self._failed(error)

    def _first(self, turn: int) -> tuple[int, bytes] | None:
        """What is to be written next: lines that are in the file are of no more use. None where another leads by now."""
        with self._memory:
            while self._kept and self._kept[0][0] <= self._written:
                self._drop()
            if not self._kept or turn != self._turn or not (self._leads or self._kept[0][0] <= self._owes):
                return None
            return self._kept[0]

    def _waits(self, step: int) -> bool:
        """A line up to that step is not in the file."""
        with self._memory:
            return bool(self._kept) and self._kept[0][0] <= step

    def _append(self, fd: int, text: bytes) -> None:
        data = self._lead_in + text
        count = os.write(fd, data)
        if count < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # what is there of it is overwritten with the next try
        self._lead_in = b""

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND
        self._path.parent.mkdir(exist_ok=True)
        try:
            fd = plain.itself(self._path, flags | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            fd = plain.itself(self._path, flags)
        else:
            self._created = True
            os.fchmod(fd, 0o644)  # whatever the umask is
        try:
            tail = survey(fd)
            short = tail.end - tail.start <= LONGEST
            if short:
                blank(self._path, tail.start, tail.end)
        except BaseException:
            os.close(fd)
            raise
        self._lead_in = b"" if short else b"\n"
        self._written = tail.step
        return fd

    def _failed(self, error: OSError) -> None:
        """It is opened again with the next try: it is looked at anew then."""
        self._close()
        if not self._told:
            self._told = True
            what = f"step metrics cannot be written to {self._path}: {error.strerror or error}"
            self._tell(f"{what}; they wait in memory, and training goes on")

    def _bound(self) -> None:
        while self._bytes > KEPT_BYTES:
            step, _ = self._kept[0]
            if self._leads:
                self._lost(f"step metrics are lost from step {step} on: more than {KEPT_BYTES >> 20} MiB of them wait for {self._path}")
            self._drop()

    def _lost(self, text: str) -> None:
        if not self._told_lost:
            self._told_lost = True
            self._tell(text)

    def _drop(self) -> None:
        _, text = self._kept.popleft()
        self._bytes -= len(text)

    def _close(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)


def _encode(step: int, line: Mapping[str, float | int | None]) -> bytes:
    values = {name: value if value is None or math.isfinite(value) else None for name, value in line.items()}
    text = json.dumps({"step": step, **{name: value for name, value in values.items() if name != "step"}}, separators=(",", ":"))
    return text.encode("ascii") + b"\n"
