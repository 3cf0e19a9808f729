"""The control link's messages, as docs/protocol.md and src/protocol define them.

Dataclasses; codec.py turns them into lines and back. test/vectors/control-link.json holds both languages to the same reading.
Times are milliseconds since the epoch; a step is the number of steps committed so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypedDict, Union

PROTOCOL_VERSION = 2
MAX_LINE_BYTES = 1 << 20
MOST = 2**40
"""Generations and steps end here, far below 2**53: whatever is added to them stays exact in all languages."""

Phase = Literal["starting", "idle", "regroup", "sync", "compute", "reduce", "checkpoint", "running", "finishing", "stopping"]

DivergedAction = Literal["repaired", "returned", "failed"]


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
    nonce: str = ""
    proof: str = ""
    """In answer to the challenge: membership_proof.py."""
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
    checks: int = 0
    """Replica checks of this process that agreed."""
    checked_step: int | None = None
    """The newest step after which the whole state was known to be the same in all workers."""
    skipped: int = 0
    """Steps of the job that were left out because a number was not finite: the same in all workers."""


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
    serialise_ms: float = 0.0
    fsync_ms: float = 0.0
    delayed_ms: float = 0.0
    code: str | None = None
    """Of the error: its errno's name, such as ENOSPC, or its type."""


class Found(TypedDict):
    """What has happened to a checkpoint that a worker has found. `set aside`: it does not verify, and is not used."""

    what: Literal["loaded", "set aside"]
    step: int


@dataclass(frozen=True)
class Note(Message):
    type: ClassVar[str] = "note"
    level: Literal["info", "warn"]
    text: str
    detail: str | None = None
    """More lines for the event, such as a stack."""
    checkpoint: Found | None = None
    """Where the sentence tells this."""


@dataclass(frozen=True)
class Failed(Message):
    type: ClassVar[str] = "failed"
    fatal: bool
    fingerprint: str
    message: str
    traceback: str
    step: int


@dataclass(frozen=True)
class Diverged(Message):
    """The replicas differ, in `tensor` first: it went apart after `from_step` and at or before `step`.

    `position` is the index of the first element that differs; `workers` are the minority, or all members where there is no
    majority. `to_step` is where all went back to, for "returned". Every member of the generation says the same.
    """

    type: ClassVar[str] = "diverged"
    generation: int
    step: int
    from_step: int
    tensor: str
    position: tuple[int, ...]
    workers: tuple[str, ...]
    action: DivergedAction
    to_step: int | None = None


@dataclass(frozen=True)
class Finishing(Message):
    """Past the last step. With a `reason` the script ended training early, and `step` is the job's total from then on."""

    type: ClassVar[str] = "finishing"
    generation: int
    step: int
    reason: str | None = None


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
class Challenge:
    """The first line of every link: a hello answers it."""

    protocol: int
    nonce: str


@dataclass(frozen=True)
class Welcome:
    protocol: int
    job: str
    heartbeat_ms: float
    proof: str
    """The master's signature."""


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
    proof: str = ""
    """The master's signature, where the hello has proven that it is a member's."""


@dataclass(frozen=True)
class Ignored:
    """A known message that is not for workers."""

    type: str


Received = Union[Challenge, Welcome, Generation, Stop, Shutdown, Refused, Ignored]

