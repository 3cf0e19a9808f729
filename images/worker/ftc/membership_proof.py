"""How a worker proves that it is a member of its job, and how the master proves to it that it is the master.

src/protocol/membership-proof.ts says what stands behind it and is the other half; test/vectors/membership-proof.json holds both to the
same bytes. Between two workers both ends prove that they have the workers' key, each over what both have drawn by chance.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from . import ed25519
from .checkpoint import plain
from .errors import FtcError

FILE = "key.json"
MOST = 4096
"""Bytes of that file."""

NONCE = 32
"""Bytes."""


@dataclass(frozen=True)
class Meeting:
    """What the two ends of a link know of each other. The nonces are 64 hexadecimal digits each."""

    job: str
    id: str
    challenge: str
    nonce: str

    def transcript(self, what: str) -> bytes:
        return f"ftc {what} 2\n{self.job}\nworker\n{self.id}\n{self.challenge}\n{self.nonce}\n".encode()


@dataclass(frozen=True)
class Key:
    """`own` is the workers' key, `master` the master's public one: 32 bytes each. Neither is ever shown."""

    own: bytes
    master: bytes

    def __repr__(self) -> str:
        return "Key(…)"

    def proof(self, meeting: Meeting) -> str:
        """What goes with a hello."""
        return self._mac(meeting.transcript("hello")).hex()

    def is_master(self, what: str, meeting: Meeting, proof: str) -> bool:
        """Whether the master's signature is there under its `welcome` or `refused`."""
        if not re.fullmatch("[0-9a-f]{128}", proof):
            return False
        return ed25519.verify(self.master, meeting.transcript(what), bytes.fromhex(proof))

    def name(self, of: str) -> str:
        """What something is called in a worker's store: nobody without the key finds it."""
        return f"{of}-{self._mac(f'ftc store {of}'.encode()).hex()[:32]}"

    def peer_proof(self, side: str, job: str, asked: bytes, answered: bytes) -> bytes:
        """Of one end of a connection between two workers, "client" or "server": 32 bytes. The nonces are `NONCE` bytes long."""
        return self._mac(f"ftc peer {side} 2\n{job}\n{asked.hex()}\n{answered.hex()}\n".encode())

    def _mac(self, text: bytes) -> bytes:
        return hmac.digest(self.own, text, "sha256")


def new_nonce() -> bytes:
    return secrets.token_bytes(NONCE)


def equal(a: bytes, b: bytes) -> bool:
    """Takes the same time whatever is wrong."""
    return hmac.compare_digest(a, b)


def read(folder: Path) -> Key | None:
    """The workers' key as the master has written it; None where it has not yet. Raises FtcError that names the file."""
    path = folder / FILE
    try:
        raw = plain.read(path, MOST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FtcError(f"the workers' key {path} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raw = b""
    try:
        found = json.loads(raw)
        if found["version"] == 1 and found["role"] == "worker":
            own, master = bytes.fromhex(found["key"]), bytes.fromhex(found["master"])
            if len(own) == len(master) == 32:
                return Key(own, master)
    except (ValueError, KeyError, TypeError):
        pass
    raise FtcError(f"{path} is not the key of a worker")
