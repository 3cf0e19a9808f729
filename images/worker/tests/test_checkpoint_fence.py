"""A worker whose generation is over publishes nothing over newer state: with real processes, one frozen on its way."""

from __future__ import annotations

import fcntl
import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from checkpoints import Live, draft, found, names, put, snapshot, state, telling
from ftc.checkpoint import fence, publish as publishing, writer as writing
from ftc.checkpoint.fence import Fenced, hold
from ftc.checkpoint.manifest import Manifest
from ftc.checkpoint.publish import Terms, latest, publish
from ftc.checkpoint.writer import Writer
from ftc.messages import CheckpointReport

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # the writer's thread idles
REFUSED, FAILED = 3, 1


class Frozen:
    """A forked process that stops itself (SIGSTOP) where `act` calls what it is given; this waits for that."""

    def __init__(self, act: Callable[[Callable[[], None]], object]) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            code = FAILED
            try:
                act(lambda: os.kill(os.getpid(), signal.SIGSTOP))
                code = 0
            except Fenced:
                code = REFUSED
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def go_on(self) -> int:
        """Returns its exit code."""
        os.kill(self.pid, signal.SIGCONT)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def frozen_before_publishing(root: Path, step: int, generation: int) -> Frozen:
    return Frozen(lambda stop: publish(root, draft(step, generation), "old", Terms(confirm=stop)))


def frozen_with_the_lock(root: Path, step: int, generation: int) -> Frozen:
    """All is compared, nothing renamed."""

    def act(stop: Callable[[], None]) -> None:
        kin = publishing._kin

        def slowly(one: Manifest, other: Manifest) -> bool:
            stop()
            return kin(one, other)

        publishing._kin = slowly
        publish(root, draft(step, generation), "old")

    return Frozen(act)


@pytest.mark.parametrize("step", [5, 10, 15], ids=["an older step", "the same step", "a newer step"])
def test_one_frozen_while_writing_finds_itself_refused(tmp_path: Path, step: int) -> None:
    put(tmp_path, 1)
    old = frozen_before_publishing(tmp_path, step, generation=1)
    put(tmp_path, 10, generation=2)
    before = snapshot(tmp_path)
    assert old.go_on() == REFUSED
    after = snapshot(tmp_path)
    assert after == {path: content for path, content in before.items() if not path.startswith(".tmp")}
    assert found(tmp_path) == 10


def test_a_newer_generation_refuses_it_before_it_has_published_itself(tmp_path: Path) -> None:
    put(tmp_path, 5, generation=1)
    old = frozen_before_publishing(tmp_path, 10, generation=1)
    writer = Writer(tmp_path, "new", lambda report: None)
    writer.lead(2)
    claimed = -1
    while claimed < 2:
        with hold(tmp_path) as lock:
            claimed = lock.generation
    assert old.go_on() == REFUSED
    assert names(tmp_path) == ["LATEST", "step-00000005"]


def test_a_draft_of_an_earlier_generation_is_published_by_a_member_of_this_one(tmp_path: Path) -> None:
    with hold(tmp_path) as lock:
        lock.claim(2)
    reports: list[CheckpointReport] = []
    writer = Writer(tmp_path, "me", reports.append)
    writer.generation = 2
    assert writer.write(Live(state(5.0)), telling(5, generation=1))
    assert found(tmp_path) == 5 and reports[0].generation == 1


def test_a_refused_one_is_reported_in_a_plain_sentence(tmp_path: Path) -> None:
    put(tmp_path, 10, generation=4)
    reports: list[CheckpointReport] = []
    writer = Writer(tmp_path, "late", reports.append)
    assert not writer.write(Live(state(15.0)), telling(15, generation=3))
    assert writer.fenced and reports[0].ok is False
    assert reports[0].error == (
        "the checkpoint of step 15 was not published: generation 4 has taken over, and this worker is still in generation 3"
    )
    assert names(tmp_path) == ["LATEST", "step-00000010"]


def test_what_a_frozen_one_holds_is_waited_for_and_then_given_up_until_it_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, 10, generation=1)
    old = frozen_with_the_lock(tmp_path, 10, generation=2)
    reports: list[CheckpointReport] = []
    writer = Writer(tmp_path, "new", reports.append)
    before = found(tmp_path)
    monkeypatch.setattr(writing, "PATIENCE", 0.0)
    assert not writer.write(Live(state(15.0)), telling(15, generation=3))
    assert reports[0].error is not None and "another worker has held" in reports[0].error and ".lock" in reports[0].error
    assert found(tmp_path) == before == 10
    old.kill()
    assert writer.write(Live(state(15.0)), telling(15, generation=3))
    assert found(tmp_path) == 15
    assert names(tmp_path) == ["LATEST", "step-00000010", "step-00000015"]


def test_one_that_goes_on_with_the_lock_publishes_before_the_newer(tmp_path: Path) -> None:
    put(tmp_path, 10, generation=1)
    old = frozen_with_the_lock(tmp_path, 10, generation=2)
    ready, told = os.pipe()
    newer = os.fork()
    if newer == 0:
        try:
            os.write(told, b".")
            put(tmp_path, 15, generation=3)
            os._exit(0)
        finally:
            os._exit(FAILED)
    assert os.read(ready, 1) == b"."
    assert old.go_on() == 0
    assert os.waitstatus_to_exitcode(os.waitpid(newer, 0)[1]) == 0
    assert found(tmp_path) == 15
    there = latest(tmp_path)
    assert there is not None and (there.step, there.generation) == (15, 3)


def test_a_living_writers_directory_is_never_removed(tmp_path: Path) -> None:
    old = frozen_before_publishing(tmp_path, 5, generation=1)
    dead = frozen_before_publishing(tmp_path, 5, generation=1)
    dead.kill()
    assert len(names(tmp_path)) == 2
    put(tmp_path, 1, generation=1)
    living, *published = names(tmp_path)
    assert living.startswith(".tmp-step-00000005-old-") and published == ["LATEST", "step-00000001"]
    assert old.go_on() == 0
    assert found(tmp_path) == 5 and names(tmp_path) == ["LATEST", "step-00000001", "step-00000005"]


def test_a_lock_whose_file_was_removed_is_no_lock(tmp_path: Path) -> None:
    with hold(tmp_path):
        (tmp_path / fence.NAME).unlink()
        with hold(tmp_path, 0.0) as lock:
            assert lock.generation == -1


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\0" * 40])
def test_a_lock_that_says_nothing_refuses_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / fence.NAME).write_bytes(content)
    put(tmp_path, 5, generation=1)
    assert found(tmp_path) == 5
    with hold(tmp_path) as lock:
        assert lock.generation == 1


def test_without_locks_in_the_file_system_a_checkpoint_is_published_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(fd: int, how: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unknown)
    (tmp_path / ".tmp-step-00000001-living-00000000").mkdir()
    put(tmp_path, 5)
    assert names(tmp_path) == [".tmp-step-00000001-living-00000000", "LATEST", "step-00000005"]
