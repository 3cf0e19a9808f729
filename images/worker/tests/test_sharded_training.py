"""Whole workers on shards: no sample of an epoch is trained on twice or never, whatever happens to whom; and resuming on other
data is refused."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from bucket_server import BUCKET, BucketServer, Proxy
from cluster import Cluster
from ftc.sharded import index
from shards import jsonl

SCRIPT = Path(__file__).parents[3] / "test" / "engine" / "jobs" / "shards.py"
SHARDS = (60, 0, 85, 40, 100, 55, 1, 90, 69)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return jsonl(tmp_path_factory.mktemp("data") / "d", *SHARDS)


def cluster(tmp: Path, source: str, *options: str, **env: str) -> Cluster:
    settings = {"FTC_DATA_CACHE": str(tmp / "cache"), "FTC_SCRIPT": str(SCRIPT), "CHECKPOINT_EVERY": "4", **env}
    return Cluster(tmp, "tiny.py", source, *options, **settings)


def ended(running: Cluster, *names: str) -> str:
    """The one digest, after a look at what was counted."""
    digests = running.digests(*names)
    (done,) = [m for w, m, _ in running.master.messages if w == names[0] and m["type"] == "done"]
    assert done["metrics"] == {"once": 1.0, "twice": 0.0, "samples": float(sum(SHARDS))}
    (digest,) = digests
    return digest


@pytest.fixture(scope="module")
def alone(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of a run with one worker that nothing happens to."""
    with cluster(tmp_path_factory.mktemp("alone"), str(folder)) as running:
        running.begin("a")
        return ended(running, "a")


def manifests(tmp: Path) -> dict[int, Any]:
    found = [json.loads(path.read_text()) for path in (tmp / "tiny").glob("step-*/manifest.json")]
    return {manifest["step"]: manifest["data"] for manifest in found}


@pytest.mark.parametrize("names", ["ab", "abc", "abcdef"])
def test_any_number_of_workers_reads_every_sample_once(tmp_path: Path, folder: Path, alone: str, names: str) -> None:
    with cluster(tmp_path, str(folder)) as running:
        running.begin(*names)
        assert ended(running, *names) == alone


def test_kills_joins_and_resuming_read_every_sample_once(tmp_path: Path, folder: Path, alone: str) -> None:
    with cluster(tmp_path, str(folder), "hold=13") as running:
        running.begin("a", "b")
        running.master.wait_step(3)
        running.start("c")
        running.master.wait_ready("c")
        running.master.form(["a", "b", "c"], "boundary")
        running.master.wait_step(13)
        running.master.wait(lambda _, m: m["type"] == "checkpoint" and m["ok"])
        running.kill("a")
        running.master.form(["b", "c"])
        running.kill("b", "c")
        there = manifests(tmp_path)
        assert max(there) >= 4 and all(there.values())
        (tmp_path / "go").touch()
        since = len(running.master.messages)
        running.begin("d", "e", "f")
        first = running.master.wait(lambda _, m: m["type"] == "committed", 3, since=since)
        assert {m["fromStep"] for m in first} == {max(there)}
        running.kill("e")
        running.master.form(["d", "f"])
        assert ended(running, "d", "f") == alone


def test_shards_in_a_bucket_give_the_same_bits_through_a_small_cache_and_a_bad_line(
    tmp_path: Path, folder: Path, alone: str, bucket: BucketServer, proxy: Proxy
) -> None:
    for path in folder.iterdir():
        bucket.put(f"training/{path.name}", path.read_bytes())
    largest = max(path.stat().st_size for path in folder.iterdir())
    proxy.cut = [5000] * 6
    limit = {"FTC_DATA_CACHE_BYTES": str(3 * largest), "FTC_DATA_ENDPOINT": proxy.url}
    with cluster(tmp_path, f"s3://{BUCKET}/training", "hold=9", **limit) as running:
        running.begin("a", "b", "c")
        running.master.wait_step(9)
        running.kill("b")
        (tmp_path / "go").touch()
        running.master.form(["a", "c"])
        assert ended(running, "a", "c") == alone
        gets = [line for line in proxy.requests if ".jsonl" in line]
        assert len(gets) > 2 * len([count for count in SHARDS if count])  # the cache held less than the data


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("added", r"training goes on at sample \d+ of s\d+.jsonl, and by the data as it is now at sample \d+ of s\d+.jsonl"),
        ("removed", r"shards were added, removed or renamed"),
        ("window", r"window= or shuffle= is another"),
        ("unsharded", r"a place in data without shards"),
        ("edited", r"\(fingerprint: \w+ then, \w+ now\)"),
        ("renamed", r"\(fingerprint: \w+ then, \w+ now\)"),
    ],
)
def test_a_job_goes_on_only_with_the_data_that_it_began_with(tmp_path: Path, change: str, reason: str) -> None:
    data = jsonl(tmp_path / "d", *SHARDS)
    with cluster(tmp_path, str(data), "hold=9") as running:
        running.begin("a")
        running.master.wait(lambda _, m: m["type"] == "checkpoint" and m["ok"])
        running.kill("a")
    if change == "added":
        jsonl(data, 3, start=99)
    elif change == "removed":
        (data / "s0008.jsonl").unlink()
    elif change == "renamed":
        (data / "s0008.jsonl").rename(data / "s0009.jsonl")
    elif change == "edited":
        text = (data / "s0008.jsonl").read_text()
        (data / "s0008.jsonl").write_text(text.replace('"l": 3,', '"l": 4,'))
    before = sorted((tmp_path / "tiny").rglob("*"))
    options = {"window": ["window=2"], "unsharded": ["memory=yes"]}.get(change, [])
    with cluster(tmp_path, str(data), *options) as running:
        running.begin("b")
        (failed,) = running.master.wait(lambda _, m: m["type"] == "failed")
        assert failed["fatal"] and "is not what this job was trained on so far" in failed["message"], failed
        assert re.search(reason, failed["message"]) and "docs/data.md" in failed["message"]
    assert sorted((tmp_path / "tiny").rglob("*")) == before


def test_a_shard_that_changes_during_training_stops_the_job(tmp_path: Path) -> None:
    data = jsonl(tmp_path / "d", *SHARDS)
    with cluster(tmp_path, str(data), "hold=5") as running:
        running.begin("a", "b")
        running.master.wait_step(5)
        for path in data.iterdir():
            path.write_text(path.read_text().replace('"l": 0,', '"l": 1,'))
        (tmp_path / "go").touch()
        failed = running.master.wait(lambda _, m: m["type"] == "failed")
        assert failed[0]["fatal"] and re.search("has changed since it was counted|changed while it was read", failed[0]["message"]), failed


def test_a_worker_that_waits_for_a_bucket_says_so_and_goes_on_living(
    tmp_path: Path, folder: Path, bucket: BucketServer, proxy: Proxy
) -> None:
    for path in folder.iterdir():
        bucket.put(f"waiting/{path.name}", path.read_bytes())
    index.write(folder)
    bucket.put(f"waiting/{index.NAME}", (folder / index.NAME).read_bytes())
    (folder / index.NAME).unlink()
    with cluster(tmp_path, f"s3://{BUCKET}/waiting", FTC_DATA_ENDPOINT=proxy.url) as running:
        running.start("a")
        running.master.wait_ready("a")
        proxy.down = True
        running.master.form(["a"])
        (note,) = running.master.wait(lambda _, m: m["type"] == "note" and "waiting for s3://" in m["text"])
        assert note["level"] == "warn"
        since = len(running.master.messages)
        running.master.wait(lambda _, m: m["type"] == "heartbeat" and m["phase"] == "compute", 3, since=since)
        proxy.down = False
        running.master.wait(lambda _, m: m["type"] == "note" and "answers again" in m["text"])
        running.signal("a", signal.SIGKILL)
