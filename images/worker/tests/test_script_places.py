"""Where a script may write: its home, the copy of its folder, and what it is told when it writes elsewhere."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ftc import advice, home, workdir
from ftc.errors import FtcError
from ftc.failure import describe
from ftc.launch.verdict import judge


def test_a_home_is_made_where_there_is_none_to_write_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for unusable in ("/", "/proc", None):
        env: dict[str, str] = {} if unusable is None else {"HOME": unusable}
        home.settle(env)
        assert env == {"HOME": f"{tmp_path}/home", "XDG_CACHE_HOME": f"{tmp_path}/home/.cache", "USER": "ftc", "LOGNAME": "ftc"}
        assert os.access(env["XDG_CACHE_HOME"], os.W_OK)


def test_what_the_job_says_of_home_and_name_stays(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path / "mine"), "USER": "me", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    (tmp_path / "mine").mkdir()
    home.settle(env)
    assert env == {"HOME": str(tmp_path / "mine"), "USER": "me", "LOGNAME": "ftc", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert (tmp_path / "cache").is_dir()


def test_the_copy_keeps_what_the_script_wrote_and_takes_what_changed(tmp_path: Path) -> None:
    source, work = tmp_path / "job", tmp_path / "ckpt" / "work"
    (source / "conf").mkdir(parents=True)
    (source / ".git").mkdir()
    (source / ".git" / "x").write_text("x")
    (source / "train.py").write_text("first")
    (source / "conf" / "a.yaml").write_text("a")
    (source / "conf" / "a.yaml").chmod(0o444)
    workdir.settle(source, work)
    assert (work / "train.py").read_text() == "first" and not (work / ".git").exists()
    (work / "snapshot.pt").write_text("epoch 5")
    (work / "conf" / "a.yaml").write_text("changed by the script")
    (source / "train.py").write_text("second, longer")
    workdir.settle(source, work)
    assert (work / "train.py").read_text() == "second, longer"
    assert (work / "snapshot.pt").read_text() == "epoch 5"
    assert (work / "conf" / "a.yaml").read_text() == "changed by the script"
    (work / "train.py").unlink()
    workdir.settle(source, work)
    assert (work / "train.py").read_text() == "second, longer"


def test_workers_that_start_together_copy_once_and_see_it_whole(tmp_path: Path) -> None:
    source, work = tmp_path / "job", tmp_path / "work"
    source.mkdir()
    for n in range(30):
        (source / f"{n}.txt").write_text("x" * 10_000)
    seen: list[int] = []

    def start() -> None:
        workdir.settle(source, work)
        seen.append(sum((work / f"{n}.txt").stat().st_size for n in range(30)))

    workers = [threading.Thread(target=start) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert seen == [300_000] * 4


def test_a_folder_that_is_too_large_or_cannot_be_copied_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "data.bin").write_bytes(b"x" * 100)
    with pytest.raises(FtcError, match="cannot be copied to /proc/work"):
        workdir.settle(tmp_path / "job", Path("/proc/work"))
    monkeypatch.setattr(workdir, "LARGEST", 50)
    with pytest.raises(FtcError, match="dataset or volumes"):
        workdir.settle(tmp_path / "job", tmp_path / "work")


def raised(code: str) -> BaseException:
    try:
        exec(compile(code, "/job/train.py", "exec"), {})
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    "code, says, final",
    [
        ("import os; os.environ['FTC_NO_SUCH']", "--env FTC_NO_SUCH", True),
        ("{}['LR']", None, False),
        ("raise OSError(30, 'Read-only file system', 'snapshot.pt')", "$CHECKPOINT_DIR", True),
        ("raise RuntimeError('Parent directory . does not exist.')", "workdir: true", True),
        ("import torch; torch.save({}, '/proc/no/x.pt')", "$CHECKPOINT_DIR", False),
        ("raise PermissionError(13, 'Permission denied', '/job/x')", "runs as user", False),
        ("raise OSError(28, 'No space left on device')", "shmSize", False),
        ("raise ValueError('of the script itself')", None, False),
    ],
)
def test_an_error_that_comes_from_the_place_says_what_to_do(code: str, says: str | None, final: bool) -> None:
    error = raised(code)
    plain = describe(error, 0)
    torchrun = judge(1, f"progress 3/5\n{plain.traceback}\n", "its start", None)
    for failed in (plain, torchrun):
        assert failed.fatal == final
        if says is None:
            assert "(" not in failed.message
        else:
            assert says in failed.message
            assert failed.message.count("(") >= 1
    assert says is None or says not in plain.fingerprint


def test_the_places_are_those_of_the_job() -> None:
    assert "$OUTPUT_DIR" in advice.places({"OUTPUT_DIR": "/outputs"})
    assert "workdir" not in advice.places({"FTC_WORKDIR": "copy"})
