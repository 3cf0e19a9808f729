"""Random histories of a job's step metrics: who leads, who is killed and in the middle of what, who only believes that it leads."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from metrics import Inline, Killed, killed_in_a_write, line_of, read


@dataclass
class History:
    """`workers`: the members of the current generation, the first of which leads. `ghost`: an old leader that was cut off."""

    path: Path
    dice: random.Random
    workers: list[Inline] = field(default_factory=list)
    ghost: Inline | None = None
    step: int = 0
    best: int = 0
    durable: tuple[int, int] = (0, 0)
    """The step of the newest checkpoint, and the bytes that were on the disk then."""

    def run(self, acts: int) -> None:
        self.join()
        self.workers[0].lead()
        for _ in range(acts):
            kinds = [self.commit] * 12 + [self.join] * 2 + [self.kill_leader] * 2 + [self.cut_off, self.checkpoint, self.kill_all, self.power_off]
            self.dice.choice(kinds)()
        self.settle()

    def commit(self) -> None:
        """The group commits a step. Its leader may be killed while it writes the line."""
        self.step += 1
        self.best = max(self.best, self.step)
        if self.ghost is not None and self.dice.random() < 0.5:
            self.write(self.ghost, self.step)
        leader, *others = self.workers
        for worker in others:
            worker.note(self.step, line_of(self.step))
        if not self.write(leader, self.step):
            self.workers = others
            self.elect()

    def write(self, worker: Inline, step: int) -> bool:
        """False: it was killed at some byte of it."""
        if self.dice.random() < 0.8:
            worker.note(step, line_of(step))
            return True
        try:
            with killed_in_a_write(self.dice.randrange(140)):
                worker.note(step, line_of(step))
        except Killed:
            if worker is self.ghost:
                self.ghost = None
            return False
        return True

    def join(self) -> None:
        if len(self.workers) < 4:
            self.workers.append(Inline(self.path))

    def kill_leader(self) -> None:
        self.workers.pop(0)
        self.elect()

    def elect(self) -> None:
        """The next leads, and may be killed while it takes over. With nobody left, training goes back to the checkpoint."""
        while self.workers:
            if self.dice.random() < 0.7:
                self.workers[0].lead()
                return
            try:
                with killed_in_a_write(self.dice.randrange(140)):
                    self.workers[0].lead()
                return
            except Killed:
                self.workers.pop(0)
        self.step = self.durable[0]
        self.join()
        self.workers[0].lead()

    def cut_off(self) -> None:
        """The leader does not know yet that it is none."""
        if len(self.workers) > 1:
            self.ghost = self.workers.pop(0)
            self.elect()

    def checkpoint(self) -> None:
        assert self.workers[0].flush_to_disk()
        self.durable = self.step, self.path.stat().st_size

    def kill_all(self) -> None:
        self.workers = []
        self.elect()

    def power_off(self) -> None:
        """Of what was not synced, any part may be on the disk."""
        self.ghost = None
        if self.path.exists():
            with self.path.open("r+b") as file:
                file.truncate(self.dice.randint(self.durable[1], self.path.stat().st_size))
        self.kill_all()

    def settle(self) -> None:
        """Training goes on until it is beyond where it ever was."""
        while self.step < self.best:
            self.step += 1
            for worker in self.workers:
                worker.note(self.step, line_of(self.step))


@pytest.mark.parametrize("block", range(8))
def test_every_committed_step_is_there_exactly_once_after_reading(tmp_path: Path, block: int) -> None:
    for seed in range(block * 50, block * 50 + 50):
        history = History(tmp_path / f"{seed}.jsonl", random.Random(seed))
        history.run(60)
        expected = [{"step": step, **line_of(step)} for step in range(1, history.best + 1)]
        assert read(history.path) == expected, f"seed {seed}"
