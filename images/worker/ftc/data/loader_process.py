"""A loader process, from its own side: makes slices in the order in which they are asked for, and sends them back.

    to it      ("make", number, step, virtual rank, samples)   ("forget", numbers)
    from it    (number, "made", data) (number, "failed", error) (number, "forgotten", None)

Each number is answered once. What it has not begun when it is told to forget it, it does not begin.
"""

from __future__ import annotations

import os
import pickle
import queue
import threading
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.pool import ExceptionWithTraceback  # type: ignore[attr-defined]
from multiprocessing.reduction import ForkingPickler
from typing import Any

import torch
from torch.utils.data._utils import signal_handling, worker

from ..rng import derive, seed_all
from ..slices import Slice
from .recipe import Recipe

LOOK = 1.0
"""Seconds between two looks whether the training process still lives, where nothing tells it at once."""


@dataclass(frozen=True)
class Start:
    """What a loader process is started with."""

    recipe: Recipe
    init: Callable[[int], Any] | None
    number: int
    processes: int
    deterministic: bool


def main(start: Start, tasks: Connection, results: Connection) -> None:
    threading.Thread(target=_die_with, args=(os.getppid(),), name="ftc-parent", daemon=True).start()
    signal_handling._set_worker_signal_handlers()  # type: ignore[attr-defined]
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(start.deterministic)
    answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_send, args=(answers, results), name="ftc-answers", daemon=True).start()
    broken = _prepare(start)
    todo: deque[tuple[int, Slice]] = deque()
    try:
        while True:
            _listen(tasks, todo, answers)
            number, wanted = todo.popleft()
            answers.put(broken(number) if broken is not None else _made(start.recipe, number, wanted))
    except (EOFError, OSError, KeyboardInterrupt):  # the training process has ended, or is about to
        os._exit(0)


def _listen(tasks: Connection, todo: deque[tuple[int, Slice]], answers: queue.SimpleQueue[bytes]) -> None:
    """Waits until there is something to do; what was said meanwhile is heard first."""
    while not todo or tasks.poll():
        what, *told = tasks.recv()
        if what == "make":
            number, step, virtual_rank, samples = told
            todo.append((number, Slice(step, virtual_rank, torch.tensor(samples, dtype=torch.int64))))
            continue
        for number in told[0]:
            if any(number == waiting for waiting, _ in todo):
                answers.put(_packed(number, "forgotten", None))
        kept = [(number, wanted) for number, wanted in todo if number not in told[0]]
        todo.clear()
        todo.extend(kept)


def _made(recipe: Recipe, number: int, wanted: Slice) -> bytes:
    try:
        return _packed(number, "made", recipe.make(wanted))
    except Exception as error:
        return _failed(number, error)


def _failed(number: int, error: Exception) -> bytes:
    """The error itself, with the text of its traceback as its cause; of one that cannot be sent, its text."""
    try:
        told = ExceptionWithTraceback(error, error.__traceback__)
        pickle.loads(pickle.dumps(told))
        return _packed(number, "failed", told)
    except Exception:
        name = type(error).__name__
        text = "".join(traceback.format_exception(error))
        return _packed(number, "failed", RuntimeError(f"{name} in a loader process, which could not be sent itself:\n{text}"))


def _prepare(start: Start) -> Callable[[int], bytes] | None:
    """As a DataLoader's process is prepared. What comes back tells each slice of the error, where there was one."""
    seed = derive(start.recipe.seed, "loader")
    seed_all(start.recipe.seed, "loader")
    worker._worker_info = worker.WorkerInfo(  # type: ignore[no-untyped-call]
        id=start.number, num_workers=start.processes, seed=seed, dataset=start.recipe.dataset
    )
    if start.init is None:
        return None
    try:
        start.init(start.number)
    except Exception as error:
        kept = error
        return lambda number: _failed(number, kept)
    return None


def _packed(number: int, kind: str, what: Any) -> bytes:
    """Tensors go into shared memory, here and not when it is sent: the next slice may write where this one lies."""
    return bytes(ForkingPickler.dumps((number, kind, what)))


def _send(answers: queue.SimpleQueue[bytes], results: Connection) -> None:
    """Beside the work, so that nothing waits while nobody reads."""
    try:
        while True:
            results.send_bytes(answers.get())
    except OSError:
        os._exit(0)


def _die_with(parent: int) -> None:
    """However the training process ends. Its end of a pipe tells it at once, unless a sibling holds a copy."""
    process = parent_process()
    handles = [process.sentinel] if process is not None else []
    while os.getppid() == parent and not wait(handles, LOOK):
        pass
    os._exit(0)
