from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ftc.checkpoint import publish as publishing
from ftc.digest import digest, signature
from ftc.errors import FtcError
from ftc.checkpoint.manifest import Manifest
from ftc.messages import CheckpointReport
from ftc.packing import pack
from ftc.checkpoint.publish import Draft, latest, publish
from ftc.checkpoint.restore import Expected, newest
from ftc.checkpoint.writer import Writer


def state(value: float) -> dict[str, object]:
    return {"model": {"w": torch.full((1000,), value)}, "optimizer": {"lr": value}}


SIGNATURE = signature(state(0)["model"])
EXPECTED = Expected("tiny", SIGNATURE, seed=7, batch_size=24, virtual_ranks=6)


def about(step: int, generation: int = 1) -> Manifest:
    return Manifest("tiny", step, generation, 0, step * 24, 6, 7, 24, "2.6.0", "", SIGNATURE, "", {})


def put(root: Path, step: int, generation: int = 1) -> Path:
    publish(root, Draft(pack(state(float(step))), about(step, generation)), "me")
    return root / f"step-{step:08d}"


def found(root: Path, notes: list[str] | None = None) -> int | None:
    result = newest(root, EXPECTED, (notes if notes is not None else []).append)
    if result is None:
        return None
    assert digest(result[1]) == digest(state(float(result[0].step)))
    return result[0].step


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def change(**fields: object) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        file = directory / "manifest.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))

    return damage


def test_the_newest_is_found_and_latest_points_to_it(tmp_path: Path) -> None:
    assert found(tmp_path / "never") is None
    put(tmp_path, 5)
    put(tmp_path, 10)
    assert found(tmp_path) == 10
    there = latest(tmp_path)
    assert there is not None and there.step == 10 and there.digest == digest(state(10.0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["LATEST", "step-00000005", "step-00000010"]


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda d: os.truncate(d / "state.pt", 100), "100 bytes instead of"),
    "a flipped bit": (lambda d: flip(d / "state.pt"), "SHA-256"),
    "no state": (lambda d: (d / "state.pt").unlink(), "state.pt is missing"),
    "an empty state": (lambda d: (d / "state.pt").write_bytes(b""), "0 bytes instead of"),
    "no manifest": (lambda d: (d / "manifest.json").unlink(), "manifest.json is missing"),
    "an empty manifest": (lambda d: (d / "manifest.json").write_bytes(b""), "not JSON"),
    "half a manifest": (lambda d: os.truncate(d / "manifest.json", 50), "not JSON"),
    "another job's": (change(job="other"), "belongs to the job 'other'"),
    "a future format": (change(format=2), "format 2"),
    "another step's": (change(step=11), "step 11"),
    "a digest that does not fit": (change(digest="0" * 64), "digest"),
    "a way out of the directory": (change(files={"state.pt": {"bytes": 1, "sha256": "0" * 64}, "../x": {}}), "not complete"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_one_is_set_aside_and_the_next_older_taken(tmp_path: Path, kind: str) -> None:
    damage, reason = DAMAGE[kind]
    put(tmp_path, 5)
    damage(put(tmp_path, 10))
    notes: list[str] = []
    assert found(tmp_path, notes) == 5
    assert (tmp_path / ".bad-step-00000010-1").is_dir() and not (tmp_path / "step-00000010").exists()
    assert len(notes) == 1 and reason in notes[0] and "step-00000010" in notes[0]
    put(tmp_path, 10, generation=2)
    assert found(tmp_path) == 10


def test_with_none_left_it_does_not_start_over_in_silence(tmp_path: Path) -> None:
    flip(put(tmp_path, 5) / "state.pt")
    for _ in range(2):
        with pytest.raises(FtcError, match="none of the checkpoints"):
            found(tmp_path)


@pytest.mark.parametrize(
    "field", [{"signature": "0" * 64}, {"seed": 8}, {"batchSize": 25}, {"virtualRanks": 12}], ids=str
)
def test_one_of_another_run_is_refused_and_left_alone(tmp_path: Path, field: dict[str, object]) -> None:
    change(**field)(put(tmp_path, 5))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FtcError, match="belongs to another run"):
        found(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_state_is_never_unpickled_into_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "owned"),)

    directory = put(tmp_path, 5)
    torch.save({"model": Evil()}, directory / "state.pt")
    data = (directory / "state.pt").read_bytes()
    import hashlib

    change(files={"state.pt": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}})(directory)
    with pytest.raises(FtcError):
        found(tmp_path)
    assert not (tmp_path / "owned").exists()


def test_an_older_generation_overwrites_nothing(tmp_path: Path) -> None:
    put(tmp_path, 10, generation=3)
    draft = Draft(pack(state(99.0)), about(10, generation=2))
    publish(tmp_path, draft, "late")
    assert found(tmp_path) == 10
    put(tmp_path, 5, generation=2)
    there = latest(tmp_path)
    assert there is not None and there.step == 10


def test_a_newer_generation_replaces_the_same_step(tmp_path: Path) -> None:
    put(tmp_path, 10, generation=1)
    put(tmp_path, 10, generation=2)
    there = latest(tmp_path)
    assert there is not None and there.generation == 2


def test_a_full_disk_fails_that_checkpoint_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[CheckpointReport] = []
    writer = Writer(tmp_path, "me", reports.append)
    assert writer.write(state(5.0), about(5))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "sync_file", full)
        assert not writer.write(state(10.0), about(10))
    assert reports[1].error is not None and "No space left" in reports[1].error and not reports[1].ok
    assert sorted(path.name for path in tmp_path.iterdir()) == ["LATEST", "step-00000005"]
    assert found(tmp_path) == 5
    writer.start(state(15.0), about(15))
    writer.join()
    assert found(tmp_path) == 15 and reports[2].ok and reports[2].bytes > 4000


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_write_that_torch_reports_in_its_own_words_is_told_as_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = open

    def opened(path: object, mode: str) -> object:
        return real("/dev/full" if str(path).endswith("state.pt") else str(path), mode, buffering=0)

    monkeypatch.setattr(publishing, "open", opened, raising=False)
    with pytest.raises(OSError, match="No space left"):
        put(tmp_path, 5)
    assert not list(tmp_path.iterdir())


def test_what_is_written_does_not_follow_the_model(tmp_path: Path) -> None:
    """The copy is taken at once; the optimizer may go on while it is being written."""
    live = torch.full((1_000_000,), 5.0)
    writer = Writer(tmp_path, "me", lambda _: None)
    writer.start({"model": {"w": live}}, replace(about(5), signature=signature({"w": live})))
    live.zero_()
    writer.join()
    loaded = torch.load(tmp_path / "step-00000005" / "state.pt", weights_only=True)
    assert loaded["model"]["w"].eq(5.0).all()
    shutil.rmtree(tmp_path / "step-00000005")
