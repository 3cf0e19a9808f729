"""A member's state for standbys that ask: every so many steps, copied at a step boundary, sent by a thread of its own.

Training stands still for the copy alone, and only while somebody follows. While one snapshot is still on its way the next
is skipped: a slow standby falls behind, and nobody waits for it. What a standby was sent before is not sent again.

First both ends prove that they are workers of the job (membership_proof.py): what is sent is the whole state, and what arrives is loaded.

A snapshot on the wire: HEAD (magic, step, loss, bytes of structure, bytes of payload, SHA-256 of all but itself), then the
structure and the payload of packing.py. The standby answers one byte: TAKEN, or NOT.
"""

from __future__ import annotations

import hashlib
import math
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from . import membership_proof, store
from .membership_proof import NONCE, Key
from .packing import Packed, differing, fingerprints, pack, unpack
from .state import Registered

PORT = "state-port"
"""In the member's store, under the name that the workers' key makes of it: where its feed listens."""

MAGIC = b"ftcS"
HEAD = struct.Struct(">4sQdIQ32s")
TAKEN, NOT = b"\1", b"\0"

PATIENCE = 20.0
"""Seconds without progress after which a standby is dropped; it comes again when it can."""

GREETING = 5.0
"""Seconds that a connection has to prove that it is a worker's."""

MOST_GREETING = 16
"""Connections that are about to; others are closed. A worker tries again."""


def greet(sock: socket.socket, job: str, key: Key) -> None:
    """From the standby's end. Raises OSError where the other end is no worker of the job."""
    asked = membership_proof.new_nonce()
    sock.sendall(_opening(job) + asked)
    answered, proof = bytes(_receive(sock, NONCE)), bytes(_receive(sock, NONCE))
    if not membership_proof.equal(proof, key.peer_proof("server", job, asked, answered)):
        raise OSError("what listens there is no worker of this job")
    sock.sendall(key.peer_proof("client", job, asked, answered))


def admit(sock: socket.socket, job: str, key: Key) -> None:
    """From the member's end. Raises OSError where the other end is no worker of the job."""
    opening = _opening(job)
    if _receive(sock, len(opening)) != opening:
        raise OSError("another job")
    asked, answered = bytes(_receive(sock, NONCE)), membership_proof.new_nonce()
    sock.sendall(answered + key.peer_proof("server", job, asked, answered))
    if not membership_proof.equal(bytes(_receive(sock, NONCE)), key.peer_proof("client", job, asked, answered)):
        raise OSError("no worker of this job")


def _opening(job: str) -> bytes:
    return f"ftc state 2 {job}\n".encode()


@dataclass(eq=False)
class Follower:
    """One standby. `has` are the fingerprints of what it took last."""

    sock: socket.socket
    has: torch.Tensor | None = field(default=None, repr=False)


class Feed:
    """One member's. `every` counts steps; who is new is served at the next boundary."""

    def __init__(self, job: str, every: int, key: Callable[[], Key]) -> None:
        self._job = job
        self._key = key
        self._every = every
        self._greeting = threading.BoundedSemaphore(MOST_GREETING)
        self._listening = store.listen()
        self.port: int = self._listening.getsockname()[1]
        self.bytes_sent = 0
        """Of tensors."""
        self._changed = threading.Condition()
        self._followers: list[Follower] = []
        self._snapshot: tuple[int, float, Packed] | None = None
        self._reuse: torch.Tensor | None = None
        threading.Thread(target=self._accept, name="ftc-feed-accept", daemon=True).start()
        threading.Thread(target=self._serve, name="ftc-feed", daemon=True).start()

    def announce(self, own_store: Any) -> None:
        """Says in this worker's store where the feed listens. At the beginning of a generation: the key may be another one than before."""
        own_store.set(self._key().name(PORT), str(self.port))

    def offer(self, own: Registered, step: int, loss: float | None) -> None:
        """At a step boundary, from the training thread: copies the state if somebody is due for it."""
        with self._changed:
            if not self._followers or self._snapshot is not None:
                return
            if step % self._every != 0 and all(follower.has is not None for follower in self._followers):
                return
            packed = pack(own.capture(), self._reuse)
            self._reuse = packed.payload
            self._snapshot = (step, math.nan if loss is None else loss, packed)
            self._changed.notify_all()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:  # no descriptor is free
                time.sleep(0.1)
                continue
            if self._greeting.acquire(blocking=False):
                threading.Thread(target=self._admit, args=(sock,), name="ftc-feed-greet", daemon=True).start()
            else:
                sock.close()

    def _admit(self, sock: socket.socket) -> None:
        guard = threading.Timer(GREETING, _shut, (sock,))  # also for who sends a byte a second
        guard.daemon = True
        guard.start()
        try:
            admit(sock, self._job, self._key())
            sock.settimeout(PATIENCE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, AssertionError):
            sock.close()
            return
        finally:
            guard.cancel()
            self._greeting.release()
        with self._changed:
            self._followers.append(Follower(sock))
            self._changed.notify_all()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._snapshot is not None)
                assert self._snapshot is not None
                step, loss, packed = self._snapshot
                followers = list(self._followers)
            state = unpack(packed, copy=False)
            prints = fingerprints(state)
            for follower in followers:
                lacking = None if follower.has is None else differing(prints, follower.has)
                part = packed if lacking is None or all(lacking) else pack(state, only=lacking)
                try:
                    taken = self._send(follower.sock, step, loss, part)
                except OSError:
                    self._drop(follower)
                    continue
                follower.has = prints if taken else None
            with self._changed:
                self._snapshot = None
                self._changed.notify_all()

    def _send(self, sock: socket.socket, step: int, loss: float, packed: Packed) -> bool:
        for part in frame(step, loss, packed):
            sock.sendall(part)
        self.bytes_sent += packed.used
        return _receive(sock, 1) == TAKEN

    def _drop(self, follower: Follower) -> None:
        follower.sock.close()
        with self._changed:
            self._followers.remove(follower)


def frame(step: int, loss: float, packed: Packed) -> list[bytes | memoryview]:
    """A snapshot as it goes over the wire."""
    payload = memoryview(packed.payload[: packed.used].numpy().data)
    head = HEAD.pack(MAGIC, step, loss, len(packed.structure), packed.used, bytes(32))[:-32]
    return [head + _seal(head, packed.structure, payload), packed.structure, payload]


def receive(sock: socket.socket) -> tuple[int, float | None, Packed]:
    """The next snapshot: step, loss, state. Raises OSError where it does not arrive whole and unharmed."""
    raw = _receive(sock, HEAD.size)
    magic, step, loss, text, size, seal = HEAD.unpack(raw)
    if magic != MAGIC:
        raise OSError("this is no snapshot")
    structure = bytes(_receive(sock, text))
    payload = torch.empty(size, dtype=torch.uint8)
    memory = memoryview(payload.numpy().data)
    _fill(sock, memory)
    if _seal(raw[:-32], structure, memory) != seal:
        raise OSError("a snapshot was damaged on its way")
    return step, None if math.isnan(loss) else loss, Packed(structure, payload, size)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _seal(head: bytes, structure: bytes, payload: memoryview) -> bytes:
    sha = hashlib.sha256(head)
    sha.update(structure)
    sha.update(payload)
    return sha.digest()


def _receive(sock: socket.socket, size: int) -> bytes:
    buffer = bytearray(size)
    _fill(sock, memoryview(buffer))
    return bytes(buffer)


def _fill(sock: socket.socket, into: memoryview) -> None:
    while into:
        got = sock.recv_into(into)
        if got == 0:
            raise OSError("the connection ended")
        into = into[got:]
