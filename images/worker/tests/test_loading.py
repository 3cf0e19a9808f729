"""Samples that are loaded in the training process or in processes of their own: the same bits, and no process too many."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Subset, default_collate, get_worker_info

from ftc.data import Slice, Source, as_source
from ftc.data.prefetched import LoaderError, Prefetched
from ftc.errors import UsageError
from ftc.slices import Plan, Sampler

Key = tuple[int, int]


def draws() -> tuple[float, float, float]:
    return torch.rand(()).item(), float(np.random.random()), random.random()


class Drawing(Dataset[Any]):
    """Samples that depend on all random state that there is."""

    def __len__(self) -> int:
        return 103

    def __getitem__(self, number: int) -> tuple[torch.Tensor, dict[str, float]]:
        for _ in range(number % 3):  # how much one draws is none of the next one's business
            draws()
        crop = torch.nn.functional.conv2d(torch.rand(1, 3, 24, 24), torch.rand(4, 3, 5, 5))
        return crop.sum() + number, dict(zip("tnp", draws()))


def collate(samples: list[Any]) -> list[Any]:
    return [default_collate(samples), torch.tensor(draws(), dtype=torch.float64)]


@contextmanager
def opened(data: Any, **options: Any) -> Iterator[Source]:
    source = as_source(data, seed=5, **options)
    try:
        yield source
    finally:
        source.close()


def told(data: Any) -> Any:
    """In a form that can be compared."""
    if isinstance(data, torch.Tensor):
        return data.tolist()
    if isinstance(data, dict):
        return {key: told(item) for key, item in data.items()}
    return [told(item) for item in data] if isinstance(data, (list, tuple)) else data


def sampler(source: Source, batch: int = 20, virtual: int = 4) -> Sampler:
    plan = Plan(len(source), batch, virtual, seed=5)
    return Sampler(plan, source.order(plan))


def read(source: Source, steps: Sequence[int], carried: Sequence[int] = range(4), total: int = 14) -> dict[Key, Any]:
    found = {}
    samples = sampler(source)
    for step in steps:
        source.expect(samples.coming(step, total, carried, source.ahead))
        for virtual_rank in carried:
            indices = samples.indices(step, virtual_rank)
            if len(indices):
                found[step, virtual_rank] = told(source.fetch(Slice(step, virtual_rank, indices)))
    return found


@pytest.fixture(scope="module")
def expected() -> dict[Key, Any]:
    with opened(Drawing(), collate_fn=collate) as source:
        return read(source, range(14))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_bits_do_not_depend_on_the_number_of_processes(expected: dict[Key, Any], processes: int) -> None:
    with opened(Drawing(), collate_fn=collate, num_workers=processes, prefetch_factor=processes) as source:
        assert source.ahead == processes**2
        assert read(source, range(14)) == expected
    with opened(DataLoader(Drawing(), 20, shuffle=True, collate_fn=collate, num_workers=processes)) as source:
        assert source.ahead == 2 * processes and source.batch_size == 20
        assert read(source, range(14)) == expected


def test_bits_do_not_depend_on_threads_or_on_what_ran_before(expected: dict[Key, Any]) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        draws()
        with opened(Drawing(), collate_fn=collate) as source:
            assert read(source, range(13, 3, -1)) == {key: found for key, found in expected.items() if key[0] > 3}
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


def test_each_sample_has_a_state_of_its_own(expected: dict[Key, Any]) -> None:
    states = [
        (t, n, p)
        for (_, samples), _drawn in expected.values()
        for t, n, p in zip(samples["t"], samples["n"], samples["p"])
    ]
    drawn = [tuple(drawn) for _, drawn in expected.values()]
    assert len(states) == 246 and len({*states, *drawn}) == 246 + len(drawn)


@pytest.mark.parametrize("processes", [0, 2])
def test_the_callers_random_state_is_left_alone(processes: int) -> None:
    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    undisturbed = draws()
    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    with opened(Drawing(), num_workers=processes) as source:
        read(source, range(3))
    assert draws() == undisturbed


class Many(Dataset[Any]):
    """Gives many at once, as data sets in columns do."""

    def __len__(self) -> int:
        return 103

    def __getitem__(self, number: int) -> Any:
        raise AssertionError("one by one")

    def __getitems__(self, numbers: list[int]) -> list[Any]:
        return [(number, torch.rand(2)) for number in numbers]


def test_a_dataset_that_gives_many_at_once_is_asked_so() -> None:
    for data in (Many(), Subset(Many(), range(103))):
        with opened(data) as here, opened(data, num_workers=2) as there:
            assert read(here, range(4)) == read(there, range(4))
    with opened(Subset(Drawing(), range(103)), collate_fn=collate) as part, opened(Drawing(), collate_fn=collate) as whole:
        assert read(part, range(2)) == read(whole, range(2))  # torch's Subset has the method for whatever it is a subset of


def test_what_another_worker_carries_now_is_not_waited_for(expected: dict[Key, Any], tmp_path: Path) -> None:
    with opened(Blocking(tmp_path), collate_fn=collate, num_workers=2) as source:
        samples = sampler(source)
        (tmp_path / "block").touch()
        source.expect(samples.coming(2, 14, [1, 3], source.ahead))
        wait_for(lambda: len(list(tmp_path.glob("blocked-*"))) == 2)
        source.expect(samples.coming(3, 14, [0, 2], source.ahead))
        (tmp_path / "block").unlink()
        assert read(source, [3, 4, 5], [0, 2], total=6) == {key: expected[key] for key in expected if key[0] in (3, 4, 5) and key[1] in (0, 2)}
        begun = {path.name for path in tmp_path.glob("begun-*")}
        assert not {f"begun-{number}" for number in samples.indices(3, 1).tolist()} & begun  # forgotten before it was begun
        assert read(source, [6, 7], range(4)) == {key: found for key, found in expected.items() if key[0] in (6, 7)}


class Blocking(Drawing):
    """Waits for as long as a file is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, number: int) -> Any:
        (self.folder / f"begun-{number}").touch()
        if (self.folder / "block").exists():
            (self.folder / f"blocked-{os.getpid()}").touch()
        while (self.folder / "block").exists():
            time.sleep(0.01)
        return super().__getitem__(number)


def wait_for(true: Any) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_same_processes_serve_all_epochs() -> None:
    with opened(Pids(), num_workers=2, persistent_workers=False) as source:
        assert isinstance(source, Prefetched)
        before = source.pids
        seen = {pid for found in read(source, range(12), total=12).values() for pid in found}
        assert seen == set(before) == set(source.pids)


class Pids(Dataset[Any]):
    def __len__(self) -> int:
        return 103

    def __getitem__(self, number: int) -> int:
        info = get_worker_info()
        assert info is not None and info.num_workers == 2 and isinstance(info.dataset, Pids)
        assert torch.get_num_threads() == 1
        return os.getpid()


def test_each_process_is_prepared_with_its_number(tmp_path: Path) -> None:
    def init(number: int) -> None:
        (tmp_path / f"{number}-{os.getpid()}").touch()

    with opened(Drawing(), num_workers=3, worker_init_fn=init) as source:
        assert isinstance(source, Prefetched)
        read(source, range(2))
        assert {path.name for path in tmp_path.iterdir()} == {f"{number}-{pid}" for number, pid in enumerate(source.pids)}

    def fail(number: int) -> None:
        raise ValueError(f"no {number}")

    with opened(Drawing(), num_workers=1, worker_init_fn=fail) as source, pytest.raises(ValueError, match="no 0"):
        read(source, [0])


class Failing(Drawing):
    def __getitem__(self, number: int) -> Any:
        if number == 50:
            deep_inside(number)
        return super().__getitem__(number)


def deep_inside(number: int) -> None:
    raise KeyError(f"no sample {number}")


@pytest.mark.parametrize("processes", [0, 2])
def test_an_error_comes_with_the_slice_that_it_is_of(processes: int) -> None:
    with opened(Failing(), num_workers=processes) as source:
        samples = sampler(source)
        for step in range(6):
            source.expect(samples.coming(step, 6, range(4), source.ahead))
            for virtual_rank in range(4):
                wanted = Slice(step, virtual_rank, samples.indices(step, virtual_rank))
                if 50 not in wanted.indices.tolist():
                    if len(wanted.indices):
                        source.fetch(wanted)
                    continue
                with pytest.raises(KeyError, match="no sample 50") as raised:
                    source.fetch(wanted)
                text = "".join(traceback.format_exception(raised.value))
                assert "deep_inside" in text and "test_loading.py" in text


class Unsendable(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


class Odd(Drawing):
    def __getitem__(self, number: int) -> Any:
        raise Unsendable(1, 2)


def test_an_error_that_cannot_be_sent_is_told() -> None:
    with opened(Odd(), num_workers=1) as source, pytest.raises(RuntimeError, match="(?s)Unsendable in a loader.*1 and 2"):
        read(source, [0])


class Deadly(Drawing):
    """Ends its process at a sample: always, or as long as a file is there."""

    def __init__(self, once: Path | None, number: signal.Signals = signal.SIGKILL) -> None:
        self.once = once
        self.number = number

    def __getitem__(self, number: int) -> Any:
        if number == 50 and (self.once is None or self.once.exists()):
            if self.once is not None:
                self.once.unlink()
            os.kill(os.getpid(), self.number)
        return super().__getitem__(number)


def test_a_process_that_is_killed_is_replaced(tmp_path: Path, expected: dict[Key, Any], capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "once").touch()
    with opened(Deadly(tmp_path / "once"), collate_fn=collate, num_workers=2) as source:
        assert isinstance(source, Prefetched)
        before = source.pids
        assert read(source, range(14)) == expected
        assert len(set(before) & set(source.pids)) == 1
    assert "was ended by SIGKILL (did the container run out of memory?); another takes its place" in capfd.readouterr().out


@pytest.mark.parametrize(("number", "hint"), [(signal.SIGKILL, "out of memory"), (signal.SIGBUS, r"/dev/shm.*MiB.*shm_size")])
def test_one_that_is_killed_again_ends_the_training(number: signal.Signals, hint: str) -> None:
    with opened(Deadly(None, number), num_workers=2) as source:
        with pytest.raises(LoaderError, match=rf"was ended by {number.name} \(.*{hint}.* while it prepared samples \d+.*second of late"):
            read(source, range(6))


def test_one_that_is_killed_while_nothing_is_asked_of_it_is_replaced(expected: dict[Key, Any]) -> None:
    with opened(Drawing(), collate_fn=collate, num_workers=2) as source:
        assert isinstance(source, Prefetched)
        first = read(source, [0])
        os.kill(source.pids[1], signal.SIGKILL)
        assert first | read(source, [1, 2]) == {key: found for key, found in expected.items() if key[0] < 3}


def test_one_that_takes_too_long_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "block").touch()
    with opened(Blocking(tmp_path), num_workers=1, timeout=0.2) as source, pytest.raises(LoaderError, match="timeout=0.2"):
        read(source, [0])


@pytest.mark.parametrize("context", ["spawn", "forkserver"])
def test_processes_may_be_started_in_other_ways(expected: dict[Key, Any], context: str) -> None:
    with opened(Drawing(), collate_fn=collate, num_workers=1, multiprocessing_context=context) as source:
        assert read(source, [0]) == {key: found for key, found in expected.items() if key[0] == 0}
    with pytest.raises(UsageError, match="multiprocessing_context='thread': it can be fork"):
        as_source(Drawing(), num_workers=1, multiprocessing_context="thread")


class Wordy(Dataset[Any]):
    def __len__(self) -> int:
        return 103

    def __getitem__(self, number: int) -> str:
        return "x" * 50_000


def test_what_is_not_in_tensors_may_be_large() -> None:
    with opened(Wordy(), num_workers=2) as source:
        found = read(source, range(4))
    assert all(len(texts) == 5 and set(map(len, texts)) == {50_000} for texts in found.values())


def test_the_processes_end_with_the_training_process_however_that_ends(tmp_path: Path) -> None:
    program = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_loading import *
from multiprocessing import Process
source = as_source(Blocking(Path({str(tmp_path)!r})), num_workers=2)
read(source, [0])
other = Process(target=time.sleep, args=(600,))  # holds a copy of all that was open
other.start()
Path({str(tmp_path)!r}, "block").touch()
samples = sampler(source)
source.expect(samples.coming(9, 14, range(4), source.ahead))
print(*source.pids, other.pid, flush=True)
time.sleep(600)
"""
    training = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert training.stdout is not None
    *pids, other = map(int, training.stdout.readline().split())
    wait_for(lambda: len(list(tmp_path.glob("blocked-*"))) == 2)
    training.kill()
    training.wait()
    try:
        wait_for(lambda: not any(alive(pid) for pid in pids))
    finally:
        os.kill(other, signal.SIGKILL)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_closing_ends_the_processes() -> None:
    with opened(Drawing(), num_workers=2) as source:
        assert isinstance(source, Prefetched)
        pids = source.pids
        assert all(map(alive, pids))
    assert not any(map(alive, pids))
