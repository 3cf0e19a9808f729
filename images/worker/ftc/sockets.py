"""This process's TCP sockets, read from /proc, and the shutting down of some of them.

`shutdown(2)` on a group's connected sockets makes gloo's pending operations raise within milliseconds in every rank.
Listening sockets must not be touched: gloo aborts the process when its listener fails.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass

ESTABLISHED, SYN_SENT, SYN_RECV, CLOSE_WAIT = 1, 2, 3, 8
LISTEN = 10
LIVE = frozenset({ESTABLISHED, SYN_SENT, SYN_RECV, CLOSE_WAIT})
ALL = frozenset(range(1, 13))


@dataclass(frozen=True)
class Connection:
    """One of the process's TCP sockets. Addresses in their shortest form, IPv4 where it is mapped into IPv6."""

    fd: int
    inode: int
    local_port: int
    remote: str
    remote_port: int
    state: int


def normal(address: str) -> str:
    ip = ipaddress.ip_address(address)
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip)


def addresses(host: str) -> set[str]:
    """All addresses of a host. A literal address costs no look-up. Raises OSError where the name is not known."""
    return {normal(str(info[4][0]).split("%")[0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}


def inodes() -> dict[int, int]:
    """The process's sockets of any kind: inode → file descriptor."""
    return {inode(name): fd for fd, name in descriptors().items() if is_socket(name)}


def is_socket(name: str) -> bool:
    return name.startswith("socket:[")


def inode(name: str) -> int:
    """Of a socket's name, `socket:[38027]`."""
    return int(name[8:-1])


def descriptors() -> dict[int, str]:
    """All that the process has open: file descriptor → the kernel's name for it, such as `socket:[38027]`."""
    found: dict[int, str] = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            found[int(fd)] = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
    return found


def connections(states: frozenset[int] = LIVE) -> Iterator[Connection]:
    """The process's TCP sockets, by default those in a connected or connecting state."""
    own = inodes()
    for table in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
        try:
            with open(table, encoding="ascii") as file:
                lines = file.readlines()[1:]
        except FileNotFoundError:
            continue
        for line in lines:
            column = line.split()
            inode, state = int(column[9]), int(column[3], 16)
            if inode in own and state in states:
                remote, remote_port = _address(column[2])
                yield Connection(own[inode], inode, _address(column[1])[1], remote, remote_port, state)


def shut(connection: Connection) -> bool:
    """Shuts a socket down for reading and writing, if the descriptor is still the same socket."""
    try:
        duplicate = os.dup(connection.fd)
    except OSError:
        return False
    if os.fstat(duplicate).st_ino != connection.inode:
        os.close(duplicate)
        return False
    with socket.socket(fileno=duplicate) as sock:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return False
    return True


def _address(text: str) -> tuple[str, int]:
    """`0100007F:1F90` → ("127.0.0.1", 8080): 32-bit words in the host's byte order, here little-endian."""
    host, port = text.split(":")
    raw = bytes.fromhex(host)
    words = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    return normal(str(ipaddress.ip_address(words))), int(port, 16)
