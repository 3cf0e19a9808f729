"""The control link: a thread that talks to the master, so that training never waits for it.

It connects and reconnects forever, says hello, sends heartbeats, and acts on what comes: a generation that must be
joined at once breaks the training thread out of its group; `shutdown` and `refused` end the process. Nothing is said but the hello, and
nothing believed, before both ends have proven that they are the job's (membership_proof.py).
"""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from . import descriptors, forks, membership_proof
from .codec import encode, parse
from .errors import FtcError, ProtocolError
from .lines import LineBuffer
from .membership_proof import Key, Meeting
from .messages import Challenge, Generation, Hello, Ignored, Message, Received, Refused, Shutdown, Stop, Welcome
from .progress import Progress
from .visible import visible

RETRY_FIRST, RETRY_MOST = 0.1, 1.0
"""Seconds between attempts to connect."""

ANSWER = 10.0
"""Seconds that the other end has for its challenge, and for its welcome."""

COMMIT_BEAT = 0.05
"""Seconds: a commit is told when the last heartbeat is older."""


class Link(threading.Thread):
    """`hello` makes the greeting from this host's address; the other callbacks run on this thread and must not block."""

    def __init__(
        self,
        address: tuple[str, int],
        keys: Path,
        progress: Progress,
        hello: Callable[[str], Hello],
        on_generation: Callable[[Generation], None],
        on_stop: Callable[[str], None],
        on_end: Callable[[int, str], None],
        dead_after: float,
    ) -> None:
        super().__init__(name="ftc-link", daemon=True)
        self._address = address
        self._keys = keys
        self._progress = progress
        self._hello = hello
        self._on_generation = on_generation
        self._on_stop = on_stop
        self._on_end = on_end
        self._dead_after = dead_after
        out, into = socket.socketpair()
        self._wake_out, self._wake_in = descriptors.own(out), descriptors.own(into)
        self._wake_out.setblocking(False)
        self._wake_in.setblocking(False)
        self._lock = threading.Lock()
        self._queue: deque[bytes] = deque()
        self._sticky: dict[str, bytes] = {}
        self._drained = threading.Condition(self._lock)
        self._sock: socket.socket | None = None
        self._heartbeat_every = 1.0
        self._last_beat = 0.0
        self._welcomed = False
        self._met: tuple[Key, Meeting] | None = None
        """What this connection's hello was said with."""
        self._key: Key | None = None
        self._told = ""
        """Why there is no welcome; said once."""
        self._closing = False

    @property
    def key(self) -> Key:
        """The workers' key, of the newest connection on which the master was met. There is one as soon as a generation has come."""
        assert self._key is not None
        return self._key

    def send(self, message: Message, *, sticky: bool = False) -> None:
        """Queues a message; it survives a reconnect. A sticky one is said again after every hello, until `unstick`."""
        forks.refuse("ftc")
        line = encode(message)
        with self._lock:
            if sticky:
                self._sticky[message.type] = line
            self._queue.append(line)
        self._wake()

    def unstick(self, kind: str) -> None:
        with self._lock:
            self._sticky.pop(kind, None)

    def committed(self) -> None:
        """A step was committed: a heartbeat follows if the last one is old."""
        forks.refuse("job.step")
        if time.monotonic() - self._last_beat > COMMIT_BEAT:
            self._last_beat = time.monotonic()
            self.send(self._progress.heartbeat())

    def spared(self) -> set[int]:
        """Inodes of sockets that nobody else may close."""
        sock = self._sock
        try:
            return set() if sock is None else {os.fstat(sock.fileno()).st_ino}
        except OSError:
            return set()

    def drain(self, seconds: float) -> bool:
        """Waits until everything queued has been handed over, and says goodbye in order. Only before the process ends."""
        with self._drained:
            if not self._drained.wait_for(lambda: not self._queue, seconds):
                return False
        self._closing = True
        self._wake()
        self.join(seconds)
        return True

    def run(self) -> None:
        try:
            self._run()
        except BaseException:  # a worker without its link is lost: die so that it is seen
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(70)

    def _run(self) -> None:
        delay = RETRY_FIRST
        while not self._closing:
            try:
                sock = descriptors.connect(self._address, timeout=2.0)
            except OSError:
                self._pause(delay)
                delay = min(delay * 1.5, RETRY_MOST)
                continue
            with sock:
                self._sock = sock
                self._welcomed, self._met = False, None
                try:
                    self._serve(sock)
                except OSError:
                    pass
                except (ProtocolError, FtcError) as error:
                    self._tell(str(error))
                self._sock = None
            if self._welcomed:
                delay = RETRY_FIRST
            if not self._closing:
                self._pause(delay)
                delay = min(delay * 1.5, RETRY_MOST)

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._dead_after * 1000))
        sock.setblocking(False)
        lines = LineBuffer()
        out = b""
        unsent = 0  # bytes at the head of `out` that belong to no queued line
        until = time.monotonic() + ANSWER
        while True:
            with self._lock:
                if not out and self._queue and self._welcomed:
                    out = self._queue[0]
                closing = self._closing and not out
            if closing:
                self._part(sock)
                return
            due = self._last_beat + self._heartbeat_every - time.monotonic()
            if self._welcomed and due <= 0:
                self._beat()
                continue
            if not self._welcomed and time.monotonic() > until:
                raise ProtocolError(f"it says nothing within {ANSWER:g} s")
            timeout = max(due, 0.001) if self._welcomed else 1.0
            readable, writable, _ = select.select([sock, self._wake_in], [sock] if out else [], [], timeout)
            if self._wake_in in readable:
                self._wake_in.recv(4096)
            if writable:
                sent = sock.send(out)
                out = out[sent:]
                if unsent:
                    unsent -= min(sent, unsent)
                elif not out:
                    with self._drained:
                        self._queue.popleft()
                        self._drained.notify_all()
            if sock in readable:
                data = sock.recv(65536)
                if not data:
                    return
                for line in lines.feed(data):
                    message = parse(line)
                    if self._welcomed:
                        self._receive(message)
                    else:
                        out += self._greet(message, sock)
                        unsent = len(out)

    def _greet(self, message: Received, sock: socket.socket) -> bytes:
        """What is to be said next to who has not proven yet that it is the master. Raises ProtocolError, FtcError."""
        if self._met is None:
            if not isinstance(message, Challenge):
                raise ProtocolError("its first line is no challenge: its image is of another version")
            key = membership_proof.read(self._keys)
            if key is None:
                raise ProtocolError(f"it has not written the workers' key to {self._keys} yet")
            hello = self._hello(sock.getsockname()[0])
            meeting = Meeting(hello.job, hello.id, message.nonce, membership_proof.new_nonce().hex())
            self._met = key, meeting
            return encode(replace(hello, nonce=meeting.nonce, proof=key.proof(meeting)))
        key, meeting = self._met
        if isinstance(message, Refused):
            if not key.is_master("refused", meeting, message.proof):
                raise ProtocolError(f"it refuses this worker: {message.reason}")
            self._receive(message)
            return b""
        if not isinstance(message, Welcome) or not key.is_master("welcome", meeting, message.proof):
            raise ProtocolError("what answers there does not have the master's key")
        self._heartbeat_every = message.heartbeat_ms / 1000.0
        self._key = key
        self._welcomed = True
        self._last_beat = 0.0
        self._told = ""
        with self._lock:
            return b"".join(line for line in self._sticky.values() if line not in self._queue)

    def _tell(self, why: str) -> None:
        """Once, however often it comes again."""
        if why != self._told:
            self._told = why
            print(f"ftc: no word with the master at {self._address[0]}: {visible(why)}; trying again", file=sys.stderr, flush=True)

    def _receive(self, message: Received) -> None:
        if isinstance(message, Generation):
            self._on_generation(message)
        elif isinstance(message, Stop):
            self._on_stop(message.reason)
        elif isinstance(message, Shutdown):
            self._on_end(0, message.reason)
        elif isinstance(message, Refused):
            self._on_end(2, message.reason)
        elif not isinstance(message, Ignored):
            raise ProtocolError("it says hello twice")

    def _beat(self) -> None:
        self._last_beat = time.monotonic()
        with self._lock:
            self._queue.append(encode(self._progress.heartbeat()))

    def _part(self, sock: socket.socket) -> None:
        """Closes so that the last lines arrive: a close with unread data would reset the connection and lose them."""
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(0.5)
        while sock.recv(65536):
            pass

    def _wake(self) -> None:
        try:
            self._wake_out.send(b"\0")
        except BlockingIOError:
            pass

    def _pause(self, seconds: float) -> None:
        """Between connections; an order to close ends it."""
        until = time.monotonic() + seconds
        while not self._closing and (left := until - time.monotonic()) > 0:
            if select.select([self._wake_in], [], [], left)[0]:
                self._wake_in.recv(4096)
