"""The kernel's packet queue, over netlink: packets are handed out and wait for a word, without their contents.

include/uapi/linux/netfilter/nfnetlink_queue.h has the numbers.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator

from .act import Cannot

NETLINK_NETFILTER = 12
SOL_NETLINK, NETLINK_NO_ENOBUFS = 270, 5
SUBSYSTEM = 3 << 8
PACKET, VERDICT, CONFIG = 0, 1, 2
REQUEST, ACK = 1, 4
NLMSG_ERROR = 2
CMD, PARAMS, MAXLEN, MASK, FLAGS = 1, 2, 3, 4, 5
BIND = 1
COPY_META = 1
FAIL_OPEN, GSO = 1, 4
ACCEPT = 1
LONGEST = 65_536
"""Packets that may wait; what comes then passes."""


class PacketQueue:
    """Raises Cannot where the kernel has none."""

    def __init__(self, number: int) -> None:
        self.number = number
        try:
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
            self.socket.bind((0, 0))
            self.socket.setsockopt(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        except OSError as error:
            raise Cannot(f"this kernel hands out no packets: {error}") from error
        self.configure(CMD, struct.pack(">BBH", BIND, 0, 0))
        self.configure(PARAMS, struct.pack(">IB", 0, COPY_META))
        self.configure(MAXLEN, struct.pack(">I", LONGEST))
        flags = struct.pack(">I", FAIL_OPEN | GSO)
        self.send(CONFIG, attribute(FLAGS, flags) + attribute(MASK, flags))
        self.socket.setblocking(False)

    def fileno(self) -> int:
        return self.socket.fileno()

    def packets(self) -> Iterator[tuple[int, int]]:
        """Those that have come: id and netfilter hook. Blocks not."""
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    continue
                raise
            for kind, body in messages(data):
                if kind == SUBSYSTEM | PACKET:
                    yield header_of(body)

    def accept(self, packet: int) -> None:
        payload = attribute(2, struct.pack(">II", ACCEPT, packet))
        self.socket.send(message(SUBSYSTEM | VERDICT, REQUEST, self.number, payload))

    def close(self) -> None:
        self.socket.close()

    def configure(self, kind: int, value: bytes) -> None:
        self.send(CONFIG, attribute(kind, value))

    def send(self, kind: int, payload: bytes) -> None:
        """Waits for the kernel's word. Raises Cannot with it."""
        self.socket.send(message(SUBSYSTEM | kind, REQUEST | ACK, self.number, payload))
        for answered, body in messages(self.socket.recv(1 << 16)):
            code = struct.unpack_from("=i", body)[0] if answered == NLMSG_ERROR else 0
            if code != 0:
                raise Cannot(f"this kernel hands out no packets: {os.strerror(-code)}")


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def message(kind: int, flags: int, queue: int, payload: bytes) -> bytes:
    body = struct.pack(">BBH", socket.AF_UNSPEC, 0, queue) + payload
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each."""
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if length < 16:
            return
        yield kind, data[at + 16 : at + length]
        at += (length + 3) & ~3


def header_of(body: bytes) -> tuple[int, int]:
    """Of a packet's message: id and hook."""
    at = 4
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        if kind & 0x7FFF == 1:
            packet, _, hook = struct.unpack_from(">IHB", body, at + 4)
            return packet, hook
        at += (max(length, 4) + 3) & ~3
    raise ValueError("a packet without a header")
