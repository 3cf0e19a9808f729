"""What is published is found; what does not verify is not loaded, and is not lost either."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

import pytest
import torch

from checkpoints import DAMAGE, EXPECTED, change, flip, found, names, put, snapshot, state
from ftc.checkpoint import restore
from ftc.checkpoint.manifest import RULES, Position
from ftc.checkpoint.publish import latest
from ftc.checkpoint.restore import Expected, newest, newest_known
from ftc.digest import digest
from ftc.errors import FtcError


def test_the_newest_is_found_and_latest_points_to_it(tmp_path: Path) -> None:
    assert found(tmp_path / "never") is None
    put(tmp_path, 5)
    put(tmp_path, 10)
    assert found(tmp_path) == 10
    there = latest(tmp_path)
    assert there is not None and there.step == 10 and there.digest == digest(state(10.0))
    assert names(tmp_path) == ["LATEST", "step-00000005", "step-00000010"]


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


def test_what_was_put_in_a_damaged_ones_place_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, 5)
    (put(tmp_path, 10) / "state.pt").write_bytes(b"rot")
    read = restore._read

    def slowly(directory: Path, expected: restore.Expected) -> object:
        try:
            return read(directory, expected)
        finally:
            if directory.name.endswith("10"):  # another worker was quicker: it has set this aside, and come so far itself
                os.rename(directory, tmp_path / ".bad-step-00000010-1")
                put(tmp_path, 10, generation=2)

    monkeypatch.setattr(restore, "_read", slowly)
    notes: list[str] = []
    assert found(tmp_path, notes) == 5
    monkeypatch.undo()
    assert (found(tmp_path), notes) == (10, [])


def test_a_link_is_no_file_of_a_checkpoint(tmp_path: Path) -> None:
    put(tmp_path, 5)
    for name in ("manifest.json", "state.pt"):
        path = put(tmp_path, 10) / name
        path.rename(tmp_path / name)
        path.symlink_to(tmp_path / name)
        notes: list[str] = []
        assert found(tmp_path, notes) == 5
        assert len(notes) == 1 and "cannot be read" in notes[0]


@pytest.mark.parametrize("kind", DAMAGE)
def test_of_the_newest_two_both_are_set_aside(tmp_path: Path, kind: str) -> None:
    damage, reason = DAMAGE[kind]
    put(tmp_path, 5)
    for step in (10, 11, 12):
        put(tmp_path, step)
    shutil.rmtree(tmp_path / "step-00000011")  # "another step's" says 11, and that is not why it is set aside
    for step in (10, 12):
        damage(tmp_path / f"step-{step:08d}")
    notes: list[str] = []
    assert found(tmp_path, notes) == 5
    assert [re.findall(r"step-0*(\d+) ", note) for note in notes] == [["12"], ["10"]]
    assert all(reason in note for note in notes)
    assert {name for name in names(tmp_path) if name.startswith(".bad")} == {".bad-step-00000010-1", ".bad-step-00000012-1"}


@pytest.mark.parametrize("kind", DAMAGE)
def test_where_all_are_damaged_each_is_named_and_nothing_is_changed(tmp_path: Path, kind: str) -> None:
    damage, reason = DAMAGE[kind]
    for step in (5, 10):
        damage(put(tmp_path, step))
    before = snapshot(tmp_path)
    for _ in range(2):
        with pytest.raises(FtcError, match="none of the checkpoints") as raised:
            found(tmp_path)
        assert str(raised.value).count(reason) == 2
        assert "step-00000005" in str(raised.value) and "step-00000010" in str(raised.value)
    assert snapshot(tmp_path) == before


def test_while_a_state_is_held_only_newer_ones_are_looked_at(tmp_path: Path) -> None:
    flip(put(tmp_path, 5) / "state.pt")
    put(tmp_path, 10)
    flip(put(tmp_path, 15) / "state.pt")
    notes: list[str] = []
    assert found(tmp_path, notes, above=10) is None
    assert len(notes) == 1 and (tmp_path / "step-00000005").exists()
    assert found(tmp_path, notes, above=9) == 10


def test_none_but_those_set_aside_does_not_start_over_in_silence(tmp_path: Path) -> None:
    put(tmp_path, 5)
    flip(put(tmp_path, 10) / "state.pt")
    assert found(tmp_path) == 5
    shutil.rmtree(tmp_path / "step-00000005")
    with pytest.raises(FtcError, match=r"none of the checkpoints .* \.bad-step-00000010-1"):
        found(tmp_path)


@pytest.mark.parametrize("damage", ["", "nowhere\n", "../step-00000005\n", "step-00000005\n", "\xff\0", None], ids=repr)
def test_what_latest_says_does_not_matter(tmp_path: Path, damage: str | None) -> None:
    put(tmp_path, 5)
    put(tmp_path, 10)
    (tmp_path / "LATEST").unlink()
    if damage is not None:
        (tmp_path / "LATEST").write_text(damage, encoding="latin-1")
    assert found(tmp_path) == 10
    there = newest_known(tmp_path, "tiny")
    assert there is not None and there.step == 10
    put(tmp_path, 15)
    assert (tmp_path / "LATEST").read_text() == "step-00000015\n"


@pytest.mark.parametrize("field", [{"seed": 8}, {"batchSize": 25}, {"virtualRanks": 12}], ids=str)
def test_one_of_another_run_is_refused_and_left_alone(tmp_path: Path, field: dict[str, object]) -> None:
    change(**field)(put(tmp_path, 5))
    flip(put(tmp_path, 10) / "state.pt")
    before = snapshot(tmp_path)
    with pytest.raises(FtcError, match="belongs to another run"):
        found(tmp_path)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(("rules", "who"), [(None, "an earlier"), (1, "an earlier"), (RULES + 1, "a later")])
def test_one_whose_bits_follow_other_rules_is_refused_and_left_alone(tmp_path: Path, rules: int | None, who: str) -> None:
    """To go on from it would end with bits that neither version gives."""
    change(rules=rules)(put(tmp_path, 5))
    before = snapshot(tmp_path)
    with pytest.raises(FtcError, match=f"{who} version of ftc.*another order.*another name"):
        found(tmp_path)
    assert snapshot(tmp_path) == before


def test_data_that_does_not_go_on_where_the_checkpoint_says_is_refused(tmp_path: Path) -> None:
    change(data={"shard": "a.jsonl", "line": 3})(put(tmp_path, 5))
    flip(put(tmp_path, 10) / "state.pt")
    before = snapshot(tmp_path)
    with pytest.raises(FtcError, match="3 of a.jsonl"):
        found(tmp_path)
    assert snapshot(tmp_path) == before
    expected = Expected("tiny", EXPECTED.signature, 7, 24, 6, lambda step: Position("a.jsonl", 3))
    result = newest(tmp_path, expected, lambda text, aside=None, /: None)
    assert result is not None and result[0].data == Position("a.jsonl", 3)


def reseal(directory: Path, data: bytes) -> None:
    """A manifest that verifies these bytes as the state."""
    (directory / "state.pt").write_bytes(data)
    change(files={"state.pt": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}})(directory)


def test_a_state_is_never_unpickled_into_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "owned"),)

    directory = put(tmp_path, 5)
    torch.save({"model": Evil()}, directory / "state.pt")
    reseal(directory, (directory / "state.pt").read_bytes())
    with pytest.raises(FtcError, match="state.pt cannot be loaded"):
        found(tmp_path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("content", [b"", b"no state", b"PK\3\4"], ids=repr)
def test_what_verifies_and_is_no_state_is_set_aside(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, 5)
    reseal(put(tmp_path, 10), content)
    assert found(tmp_path) == 5


@pytest.mark.parametrize("content", [[1, 2], {"model": torch.ones(1)}, {"optimizer": {}}], ids=["list", "tensor", "half"])
def test_what_torch_reads_and_is_no_state_is_set_aside(tmp_path: Path, content: object) -> None:
    put(tmp_path, 5)
    directory = put(tmp_path, 10)
    torch.save(content, directory / "state.pt")
    reseal(directory, (directory / "state.pt").read_bytes())
    notes: list[str] = []
    assert found(tmp_path, notes) == 5
    assert "holds no state" in notes[0]


def test_what_was_verified_is_what_is_loaded(tmp_path: Path) -> None:
    """A file that changes after it was read changes nothing of what was loaded."""
    directory = put(tmp_path, 5)
    result = newest(tmp_path, EXPECTED, lambda text, aside=None, /: None)
    assert result is not None
    with open(directory / "state.pt", "r+b") as file:
        file.write(b"\xff" * 4000)
    assert digest(result[1]) == digest(state(5.0))


def test_a_file_can_be_read_by_torch_alone(tmp_path: Path) -> None:
    loaded = torch.load(put(tmp_path, 5) / "state.pt", weights_only=True)
    assert digest(loaded) == digest(state(5.0))
