"""Lines of the control link: what a worker says, `encode`d, and what the master says, `parse`d.

`parse` is the one place where the master's words are checked.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any, Literal, cast

from .errors import ProtocolError
from .messages import MAX_LINE_BYTES, MOST, Challenge, Generation, Ignored, Member, Message, Received, Refused, Shutdown, Stop, Welcome


def camel(name: str) -> str:
    """`store_port` → `storePort`."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def encode(message: Message) -> bytes:
    """One line with its newline. Raises ValueError for numbers that JSON cannot carry (NaN, infinity)."""
    body = {camel(f.name): getattr(message, f.name) for f in fields(cast(Any, message))}
    return json.dumps({"type": message.type, **body}, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def parse(line: bytes) -> Received:
    """Reads one line from the master. Raises ProtocolError that says which field is wrong."""
    try:
        value = json.loads(line)
    except ValueError as error:
        raise ProtocolError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ProtocolError("not a JSON object")
    read = _Fields(value)
    kind = read.text("type")
    if kind == "welcome":
        return Welcome(read.whole("protocol"), read.text("job", 1, 128), read.positive("heartbeatMs"), read.text("proof", 128, 128))
    if kind == "challenge":
        return Challenge(read.whole("protocol"), read.digits("nonce", 64))
    if kind == "generation":
        return _generation(read)
    if kind == "stop":
        return Stop(read.text("reason"))
    if kind == "shutdown":
        return Shutdown(read.text("reason"))
    if kind == "refused":
        return Refused(read.text("reason"), read.text("proof", 0, 128, absent=""))
    if kind in ("fence", "healthy", "state"):
        return Ignored(kind)
    raise ProtocolError(f"unknown type {kind!r}")


def _generation(read: _Fields) -> Generation:
    when = read.text("when")
    if when not in ("now", "boundary"):
        raise ProtocolError(f"when: {when!r} is neither 'now' nor 'boundary'")
    members = tuple(
        Member(item.text("id", 1, 128), item.text("host", 1), item.whole("storePort", 1, 65535))
        for item in read.objects("members")
    )
    number, store_rank = read.whole("generation", 0, MOST), read.whole("storeRank", 0)
    if members and store_rank >= len(members):
        raise ProtocolError(f"storeRank: {store_rank} is not among {len(members)} members")
    return Generation(number, cast(Literal["now", "boundary"], when), members, store_rank)


class _Fields:
    """Typed access to a JSON object's fields."""

    def __init__(self, value: dict[str, Any]) -> None:
        self._value = value

    def text(self, name: str, least: int = 0, most: int = MAX_LINE_BYTES, absent: str | None = None) -> str:
        value = self._value.get(name, absent)
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise ProtocolError(f"{name}: text is needed, not {value!r:.80}")
        return value

    def digits(self, name: str, count: int) -> str:
        """Hexadecimal ones, in lower case."""
        value = self.text(name, count, count)
        if not re.fullmatch("[0-9a-f]+", value):
            raise ProtocolError(f"{name}: hexadecimal digits are needed, not {value!r:.80}")
        return value

    def whole(self, name: str, least: int | None = None, most: int = 2**53 - 1) -> int:
        value = self._value.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value > most or value < (-most if least is None else least):
            raise ProtocolError(f"{name}: a whole number is needed, not {value!r:.80}")
        return value

    def positive(self, name: str) -> float:
        value = self._value.get(name)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value <= 2**53:
            raise ProtocolError(f"{name}: a positive number is needed, not {value!r:.80}")
        return float(value)

    def objects(self, name: str) -> list[_Fields]:
        value = self._value.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise ProtocolError(f"{name}: a list of objects is needed, not {value!r:.80}")
        return [_Fields(item) for item in value]
