"""The keys of a job for tests: the workers' in a file, and the master's with which the fake one signs."""

from __future__ import annotations

import hashlib
import json
import secrets
from pathlib import Path

from ftc import ed25519
from ftc.membership_proof import FILE, Key, Meeting


class MasterKey:
    """`folder` then holds what a worker reads."""

    def __init__(self, folder: Path, seed: bytes | None = None, own: bytes | None = None) -> None:
        hashed = hashlib.sha512(seed or secrets.token_bytes(32)).digest()
        number = int.from_bytes(hashed[:32], "little")
        self._scalar = (number & ((1 << 254) - 8)) | (1 << 254)
        self._prefix = hashed[32:]
        self.public = _encoded(ed25519._times(self._scalar, ed25519.BASE))
        self.own = own or secrets.token_bytes(32)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        path.unlink(missing_ok=True)
        path.write_text(json.dumps({"version": 1, "role": "worker", "key": self.own.hex(), "master": self.public.hex()}))

    @property
    def key(self) -> Key:
        return Key(self.own, self.public)

    def sign(self, what: str, meeting: Meeting) -> str:
        message = meeting.transcript(what)
        r = int.from_bytes(hashlib.sha512(self._prefix + message).digest(), "little") % ed25519.L
        point = _encoded(ed25519._times(r, ed25519.BASE))
        k = int.from_bytes(hashlib.sha512(point + self.public + message).digest(), "little") % ed25519.L
        return (point + ((r + k * self._scalar) % ed25519.L).to_bytes(32, "little")).hex()


def _encoded(point: ed25519.Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, ed25519.P - 2, ed25519.P)
    return (y * inverse % ed25519.P | (x * inverse % ed25519.P & 1) << 255).to_bytes(32, "little")
