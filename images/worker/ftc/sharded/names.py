"""Which files are shards: by their names alone."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from .errors import DataError

JSON_LINES, PACKED_LINES, ARRAY, ARRAYS = ".jsonl", ".jsonl.gz", ".npy", ".npz"
KINDS = (JSON_LINES, PACKED_LINES, ARRAY, ARRAYS)
FAMILIES = {JSON_LINES: "JSON lines", PACKED_LINES: "JSON lines", ARRAY: "arrays", ARRAYS: "named arrays"}
"""What may stand side by side in one data set."""


def kind_of(name: str) -> str | None:
    """The ending that says how a shard is read; None for what is no shard."""
    for kind in (PACKED_LINES, JSON_LINES, ARRAY, ARRAYS):
        if name.endswith(kind):
            return kind
    return None


def depth(pattern: str | None) -> int:
    """How many folders deep the pattern looks: 0 is the folder itself."""
    return 0 if pattern is None else pattern.count("/")


def matches(name: str, pattern: str | None) -> bool:
    """Part by part, as a shell does: `*` crosses no slash, and nothing hidden is meant."""
    parts, wanted = name.split("/"), ("*" if pattern is None else pattern).split("/")
    return (
        len(parts) == len(wanted)
        and not any(part.startswith(".") for part in parts)
        and all(fnmatchcase(part, want) for part, want in zip(parts, wanted))
    )


def choose(names: Iterable[str], pattern: str | None, where: str) -> list[str]:
    """The shards among `names` in the order that numbers them: sorted by code point. Raises DataError that says what is there.

    Without a pattern, whatever is of a known kind; with one, whatever it matches.
    """
    found = sorted(name for name in names if matches(name, pattern) and (pattern is not None or kind_of(name)))
    if not found:
        there = sorted(name for name in names if not name.startswith("."))
        listed = f"there is {', '.join(there[:5])}{' …' if len(there) > 5 else ''}" if there else "there is nothing"
        wanted = f"like {pattern}" if pattern is not None else f"({', '.join(KINDS)})"
        raise DataError(f"no shards {wanted} in {where}: {listed}")
    for name in found:
        if kind_of(name) is None:
            raise DataError(f"{name} in {where} cannot be read as a shard: {', '.join(KINDS)} can")
        if not _utf8(name):
            raise DataError(f"the name {name!r} in {where} is not UTF-8: rename it")
    families = {FAMILIES[kind]: name for name in reversed(found) if (kind := kind_of(name))}
    if len(families) > 1:
        listed = " and ".join(f"{family} ({name})" for family, name in sorted(families.items()))
        raise DataError(f"{where} holds {listed}: say with pattern=… which are meant")
    return found


def _utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
