"""A TCP stream cut into lines."""

from __future__ import annotations

from .errors import ProtocolError
from .messages import MAX_LINE_BYTES


class LineBuffer:
    """Collects received bytes. Raises ProtocolError for a line over the limit."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their newlines; empty lines are dropped."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if max(map(len, [*lines, self._rest])) > MAX_LINE_BYTES:
            raise ProtocolError(f"a line is longer than {MAX_LINE_BYTES} bytes")
        return [line for line in lines if line.strip()]
