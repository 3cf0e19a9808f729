"""Buckets that answer late, half, wrongly or not at all, and processes that die while they fetch."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import uuid
from pathlib import Path

import pytest

from bucket_server import BUCKET, BucketServer, Proxy
from ftc.sharded import patience
from ftc.sharded.answers import hopeless
from ftc.sharded.bucket import Bucket, split
from ftc.sharded.dataset import ShardedDataset
from ftc.sharded.errors import DataError, Unreachable
from ftc.sharded.patience import Patience
from shards import cached, everything, opened


def test_broken_connections_go_on_where_they_broke(
    prefix: str, tmp_path: Path, bucket: BucketServer, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST", 0.001)
    name = uuid.uuid4().hex
    text = "".join(f"{json.dumps({'n': n, 'pad': 'x' * 90})}\n" for n in range(3000)).encode()
    bucket.put(f"{name}/a.jsonl", text)
    proxy.cut = [0, 90, 700, 90_000, 90_000, 5]
    assert everything(opened(name, tmp_path, proxy.url)) == list(range(3000))
    assert proxy.cut == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"url": "s3://nothing-like-it/p"}, "there is no such bucket"),
        ({"prefix": "nowhere"}, "there is nothing"),
        ({"login": ""}, "no credentials: .*anonymous=True"),
        ({"endpoint": "not a url"}, "the S3 endpoint 'not a url' cannot be used"),
    ],
)
def test_what_no_try_will_mend_is_told_at_once(
    prefix: str, tmp_path: Path, bucket: BucketServer, change: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "login" in change:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    url = change.get("url", f"s3://{BUCKET}/{change.get('prefix', prefix)}")
    with pytest.raises(DataError, match=reason):
        ShardedDataset(url, endpoint=change.get("endpoint", bucket.url), cache_dir=tmp_path / "cache")


def test_a_login_with_a_line_break_is_told_of_and_not_shown(
    prefix: str, tmp_path: Path, bucket: BucketServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "CANARY-hunter2\n")
            with pytest.raises(DataError, match="a credential has a line break") as raised:
                opened(prefix, tmp_path, bucket.url)
            assert "CANARY" not in str(raised.value) + capsys.readouterr().err


def test_an_error_is_told_without_the_login(bucket: BucketServer, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "CANARY/hunter2")
    there = Bucket(f"s3://{BUCKET}/{prefix}", endpoint=bucket.url, region=None, anonymous=False, patience=0.1)
    told = there._reason(OSError("no header b'CANARY/hunter2', Signature=0123abcd, done"), "it")
    assert told == "no header b'***', Signature=***, done"


def test_a_public_bucket_needs_no_login(prefix: str, tmp_path: Path, bucket: BucketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"was refused \(403\)"):
        opened(prefix, tmp_path, bucket.url, anonymous=True)
    for path in (tmp_path / "d").iterdir():
        bucket.client.put_object_acl(Bucket=BUCKET, Key=f"{prefix}/{path.name}", ACL="public-read")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert len(opened(prefix, tmp_path, bucket.url, anonymous=True)) == 140


def test_a_bucket_that_is_away_is_waited_for_aloud_and_then_given_up(
    prefix: str, tmp_path: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(patience, "FIRST", 0.001)
    monkeypatch.setattr(patience, "TELL_AFTER", 0.0)
    data = opened(prefix, tmp_path, proxy.url, patience=0.3)
    for path in cached(tmp_path):
        path.unlink()
    proxy.down = True
    with pytest.raises(Unreachable, match="could not be read for 0 s: Connection was closed"):
        data[0]
    assert f"waiting for s3://{BUCKET}/{prefix}/s0000.jsonl, for at most 0 s more" in capsys.readouterr().err
    proxy.down = False
    assert data[0] == 0


def test_addresses() -> None:
    assert split("s3://b-1.x/a/b/") == ("b-1.x", "a/b") and split("s3://bucket") == ("bucket", "")
    for wrong in ("s3://", "s3:///a", "s3://B u/a", "s3://a"):
        with pytest.raises(DataError, match="no address of shards"):
            split(wrong)


def answer(status: int, code: str) -> Exception:
    error = Exception(code)
    vars(error)["response"] = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return error


@pytest.mark.parametrize(
    ("status", "code", "final"),
    [
        (403, "AccessDenied", "it was refused (AccessDenied)"),
        (403, "InvalidAccessKeyId", "it was refused (InvalidAccessKeyId)"),
        (301, "PermanentRedirect", "it was refused (PermanentRedirect)"),
        (412, "PreconditionFailed", "it was replaced since training began"),
        (503, "SlowDown", None),
        (500, "InternalError", None),
        (400, "RequestTimeout", None),
        (429, "TooManyRequests", None),
    ],
)
def test_answers_that_are_final(status: int, code: str, final: str | None) -> None:
    assert hopeless(answer(status, code)) == final
    assert hopeless(OSError("reset")) is None


def test_patience_grows_its_pauses_tells_seldom_and_starts_anew_with_progress() -> None:
    now = [0.0]
    slept: list[float] = []
    told: list[str] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    patient = Patience("it", 1000.0, lambda: now[0], sleep, told.append)
    for _ in range(30):
        patient.failed("no")
    assert all(pause <= patience.MOST for pause in slept) and slept[0] <= patience.FIRST < slept[4]
    assert told[0].startswith("waiting for it, for at most 99") and 2 <= len(told) <= 1 + now[0] // patience.TELL_EVERY
    with pytest.raises(Unreachable, match="it could not be read for 10[0-9][0-9] s: no"):
        for _ in range(1000):
            patient.failed("no")
    patient.progressed()
    assert "answers again" in told[-1]
    patient.failed("no")
    assert slept[-1] <= patience.FIRST


def fetch_one(url: str, endpoint: str, folder: str, env: dict[str, str]) -> None:
    os.environ.update(env)  # the server that this was forked from has an older one
    data = ShardedDataset(url, endpoint=endpoint, cache_dir=folder, prefetch=0)
    os._exit(0 if data[0] == "x" * 200_000 else 3)


def test_one_process_fetches_while_the_others_wait_and_its_death_leaves_nothing(
    tmp_path: Path, bucket: BucketServer, proxy: Proxy
) -> None:
    name = uuid.uuid4().hex
    bucket.put(f"{name}/a.jsonl", json.dumps("x" * 200_000).encode())
    where = (f"s3://{BUCKET}/{name}", proxy.url, str(tmp_path / "cache"), dict(os.environ))
    workers = [multiprocessing.get_context("forkserver").Process(target=fetch_one, args=where) for _ in range(4)]
    proxy.hold = 100_000
    workers[0].start()
    assert proxy.held.wait(60)
    assert [(path.suffix, path.stat().st_size) for path in cached(tmp_path)] == [(".part", 200_002)]
    proxy.hold = None
    for worker in workers[1:]:
        worker.start()
    while sum("list-type" in line for line in proxy.requests) < len(workers):
        workers[1].join(0.01)
    workers[0].kill()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [-signal.SIGKILL, 0, 0, 0]
    assert sum("a.jsonl HTTP" in line for line in proxy.requests) == 2
    assert [path.suffix for path in cached(tmp_path)] == [""]
