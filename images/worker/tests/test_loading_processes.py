"""Loader processes: prepared, given the slices of coming steps, replaced when they die, and gone when the training is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset, get_worker_info

from ftc.data import Slice
from ftc.data.prefetched import LoaderError, Prefetched
from loadings import Blocking, Drawing, Key, collate, opened, read, sampler, told, wait_for


@pytest.fixture(scope="module")
def expected() -> dict[Key, Any]:
    with opened(Drawing(), collate_fn=collate) as source:
        return read(source, range(14))


def test_what_another_worker_carries_now_is_not_waited_for(expected: dict[Key, Any], tmp_path: Path) -> None:
    with opened(Blocking(tmp_path), collate_fn=collate, num_workers=2) as source:
        samples = sampler(source)
        (tmp_path / "block").touch()
        source.expect(samples.coming(2, 14, [1, 3], source.ahead))
        wait_for(lambda: len(list(tmp_path.glob("blocked-*"))) == 2)
        source.expect(samples.coming(3, 14, [0, 2], source.ahead))
        (tmp_path / "block").unlink()
        wanted = {key: found for key, found in expected.items() if key[0] in (3, 4, 5) and key[1] in (0, 2)}
        assert read(source, [3, 4, 5], [0, 2], total=6) == wanted
        begun = {path.name for path in tmp_path.glob("begun-*")}
        assert not {f"begun-{number}" for number in samples.indices(3, 1).tolist()} & begun  # forgotten before it was begun
        assert read(source, [6, 7], range(4)) == {key: found for key, found in expected.items() if key[0] in (6, 7)}


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


def test_what_is_waited_for_when_a_process_is_killed_is_made_by_the_next(tmp_path: Path, expected: dict[Key, Any]) -> None:
    (tmp_path / "once").touch()
    with opened(Deadly(tmp_path / "once"), collate_fn=collate, num_workers=1) as source:
        samples = sampler(source)
        found = {}
        for step, virtual_rank in [key for key in expected if key[0] < 6]:
            indices = samples.indices(step, virtual_rank)
            found[step, virtual_rank] = told(source.fetch(Slice(step, virtual_rank, indices)))  # nothing was expected
        assert found == {key: expected[key] for key in found} and not (tmp_path / "once").exists()


@pytest.mark.parametrize(("number", "hint"), [(signal.SIGKILL, "out of memory"), (signal.SIGBUS, r"/dev/shm.*MiB.*shm_size")])
def test_one_that_is_killed_again_ends_the_training(number: signal.Signals, hint: str) -> None:
    with opened(Deadly(None, number), num_workers=2) as source:
        told = rf"was ended by {number.name} \(.*{hint}.* while it prepared samples \d+.*second of late"
        with pytest.raises(LoaderError, match=told):
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


def test_the_processes_end_with_the_training_process_however_that_ends(tmp_path: Path) -> None:
    program = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from loadings import *
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
    except (FileNotFoundError, ProcessLookupError):  # it may end between the opening and the reading
        return False


def test_closing_ends_the_processes() -> None:
    with opened(Drawing(), num_workers=2) as source:
        assert isinstance(source, Prefetched)
        pids = source.pids
        assert all(map(alive, pids))
    assert not any(map(alive, pids))
