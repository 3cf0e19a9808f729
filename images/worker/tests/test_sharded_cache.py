"""The cache on the disk: what goes and what stays, who waits for whom, and what a killed process leaves."""

from __future__ import annotations

import multiprocessing
import os
import random
from pathlib import Path

import pytest

from ftc.sharded import locks
from ftc.sharded.cache import Cache
from ftc.sharded.errors import Busy, DataError, NoRoom


def put(cache: Cache, key: str, data: bytes, *, force: bool = False) -> int:
    """As `fetch` does: in use, by what is returned, before it has its name."""
    with cache.lock(key, wait=True):
        part = cache.reserve(key, len(data), force=force)
        part.write_bytes(data)
        fd = os.open(part, os.O_RDONLY)
        locks.shared(fd)
        cache.keep(key, part)
        return fd


def add(cache: Cache, key: str, data: bytes) -> None:
    os.close(put(cache, key, data))


def there(cache: Cache, *keys: str) -> list[str]:
    found = []
    for key in keys:
        fd = cache.open(key)
        if fd is not None:
            os.close(fd)
            found.append(key)
    return found


def names(cache: Cache) -> list[str]:
    return sorted(path.name for path in (cache.folder / "shards").iterdir())


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 30)
    for key in "abc":
        add(cache, key, bytes(10))
    assert there(cache, "a") == ["a"]
    add(cache, "d", bytes(10))
    assert names(cache) == ["a", "c", "d"]
    add(cache, "e", bytes(20))
    assert names(cache) == ["d", "e"]


def test_what_is_in_use_stays_and_there_may_be_no_room(tmp_path: Path) -> None:
    cache, other = Cache(tmp_path, 30), Cache(tmp_path, 30)
    for key in "abc":
        add(cache, key, bytes(10))
    used = [fd for key in "ac" if (fd := other.open(key)) is not None]
    add(cache, "d", bytes(10))
    assert names(cache) == ["a", "c", "d"]
    with pytest.raises(NoRoom), cache.lock("e", wait=True):
        cache.reserve("e", 20, force=False)
    used.append(put(cache, "e", bytes(20), force=True))
    assert names(cache) == ["a", "c", "e"] and cache.bytes() == 40
    for fd in used:
        os.close(fd)
    add(cache, "f", bytes(1))
    assert names(cache) == ["e", "f"]


def test_what_is_on_its_way_counts_from_the_beginning(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 30)
    add(cache, "a", bytes(10))
    with cache.lock("b", wait=True):
        part = cache.reserve("b", 15, force=False)
        with cache.lock("c", wait=True), pytest.raises(NoRoom):
            cache.reserve("c", 16, force=False)
        assert names(cache) == ["b.part"] and cache.bytes() == 15
        cache.discard(part)


def die_half(folder: Path) -> None:
    cache = Cache(folder, 30)
    with cache.lock("a", wait=True):
        cache.reserve("a", 25, force=False).write_bytes(bytes(25))
        os._exit(0)


def test_what_a_dead_process_left_half_is_rubbish(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 30)
    child = multiprocessing.get_context("forkserver").Process(target=die_half, args=(tmp_path,))
    child.start()
    child.join()
    assert names(cache) == ["a.part"] and there(cache, "a") == []
    add(cache, "b", bytes(10))
    assert names(cache) == ["b"]


def test_one_fetches_and_the_others_are_told(tmp_path: Path) -> None:
    cache, other = Cache(tmp_path, 30), Cache(tmp_path, 30)
    with cache.lock("a", wait=True):
        with pytest.raises(Busy), other.lock("a", wait=False):
            pass
        with other.lock("b", wait=False):
            pass
    with other.lock("a", wait=False):
        pass


def test_a_shard_is_dropped_only_while_it_is_the_one_that_was_seen(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 30)
    add(cache, "a", b"bad")
    fd = cache.open("a")
    assert fd is not None
    add(cache, "a", b"good")
    cache.drop("a", fd)
    assert there(cache, "a") == ["a"]
    os.close(fd)


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="the cache .*file/x cannot be used by user"):
        Cache(tmp_path / "file" / "x", 10)


def test_the_limit_holds_whenever_something_comes_unless_all_is_in_use(tmp_path: Path) -> None:
    for seed in range(30):
        dice = random.Random(seed)
        cache = Cache(tmp_path / str(seed), 100)
        using: dict[str, tuple[int, int]] = {}
        for _ in range(60):
            key = str(dice.randrange(12))
            size = 5 + 3 * int(key)
            fd = cache.open(key)
            if fd is None:
                force = dice.random() < 0.3
                in_use = sum(used for _, used in using.values())
                try:
                    fd = put(cache, key, bytes(size), force=force)
                except NoRoom:
                    assert not force and in_use + size > 100
                    continue
                assert cache.bytes() <= max(100, in_use + size)
            assert os.fstat(fd).st_size == size and set(using) <= set(names(cache))
            if key in using or dice.random() < 0.5:
                os.close(fd)
            else:
                using[key] = fd, size
            if using and dice.random() < 0.4:
                os.close(using.pop(dice.choice(sorted(using)))[0])
        for fd, _ in using.values():
            os.close(fd)
