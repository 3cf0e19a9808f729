"""Where shards come from and are kept: what the script says, else the job file, else what is right for a few."""

from __future__ import annotations

from pathlib import Path

import pytest

from ftc.errors import UsageError
from ftc.sharded.settings import settings, size

JOB = {
    "FTC_DATA_CACHE": "/cache",
    "FTC_DATA_CACHE_BYTES": "2g",
    "FTC_DATA_ENDPOINT": "http://s3:9000",
    "FTC_DATA_REGION": "eu-west-1",
}


def test_the_script_wins_over_the_job_file() -> None:
    said = settings(env=JOB)
    assert (said.cache_dir, said.cache_bytes, said.shared) == (Path("/cache"), 2 << 30, True)
    assert (said.endpoint, said.region) == ("http://s3:9000", "eu-west-1")
    said = settings("/mine", 5, "https://other", "us-west-2", env=JOB)
    assert (said.cache_dir, said.cache_bytes, said.endpoint, said.region) == (Path("/mine"), 5, "https://other", "us-west-2")


def test_a_job_that_says_nothing_keeps_little_things_to_itself() -> None:
    said = settings(env={})
    assert (said.cache_bytes, said.shared, said.endpoint, said.region) == (10 << 30, False, None, None)


@pytest.mark.parametrize(("text", "number"), [(7, 7), ("7", 7), ("512m", 512 << 20), ("2G", 2 << 30), ("3kb", 3 << 10)])
def test_amounts(text: int | str, number: int) -> None:
    assert size(text) == number


@pytest.mark.parametrize("text", ["", "0", "-1", "2x", "much", "1.5g"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(UsageError, match="is no amount"):
        size(text)


def test_a_login_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="credentials come from the environment") as raised:
        settings(endpoint="http://me:hunter2@s3:9000", env={})
    assert "hunter2" not in str(raised.value)
