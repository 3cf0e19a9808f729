"""Which shards there are, and how many samples each holds: told by an index beside them, remembered, or counted now."""

from __future__ import annotations

from collections.abc import Mapping

from . import index
from .depot import Depot, Shard
from .errors import Busy, DataError
from .fetch import Effort
from .inspection import Facts
from .names import choose, matches
from .places import Entry
from .say import say

TELL = 100 << 20
"""Bytes to read for counting above which it is said: it takes a while."""


def inventory(depot: Depot, pattern: str | None, patience: float) -> list[Shard]:
    """In the order that numbers them. Raises DataError, Unreachable."""
    place = depot.place
    entries = {entry.name: entry for entry in place.entries(pattern)}
    names = choose(entries, pattern, place.url)
    for name in names:
        if depot.folder(name) is None and entries[name].bytes > depot.cache.limit:
            raise DataError(
                f"the shard {place.url}/{name} has {entries[name].bytes} bytes, more than the whole cache "
                f"({depot.cache.limit}): give it more (data.cache in the job file, or cache_bytes=)"
            )
    text = place.small(index.NAME)
    if text is not None:
        where = f"{place.url}/{index.NAME}"
        facts: Mapping[str, Facts] = index.parse(text, where)
        meant = [name for name in facts if matches(name, pattern)]
        index.check(facts, {name: entries[name].bytes for name in names}, meant, where)
    else:
        facts = _counted(depot, [entries[name] for name in names], patience)
    shards = [Shard(entries[name], facts[name]) for name in names]
    _same_layout(shards, place.url)
    return shards


def _counted(depot: Depot, entries: list[Entry], patience: float) -> dict[str, Facts]:
    """Each shard is read by one worker of those that share the cache; what another is at is left for the end."""
    facts = {entry.name: known for entry in entries if (known := depot.known(entry)) is not None}
    pending = [entry for entry in entries if entry.name not in facts]
    total = sum(entry.bytes for entry in pending)
    if total > TELL:
        say(
            "info",
            f"{len(pending)} shards of {depot.place.url} ({total} bytes) are read once to count their samples; "
            f"with {index.NAME} beside them none would be",
        )
    wait = False
    while pending:
        left = []
        for entry in pending:
            try:
                facts[entry.name] = depot.learn(entry, Effort(wait=wait, force=True, patience=patience))
                wait = False
            except Busy:
                left.append(entry)
        wait, pending = len(left) == len(pending), left
    return facts


def _same_layout(shards: list[Shard], url: str) -> None:
    first = shards[0]
    for shard in shards:
        if shard.facts.layout != first.facts.layout:
            raise DataError(
                f"the shards of {url} hold samples of different kinds: {first.facts.layout} in {first.name}, "
                f"{shard.facts.layout} in {shard.name}"
            )
