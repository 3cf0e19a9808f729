from __future__ import annotations

from pathlib import Path

import pytest

from ftc.config import from_env
from ftc.errors import ConfigError, FtcError
from ftc.failure import LIMIT, describe

GOOD = {"FTC_SCRIPT": "/job/train.py", "FTC_STEPS": "10"}


def raised(code: str, path: str) -> BaseException:
    try:
        exec(compile(code, path, "exec"), {})
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def test_equal_errors_have_equal_fingerprints_and_others_have_not() -> None:
    code = "import torch\ndef f():\n    torch.ones(2) @ torch.ones(3)\nf()"
    first, again = (describe(raised(code, "/job/train.py"), 3) for _ in range(2))
    assert first.fingerprint == again.fingerprint == "RuntimeError /job/train.py:3"
    assert describe(raised("x = 1\n" + code, "/job/train.py"), 3).fingerprint != first.fingerprint
    assert not first.fatal and first.step == 3


def test_a_syntax_error_is_fatal_and_names_its_line() -> None:
    failed = describe(raised("x = 1\nx = = 2", "/job/train.py"), 0)
    assert failed.fatal and failed.fingerprint == "SyntaxError /job/train.py:2"


def test_a_traceback_is_cut_from_the_front() -> None:
    failed = describe(raised(f"raise ValueError('x' * {LIMIT * 2} + 'the end')", "/job/train.py"), 0)
    assert len(failed.traceback.encode()) <= LIMIT and failed.traceback.rstrip().endswith("the end")


def test_our_own_refusals_are_fatal_and_plain() -> None:
    failed = describe(FtcError("belongs to another run"), 0)
    assert failed.fatal and failed.message == "belongs to another run"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"FTC_SCRIPT": "train.py"}, "FTC_SCRIPT='train.py'"),
        ({"FTC_STEPS": "0"}, "FTC_STEPS='0'"),
        ({"FTC_STEPS": ""}, "exactly one"),
        ({"FTC_EPOCHS": "2"}, "exactly one"),
        ({"FTC_SEED": "-1"}, "FTC_SEED"),
        ({"FTC_MASTER": "master"}, "FTC_MASTER"),
        ({"FTC_ARGS": "[1]"}, "FTC_ARGS"),
        ({"FTC_BACKEND": "mpi"}, "FTC_BACKEND"),
        ({"FTC_LAUNCHER": "auto"}, "FTC_LAUNCHER='auto'"),
        ({"FTC_ON_DIVERGENCE": "ignore"}, "FTC_ON_DIVERGENCE='ignore': repair or fail"),
        ({"FTC_ON_NON_FINITE": "pray"}, "FTC_ON_NON_FINITE='pray': fail, skip or report"),
        ({"JOB_ID": "../other"}, "JOB_ID"),
        ({"HEARTBEAT_TIMEOUT": "soon"}, "HEARTBEAT_TIMEOUT"),
    ],
)
def test_a_wrong_environment_is_named(change: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        from_env({**GOOD, **change})


def test_the_environment_is_read() -> None:
    config = from_env({**GOOD, "FTC_ARGS": '["--lr", "0.1"]', "JOB_ID": "a", "CHECKPOINT_DIR": "/c"})
    assert config.args == ("--lr", "0.1") and config.checkpoint_dir == Path("/c/a") and config.steps == 10


def test_what_is_done_about_replicas_and_numbers_is_read() -> None:
    config = from_env(GOOD)
    assert (config.on_divergence, config.on_non_finite) == ("repair", "fail")
    config = from_env({**GOOD, "FTC_ON_DIVERGENCE": "fail", "FTC_ON_NON_FINITE": "skip"})
    assert (config.on_divergence, config.on_non_finite) == ("fail", "skip")
