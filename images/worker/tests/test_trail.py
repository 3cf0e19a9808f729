"""What a worker remembers of committed steps beside the checkpoints, and what it makes of a file that is not as it left it."""

from __future__ import annotations

import json
import math
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest

from ftc.config import Config, from_env
from ftc.errors import UsageError
from ftc.step_result import StepResult
from ftc.trail import KEPT, MOST_BYTES, NAME, Trail


@pytest.fixture
def config(tmp_path: Path) -> Config:
    script = tmp_path / "script" / "train.py"
    script.parent.mkdir()
    script.write_text("one")
    return from_env({"JOB_ID": "j", "FTC_SCRIPT": str(script), "FTC_STEPS": "9", "CHECKPOINT_DIR": str(tmp_path / "volume")})


def written(config: Config, *steps: tuple[int, float, float | None]) -> Trail:
    trail = made(config)
    for step, loss, norm in steps:
        trail.reduced(step, StepResult(loss, norm), leads=True)
    trail.flush()
    return trail


def made(config: Config, *facts: str, compares_all: bool = True) -> Trail:
    trail = Trail(config, lambda: compares_all)
    trail.of(facts)
    return trail


def resumed(config: Config, *facts: str, at: int = 0, compares_all: bool = True) -> Trail:
    trail = made(config, *facts, compares_all=compares_all)
    trail.resumed(at)
    return trail


def test_a_step_that_comes_out_the_same_is_no_reason(config: Config) -> None:
    written(config, (1, 0.5, 2.0), (2, math.nan, math.inf), (3, -0.0, None))
    again = resumed(config)
    for step, loss, norm in [(1, 0.5, 2.0), (2, math.nan, math.inf), (3, -0.0, 7.0), (4, 1.0, 1.0)]:
        again.reduced(step, StepResult(loss, norm), leads=False)


@pytest.mark.parametrize(("loss", "norm"), [(0.5000000000000001, 2.0), (0.5, 2.0000000000000004), (-0.5, None)])
def test_every_bit_counts(config: Config, loss: float, norm: float | None) -> None:
    written(config, (1, 0.5, 2.0))
    with pytest.raises(UsageError, match="step 1 has loss .* before all workers were lost"):
        resumed(config).reduced(1, StepResult(loss, norm), leads=False)
    assert StepResult(0.0).differs(StepResult(-0.0)) and StepResult(1.0, total=1).differs(StepResult(1.0, total=2))
    assert not StepResult(1.0, total=1).differs(StepResult(1.0, 2.0))


def test_the_last_line_of_a_step_counts_and_who_was_not_alone_compares_nothing(config: Config) -> None:
    written(config, (1, 0.5, None)).reduced(1, StepResult(0.25, 2.0), leads=True)
    written(config, (1, 0.25, 2.0))
    resumed(config).reduced(1, StepResult(0.25, 2.0), leads=False)
    made(config).reduced(1, StepResult(9.0, 9.0), leads=False)


def test_the_sum_that_was_noted_first_stays_with_the_norm_that_came_later(config: Config) -> None:
    trail = made(config)
    trail.reduced(1, StepResult(0.5, total=7), leads=True)
    trail.flush()
    trail.reduced(1, StepResult(0.5, 2.0), leads=True)
    trail.flush()
    with pytest.raises(UsageError, match="with other gradients"):
        resumed(config).reduced(1, StepResult(0.5, 2.0, total=8), leads=False)


def test_another_script_is_compared_with_nothing(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    written(config, (1, 0.5, 2.0))
    resumed(replace(config, args=("--lr", "1"))).reduced(1, StepResult(0.25, 1.0), leads=False)
    resumed(config, "another plan").reduced(1, StepResult(0.25, 1.0), leads=False)
    resumed(replace(config, on_non_finite="skip")).reduced(1, StepResult(0.25, 1.0), leads=False)
    monkeypatch.setenv("LEARNING_RATE", "0.1")
    resumed(config).reduced(1, StepResult(0.25, 1.0), leads=False)
    monkeypatch.delenv("LEARNING_RATE")
    beside = config.script.parent / "model.py"
    beside.write_text("a module that the script imports later")
    module = types.ModuleType("model")
    module.__file__ = str(beside)
    monkeypatch.setitem(sys.modules, "model", module)
    with pytest.raises(UsageError):
        resumed(config).reduced(1, StepResult(0.25, 1.0), leads=False)
    config.script.write_text("two")
    resumed(config).reduced(1, StepResult(0.25, 1.0), leads=False)


def test_what_was_computed_from_a_wrong_state_is_forgotten(config: Config) -> None:
    trail = written(config, (1, 0.5, 2.0), (2, 0.25, 2.0))
    trail.forget(leads=True)
    trail.reduced(2, StepResult(0.125, 2.0), leads=True)
    trail.flush()
    again = resumed(config)
    again.reduced(1, StepResult(9.0, 9.0), leads=False)
    with pytest.raises(UsageError):
        again.reduced(2, StepResult(0.25, 2.0), leads=False)


def test_a_file_of_settings_beside_the_script_belongs_to_it(config: Config) -> None:
    settings = config.script.parent / "config.yaml"
    settings.write_text("lr: 1")
    written(config, (1, 0.5, 2.0))
    with pytest.raises(UsageError):
        resumed(config).reduced(1, StepResult(0.25, 1.0), leads=False)
    settings.write_text("lr: 2")
    resumed(config).reduced(1, StepResult(0.25, 1.0), leads=False)


def test_no_argument_and_no_variable_stands_in_the_file(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "canary-1")
    written(replace(config, args=("--token=canary-2",)), (1, 0.5, 2.0))
    assert b"canary" not in (config.checkpoint_dir / NAME).read_bytes()


def test_where_parts_of_the_state_are_compared_in_turn_only_the_first_step_after_a_checkpoint_is_known_to_be_right(config: Config) -> None:
    written(config, (5, 0.5, 2.0), (6, 0.25, 2.0))
    again = resumed(config, at=4, compares_all=False)
    again.reduced(6, StepResult(9.0, 9.0), leads=False)
    with pytest.raises(UsageError):
        again.reduced(5, StepResult(9.0, 9.0), leads=False)


def test_the_first_step_after_a_return_to_a_checkpoint_is_known_to_be_right(config: Config) -> None:
    trail = written(config, (5, 0.5, 2.0), (6, 0.25, 2.0))
    trail.forget(leads=True)
    trail.after_return(4)
    with pytest.raises(UsageError):
        trail.reduced(5, StepResult(9.0, 9.0), leads=True)
    trail.forget(leads=True)
    trail.after_return(4)
    trail.reduced(5, StepResult(9.0, 9.0), leads=True)  # it is marked in the file
    trail.forget(leads=True)
    trail.after_return(0)
    trail.reduced(1, StepResult(9.0, 9.0), leads=True)


@pytest.mark.parametrize("harm", [b'{"step": 1, "lo', b"\xff\xfe\n", b"[" * 100_000 + b"\n", b'{"step":1,"loss":"0x1p99999","norm":null}\n', b'{"of":7}', b"7\n"])
def test_a_file_that_was_cut_short_or_written_by_others_stops_nothing(config: Config, harm: bytes) -> None:
    written(config, (1, 0.5, 2.0))
    with open(config.checkpoint_dir / NAME, "ab") as file:
        file.write(harm)
    written(config, (2, 0.25, 2.0))
    again = resumed(config)
    with pytest.raises(UsageError):
        again.reduced(2, StepResult(1.0, 2.0), leads=False)


def test_a_place_that_takes_nothing_stops_nothing(config: Config) -> None:
    (config.checkpoint_dir / NAME).mkdir(parents=True)
    written(config, (1, 0.5, 2.0))
    resumed(config).reduced(1, StepResult(0.25, 2.0), leads=True)


def test_the_file_is_cut_to_its_newest_steps(config: Config) -> None:
    trail = made(config)
    step = 0
    for _ in range(6):
        for _ in range(4000):
            step += 1
            trail.reduced(step, StepResult(1.0 / step, 2.0), leads=True)
        trail.flush()
    path = config.checkpoint_dir / NAME
    assert path.stat().st_size < MOST_BYTES
    kept = [json.loads(line)["step"] for line in path.read_text().splitlines() if '"step"' in line]
    assert kept == list(range(step - len(kept) + 1, step + 1)) and len(kept) >= KEPT
    with pytest.raises(UsageError):
        resumed(config).reduced(step, StepResult(1.0, 2.0), leads=False)
