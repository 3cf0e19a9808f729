"""What can be wrong with shards, by whether trying again can help."""

from __future__ import annotations

from ..errors import FtcError


class DataError(FtcError):
    """A shard is not what it was, or holds what is no sample. Stops the job: other samples would give another result."""


class Unreachable(Exception):
    """The bucket did not answer for longer than the patience. The worker ends with this and is started again."""


class Busy(Exception):
    """Somebody else is fetching this shard now."""


class NoRoom(Exception):
    """The cache is full of shards that are in use."""
