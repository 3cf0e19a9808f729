"""The control link's messages, as docs/protocol.md and src/protocol/messages.ts define them.

What a worker sends are dataclasses that `encode` turns into a line; what it receives goes through `parse`, the one
place where the master's words are checked. test/vectors/control-link.json holds both languages to the same reading.
Times are milliseconds since the epoch; a step is the number of steps committed so far.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, Union, cast

from .errors import ProtocolError

PROTOCOL_VERSION = 1
MAX_LINE_BYTES = 1 << 20

Phase = Literal["starting", "idle", "regroup", "sync", "compute", "reduce", "checkpoint", "running", "finishing", "stopping"]


class Message:
    """Something a worker says. Fields are named as on the wire, in snake case."""

    type: ClassVar[str]


@dataclass(frozen=True)
class Hello(Message):
    type: ClassVar[str] = "hello"
    job: str
    id: str
    incarnation: str
    started_at: float
    host: str
    store_port: int
    step: int
    holds_state: bool
    ready: bool
    generation: int | None
    total_steps: int | None
    role: str = "worker"
    protocol: int = PROTOCOL_VERSION


@dataclass(frozen=True)
class Ready(Message):
    type: ClassVar[str] = "ready"
    step: int
    holds_state: bool
    total_steps: int | None


@dataclass(frozen=True)
class Heartbeat(Message):
    type: ClassVar[str] = "heartbeat"
    generation: int | None
    step: int
    phase: Phase
    loss: float | None
    samples: int
    epoch: int
    at: float
    phase_ms: float = 0.0
    compute_ms: float | None = None
    slices: int = 0
    wait_ms: float | None = None


@dataclass(frozen=True)
class Committed(Message):
    type: ClassVar[str] = "committed"
    generation: int
    step: int
    from_step: int
    at: float


@dataclass(frozen=True)
class BrokenReport(Message):
    type: ClassVar[str] = "broken"
    generation: int
    reason: str


@dataclass(frozen=True)
class CheckpointReport(Message):
    type: ClassVar[str] = "checkpoint"
    step: int
    generation: int
    ok: bool
    bytes: int
    stall_ms: float
    write_ms: float
    error: str | None


@dataclass(frozen=True)
class Note(Message):
    type: ClassVar[str] = "note"
    level: Literal["info", "warn"]
    text: str


@dataclass(frozen=True)
class Failed(Message):
    type: ClassVar[str] = "failed"
    fatal: bool
    fingerprint: str
    message: str
    traceback: str
    step: int


@dataclass(frozen=True)
class Finishing(Message):
    type: ClassVar[str] = "finishing"
    generation: int
    step: int


@dataclass(frozen=True)
class Done(Message):
    type: ClassVar[str] = "done"
    step: int
    digest: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Script(Message):
    """Of a launcher: the script runs, or has ended with 0, in this generation."""

    type: ClassVar[str] = "script"
    generation: int
    state: Literal["started", "ended"]
    at: float


@dataclass(frozen=True)
class Leaving(Message):
    type: ClassVar[str] = "leaving"
    step: int
    checkpointed: bool


@dataclass(frozen=True)
class Welcome:
    protocol: int
    job: str
    heartbeat_ms: float


@dataclass(frozen=True)
class Member:
    id: str
    host: str
    store_port: int


@dataclass(frozen=True)
class Generation:
    """A membership: `members` in order of rank; all meet at the store of `members[store_rank]`."""

    generation: int
    when: Literal["now", "boundary"]
    members: tuple[Member, ...]
    store_rank: int

    def rank_of(self, worker: str) -> int | None:
        return next((rank for rank, member in enumerate(self.members) if member.id == worker), None)


@dataclass(frozen=True)
class Stop:
    reason: str


@dataclass(frozen=True)
class Shutdown:
    reason: str


@dataclass(frozen=True)
class Refused:
    reason: str


@dataclass(frozen=True)
class Ignored:
    """A known message that is not for workers."""

    type: str


Received = Union[Welcome, Generation, Stop, Shutdown, Refused, Ignored]


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
        return Welcome(read.whole("protocol"), read.text("job", 1, 128), read.positive("heartbeatMs"))
    if kind == "generation":
        return _generation(read)
    if kind == "stop":
        return Stop(read.text("reason"))
    if kind == "shutdown":
        return Shutdown(read.text("reason"))
    if kind == "refused":
        return Refused(read.text("reason"))
    if kind in ("fence", "state"):
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
    number, store_rank = read.whole("generation", 0), read.whole("storeRank", 0)
    if members and store_rank >= len(members):
        raise ProtocolError(f"storeRank: {store_rank} is not among {len(members)} members")
    return Generation(number, cast(Literal["now", "boundary"], when), members, store_rank)


class _Fields:
    """Typed access to a JSON object's fields."""

    def __init__(self, value: dict[str, Any]) -> None:
        self._value = value

    def text(self, name: str, least: int = 0, most: int = MAX_LINE_BYTES) -> str:
        value = self._value.get(name)
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise ProtocolError(f"{name}: text is needed, not {value!r:.80}")
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
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < float("inf"):
            raise ProtocolError(f"{name}: a positive number is needed, not {value!r:.80}")
        return float(value)

    def objects(self, name: str) -> list[_Fields]:
        value = self._value.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise ProtocolError(f"{name}: a list of objects is needed, not {value!r:.80}")
        return [_Fields(item) for item in value]
