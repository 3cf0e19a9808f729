"""Shards in a real S3-compatible server: fetched once, cached, verified when they are opened, and never mistaken for others."""

from __future__ import annotations

import gzip
import threading
import uuid
from pathlib import Path

import pytest

from bucket_server import BUCKET, BucketServer, Proxy
from ftc.sharded import index, pool
from ftc.sharded.dataset import ShardedDataset
from ftc.sharded.depot import Shard
from ftc.sharded.errors import DataError
from ftc.sharded.fetch import Effort
from ftc.sharded.readers import Reader
from ftc.slices import Plan, Sampler
from shards import COUNTS, cached, everything, opened


def test_the_samples_are_those_of_the_folder_and_come_over_the_net_once(prefix: str, tmp_path: Path, proxy: Proxy) -> None:
    data = opened(prefix, tmp_path, proxy.url)
    assert everything(data) == list(range(140)) == everything(opened(prefix, tmp_path, proxy.url))
    gets = [line for line in proxy.requests if line.startswith("GET") and ".jsonl " in line]
    assert len(gets) == len(set(gets)) == sum(count > 0 for count in COUNTS)
    assert data.fingerprint() == ShardedDataset(tmp_path / "d", cache_dir=tmp_path / "other").fingerprint()


def test_with_an_index_nothing_is_fetched_before_it_is_needed(
    prefix: str, tmp_path: Path, bucket: BucketServer, proxy: Proxy
) -> None:
    index.write(tmp_path / "d")
    bucket.put(f"{prefix}/{index.NAME}", (tmp_path / "d" / index.NAME).read_bytes())
    data = opened(prefix, tmp_path, proxy.url)
    assert len(data) == 140 and cached(tmp_path) == []
    assert data[45] == 45 and len(cached(tmp_path)) == 1


def test_a_pattern_reaches_into_folders(prefix: str, tmp_path: Path, bucket: BucketServer) -> None:
    data = opened(prefix, tmp_path, bucket.url, pattern="deeper/*.jsonl", transform=None)
    assert everything(data) == [1] and data.locate(0) == ("deeper/other.jsonl", 0)


def test_packed_shards_are_unpacked_into_the_cache(tmp_path: Path, bucket: BucketServer) -> None:
    name = uuid.uuid4().hex
    bucket.put(f"{name}/a.jsonl.gz", gzip.compress(b"".join(b'{"n": %d}\n' % n for n in range(50))))
    assert everything(opened(name, tmp_path, bucket.url)) == list(range(50))
    bucket.put(f"{name}/a.jsonl.gz", gzip.compress(b"1\n2\n")[:-4])
    with pytest.raises(DataError, match="cannot be unpacked: it ends too early"):
        opened(name, tmp_path, bucket.url)
    bucket.put(f"{name}/a.jsonl.gz", b"plain text")
    with pytest.raises(DataError, match="a.jsonl.gz cannot be unpacked"):
        opened(name, tmp_path, bucket.url)


def test_the_cache_holds_its_limit_and_an_epoch_still_reads_all(prefix: str, tmp_path: Path, bucket: BucketServer) -> None:
    largest = max(path.stat().st_size for path in (tmp_path / "d").iterdir())
    data = opened(prefix, tmp_path, bucket.url, cache_bytes=2 * largest, window=1, prefetch=1)
    plan = Plan(len(data), 7, 1, seed=1)
    sampler = Sampler(plan, data.reading(plan))
    read: list[int] = []
    for step in range(2 * plan.steps_per_epoch):
        indices = sampler.indices(step, 0)
        (samples,) = data.fetch(indices)
        assert samples.tolist() == indices.tolist()
        read += samples.tolist()
        assert data._depot.cache.bytes() <= 2 * largest
    assert sorted(read) == sorted([*range(140), *range(140)])


def test_a_limit_below_what_is_in_use_is_outgrown_and_said(
    prefix: str, tmp_path: Path, bucket: BucketServer, capsys: pytest.CaptureFixture[str]
) -> None:
    largest = max(path.stat().st_size for path in (tmp_path / "d").iterdir())
    data = opened(prefix, tmp_path, bucket.url, cache_bytes=largest, window=4)
    plan = Plan(len(data), 140, 1, seed=1)
    indices = Sampler(plan, data.reading(plan)).indices(0, 0)
    assert data.fetch(indices)[0].tolist() == indices.tolist()
    assert capsys.readouterr().err.count("outgrows its limit") == 1
    with pytest.raises(DataError, match="more than the whole cache"):
        opened(prefix, tmp_path, bucket.url, cache_bytes=largest - 1)


@pytest.mark.parametrize("how", ["flipped", "cut", "empty"])
def test_a_cached_copy_that_rots_is_fetched_again(
    prefix: str, tmp_path: Path, bucket: BucketServer, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert everything(opened(prefix, tmp_path, bucket.url)) == list(range(140))
    for path in cached(tmp_path):
        data = bytearray(path.read_bytes())
        if how == "flipped" and data:
            data[len(data) // 2] ^= 1
        path.write_bytes(data if how == "flipped" else data[: len(data) // 2 if how == "cut" else 0])
    assert everything(opened(prefix, tmp_path, bucket.url)) == list(range(140))
    assert "damaged, and is fetched again" in capsys.readouterr().err


def test_an_object_that_was_replaced_is_never_read_in_place_of_the_old(
    prefix: str, tmp_path: Path, bucket: BucketServer
) -> None:
    index.write(tmp_path / "d")
    bucket.put(f"{prefix}/{index.NAME}", (tmp_path / "d" / index.NAME).read_bytes())
    data = opened(prefix, tmp_path, bucket.url)
    assert data[0] == 0
    text = (tmp_path / "d" / "s0003.jsonl").read_bytes()
    for shard in ("s0000", "s0003"):
        bucket.put(f"{prefix}/{shard}.jsonl", text.replace(b'"l": 4', b'"l": 5'))
    assert data[1] == 1  # still the copy of the old one
    with pytest.raises(DataError, match="s0003.jsonl cannot be read: it was replaced since training began"):
        data[80]
    bucket.delete(f"{prefix}/s0002.jsonl")
    with pytest.raises(DataError, match="s0002.jsonl cannot be read: it is not there"):
        data[45]
    for shard in ("s0000", "s0003"):
        bucket.put(f"{prefix}/{shard}.jsonl", (tmp_path / "d" / f"{shard}.jsonl").read_bytes())
    with pytest.raises(DataError, match="s0002.jsonl is in .*, but not there"):
        opened(prefix, tmp_path, bucket.url)


def test_an_object_that_is_not_what_the_index_says_is_an_error(prefix: str, tmp_path: Path, bucket: BucketServer) -> None:
    index.write(tmp_path / "d")
    bucket.put(f"{prefix}/{index.NAME}", (tmp_path / "d" / index.NAME).read_bytes())
    text = (tmp_path / "d" / "s0003.jsonl").read_bytes()
    bucket.put(f"{prefix}/s0003.jsonl", text.replace(b'"l": 4', b'"l": 5'))
    with pytest.raises(DataError, match=r"s0003.jsonl has \d+ bytes with the SHA-256 .* were expected"):
        opened(prefix, tmp_path, bucket.url)[80]
    assert cached(tmp_path) == []


def test_an_index_that_counted_wrong_is_an_error(prefix: str, tmp_path: Path, bucket: BucketServer) -> None:
    index.write(tmp_path / "d")
    text = (tmp_path / "d" / index.NAME).read_bytes()
    bucket.put(f"{prefix}/{index.NAME}", text.replace(b'"samples": 50', b'"samples": 49'))
    with pytest.raises(DataError, match="s0003.jsonl has changed since it was counted: samples 50, not 49"):
        opened(prefix, tmp_path, bucket.url)[80]


def test_the_shards_of_the_coming_steps_come_behind_the_training(prefix: str, tmp_path: Path, bucket: BucketServer) -> None:
    data = opened(prefix, tmp_path, bucket.url, prefetch=2, window=1)
    for path in cached(tmp_path):
        path.unlink()
    arrived = threading.Semaphore(0)
    real = data._depot.open

    def watched(shard: Shard, effort: Effort) -> Reader:
        reader = real(shard, effort)
        assert effort == pool.AHEAD and threading.current_thread().name == "ftc-prefetch"
        arrived.release()
        return reader

    data._depot.open = watched  # type: ignore[method-assign]
    plan = Plan(len(data), 10, 1, seed=1)
    sampler = Sampler(plan, data.reading(plan))
    indices = sampler.indices(0, 0)
    for _ in range(3):  # the one in use and two ahead
        assert arrived.acquire(timeout=60)
    assert len(cached(tmp_path)) == 3
    assert data.fetch(indices)[0].tolist() == indices.tolist()


