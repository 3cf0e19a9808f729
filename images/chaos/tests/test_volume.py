"""A checkpoint that is damaged and put back, and a volume that is full and is not, in a folder of the test's own."""

import json
from pathlib import Path
from typing import Any

import pytest
from ftc_chaos import damage, fill, storm, volume
from ftc_chaos.act import Absent, Cannot
from ftc_chaos.damage import Damage
from ftc_chaos.fill import Fill
from ftc_chaos.storm import Storm

STATE = bytes(range(256)) * 4


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (volume, damage, fill, storm):
        if hasattr(module, "VOLUME"):
            monkeypatch.setattr(module, "VOLUME", tmp_path)
    for step in (50, 100):
        checkpoint = tmp_path / "job" / f"step-{step:08}"
        checkpoint.mkdir(parents=True)
        (checkpoint / "state.pt").write_bytes(STATE)
        (checkpoint / "manifest.json").write_text("{}")
    return tmp_path / "job"


def spec(**more: Any) -> dict[str, Any]:
    usual = {"id": "ab12cd-1", "job": "job", "how": "flip", "step": None, "part": None, "seed": 7, "keep": True}
    return {**usual, **more}


def tree(job: Path) -> dict[str, bytes]:
    return {str(f.relative_to(job)): f.read_bytes() for f in sorted(job.rglob("*")) if f.is_file()}


@pytest.mark.parametrize("how", ["truncate", "flip", "delete"])
@pytest.mark.parametrize("again", [False, True])
def test_a_checkpoint_is_damaged_and_put_back(job: Path, how: str, again: bool) -> None:
    before = tree(job)
    act = Damage(spec(how=how))
    seen = act.look()
    assert seen == {"checkpoint": "step-00000100", "file": "state.pt", "bytes": len(STATE)}
    act.apply(seen)
    file = job / "step-00000100" / "state.pt"
    if how == "delete":
        assert not file.exists()
    else:
        now = file.read_bytes()
        assert (len(now) < len(STATE)) == (how == "truncate")
        changed = sum((a ^ b).bit_count() for a, b in zip(now, STATE, strict=False))
        assert changed == (1 if how == "flip" else 0)
    # Again: by another process, that knows what the journal says.
    (Damage({**spec(how=how), **seen}) if again else act).revert()
    assert tree(job) == before
    assert sorted(p.name for p in job.iterdir()) == ["step-00000050", "step-00000100"]
    act.revert()
    assert tree(job) == before


def test_what_is_not_to_be_put_back_leaves_nothing_beside_the_damage(job: Path) -> None:
    act = Damage(spec(keep=False, how="truncate", step="50", part="manifest.json"))
    act.apply(act.look())
    assert (job / "step-00000050" / "manifest.json").read_text() == "{"
    assert sorted(p.name for p in job.iterdir()) == ["step-00000050", "step-00000100"]


def test_a_checkpoint_that_was_set_aside_meanwhile_is_left_as_it_is(job: Path) -> None:
    act = Damage(spec())
    act.apply(act.look())
    (job / "step-00000100").rename(job / ".bad-step-00000100-1")
    act.revert()
    assert sorted(p.name for p in job.iterdir()) == [".bad-step-00000100-1", "step-00000050"]


def test_what_is_not_there_is_named(job: Path) -> None:
    with pytest.raises(Absent, match="no checkpoint of step 7; there are 50, 100"):
        Damage(spec(step="7")).look()
    with pytest.raises(Absent, match="no file x; it has manifest.json, state.pt"):
        Damage(spec(part="x")).look()
    with pytest.raises(Absent, match="no checkpoint yet"):
        Damage(spec(job="other")).look()


def test_a_volume_is_not_filled_beyond_what_was_allowed(job: Path) -> None:
    act = Fill({"id": "ab12cd-1", "job": "job"})
    seen = act.look()
    assert seen["total"] >= seen["free"] > 0
    with pytest.raises(Cannot, match="more may not be taken"):
        act.apply({"most": 1 << 21})
    assert (job / ".chaos-ab12cd-1").stat().st_size == 1 << 21
    act.revert()
    act.revert()
    assert not list(job.glob(".chaos*"))


def test_a_busy_disk_is_busy_with_one_file_and_ends_with_it(job: Path) -> None:
    act = Storm({"id": "ab12cd-1", "job": "job", "writers": 2, "bytes": 1 << 21})
    act.look()
    act.apply({})
    assert len(act.children) == 2
    act.revert()
    assert not list(job.glob(".chaos*"))
    assert act.children == []
    json.dumps(act.look())


PATHS = ["../rootonly", "/etc", "..", ".", "a/b", "a\0b", "", "x" * 300, "a\nb"]


@pytest.mark.parametrize("key", ["job", "id", "checkpoint", "file"])
@pytest.mark.parametrize("path", PATHS)
def test_what_is_a_path_and_not_a_name_is_refused_and_nothing_moves(job: Path, key: str, path: str) -> None:
    outside = job.parent / "rootonly"
    outside.mkdir()
    (job / ".chaos-ab12cd-1").mkdir()
    (job / ".chaos-ab12cd-1" / "proof").write_text("x")
    told = {**spec(), "checkpoint": "step-00000100", "file": "proof", key: path}
    before = tree(job.parent)
    # As a name that begins with ".chaos-" these two are harmless, and nothing is called so.
    if key == "id" and path in (".", ".."):
        told["id"] = f"x/{path}"
    for act in (Damage, Fill, Storm) if key in ("job", "id") else (Damage,):
        with pytest.raises((Cannot, Absent)):
            act({**told, "writers": 1, "bytes": 1}).revert()
    assert tree(job.parent) == before


@pytest.mark.parametrize("which", ["job", "aside", "checkpoint", "file"])
def test_links_lead_nowhere(job: Path, which: str) -> None:
    other = job.parent / "other"
    (other / "step-00000100").mkdir(parents=True)
    (other / "step-00000100" / "state.pt").write_text("theirs")
    (other / "state.pt").write_text("planted")
    linked = {
        "job": job.parent / "linked",
        "aside": job / ".chaos-ab12cd-1",
        "checkpoint": job / "step-00000300",
        "file": job / "step-00000100" / "extra.pt",
    }[which]
    linked.symlink_to({"job": other, "aside": other, "checkpoint": other / "step-00000100", "file": other / "state.pt"}[which])
    wanted = {"job": {"job": "linked"}, "aside": {}, "checkpoint": {"step": "300"}, "file": {"part": "extra.pt"}}
    told = spec(**wanted[which])
    before = tree(job.parent)
    act = Damage(told)
    with pytest.raises((Absent, FileExistsError)):
        act.apply(act.look())
    Damage({**told, "checkpoint": "step-00000300" if which == "checkpoint" else "step-00000100", "file": "state.pt"}).revert()
    assert tree(job.parent) == before


def test_a_link_in_the_place_of_our_file_is_not_written_through(job: Path) -> None:
    victim = job.parent / "victim"
    victim.write_text("whole")
    (job / ".chaos-ab12cd-1").symlink_to(victim)
    place = {"id": "ab12cd-1", "job": "job"}
    for act, go in ((Fill(place), {"most": 1 << 21}), (Storm({**place, "writers": 1, "bytes": 1}), {})):
        with pytest.raises(FileExistsError):
            act.apply(go)
    assert victim.read_text() == "whole"
