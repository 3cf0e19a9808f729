"""A master small enough to trust: speaks the control link's protocol and does what a test tells it.

Every message is kept; `wait` blocks until one fits. A generation is formed by the test, never by a clock.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftc.membership_proof import Meeting
from member_keys import MasterKey

Json = dict[str, Any]


@dataclass
class Peer:
    """One connection, and the last hello that came over it."""

    sock: socket.socket
    challenge: str = field(default_factory=lambda: secrets.token_hex(32))
    hello: Json = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.hello.get("id", ""))

    def tell(self, message: Json) -> None:
        try:
            self.sock.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass


class FakeMaster:
    def __init__(self, keys: Path, heartbeat_ms: int = 100) -> None:
        """Puts the workers' key into the folder `keys`."""
        self.keys = MasterKey(keys)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.heartbeat_ms = heartbeat_ms
        self.changed = threading.Condition()
        self.messages: list[tuple[str, Json, float]] = []
        self.peers: dict[str, Peer] = {}
        self.generation = 0
        self.current: Json = {}
        self.away = False
        threading.Thread(target=self._accept, daemon=True).start()

    def form(self, members: list[str], when: str = "now", store_rank: int = 0) -> int:
        """Sends the next generation to everybody."""
        with self.changed:
            self.generation += 1
            entries = [self._entry(name) for name in members]
            self.current = {
                "type": "generation",
                "generation": self.generation,
                "when": when,
                "members": entries,
                "storeRank": store_rank,
            }
            for peer in self.peers.values():
                peer.tell(self.current)
            return self.generation

    def tell(self, worker: str, message: Json) -> None:
        with self.changed:
            self.peers[worker].tell(message)

    def tell_all(self, message: Json) -> None:
        with self.changed:
            for peer in self.peers.values():
                peer.tell(message)

    def wait(self, fits: Callable[[str, Json], bool], count: int = 1, timeout: float = 60.0, since: int = 0) -> list[Json]:
        """The first `count` messages that fit, since a position in `messages`."""
        until = time.monotonic() + timeout
        with self.changed:
            while True:
                found = [m for worker, m, _ in self.messages[since:] if fits(worker, m)]
                if len(found) >= count:
                    return found[:count]
                left = until - time.monotonic()
                if left <= 0:
                    tail = [(w, m) for w, m, _ in self.messages if m["type"] != "heartbeat"][-12:]
                    raise AssertionError(f"waited {timeout} s; the last messages: {tail}")
                self.changed.wait(left)

    def wait_ready(self, *workers: str, since: int = 0) -> None:
        for name in workers:
            self.wait(lambda w, m, name=name: w == name and m["type"] == "ready", since=since)  # type: ignore[misc]

    def wait_step(self, step: int, since: int = 0) -> None:
        """Until some worker says that it has committed that many steps."""
        self.wait(lambda _, m: m["type"] in ("heartbeat", "committed") and m["step"] >= step, since=since)

    def wait_gone(self, worker: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: worker not in self.peers, 30)

    def go_away(self) -> None:
        """Closes every link; answers no new one."""
        with self.changed:
            self.away = True
            for peer in self.peers.values():
                peer.sock.shutdown(socket.SHUT_RDWR)

    def come_back(self) -> None:
        with self.changed:
            self.away = False

    def close(self) -> None:
        self.tell_all({"type": "shutdown", "reason": "the test is over"})
        self._server.close()

    def _entry(self, name: str) -> Json:
        hello = self.peers[name].hello
        return {"id": name, "host": hello["host"], "storePort": hello["storePort"]}

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            if self.away:
                sock.close()
                continue
            threading.Thread(target=self._serve, args=(Peer(sock),), daemon=True).start()

    def _serve(self, peer: Peer) -> None:
        try:
            peer.tell({"type": "challenge", "protocol": 2, "nonce": peer.challenge})
            with peer.sock.makefile("rb") as lines:
                for line in lines:
                    self._take(peer, json.loads(line))
        except OSError:
            pass
        with self.changed:
            if self.peers.get(peer.id) is peer:
                del self.peers[peer.id]
            self.messages.append((peer.id, {"type": "(gone)"}, time.time() * 1000))
            self.changed.notify_all()

    def _take(self, peer: Peer, message: Json) -> None:
        with self.changed:
            if message["type"] == "hello":
                peer.hello = message
                self.peers[peer.id] = peer
                meeting = Meeting(message["job"], message["id"], peer.challenge, message["nonce"])
                assert message["proof"] == self.keys.key.proof(meeting)
                welcome = {"type": "welcome", "protocol": 2, "job": message["job"], "heartbeatMs": self.heartbeat_ms}
                peer.tell({**welcome, "proof": self.keys.sign("welcome", meeting)})
                if self.current and message["ready"]:
                    peer.tell(self.current)
            self.messages.append((peer.id, message, time.time() * 1000))
            self.changed.notify_all()
