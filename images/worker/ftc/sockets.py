"""This process's TCP sockets, and the shutting down of some of them.

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
    """The process's TCP sockets, by default those in a connected or connecting state.

    Each is asked itself. The kernel's table, of all sockets there are, takes ten milliseconds and more to read: only who still connects
    tells nothing of the other end, and is looked up there.
    """
    connecting: dict[int, int] = {}
    for inode, fd in inodes().items():
        found = _asked(fd, inode)
        if found is None or found.state not in states:
            continue
        if found.state == SYN_SENT:
            connecting[inode] = fd
        else:
            yield found
    if connecting:
        yield from looked_up(connecting, states)


def _asked(fd: int, inode: int) -> Connection | None:
    """None where the descriptor is another thing by now, or no TCP socket."""
    sock = _duplicate(fd, inode)
    if sock is None:
        return None
    with sock:
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.type != socket.SOCK_STREAM:
            return None
        try:
            state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
            local_port = sock.getsockname()[1]
        except OSError:
            return None
        try:
            remote, remote_port = sock.getpeername()[:2]
        except OSError:
            return Connection(fd, inode, local_port, "", 0, state)
        return Connection(fd, inode, local_port, normal(str(remote).split("%")[0]), remote_port, state)


def looked_up(own: dict[int, int], states: frozenset[int]) -> Iterator[Connection]:
    """These sockets, inode → file descriptor, in the kernel's table."""
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
    sock = _duplicate(connection.fd, connection.inode)
    if sock is None:
        return False
    with sock:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return False
    return True


def _duplicate(fd: int, inode: int) -> socket.socket | None:
    """The same socket under a number of its own, so that another thread may close the first; None where it is another thing by now."""
    try:
        duplicate = os.dup(fd)
    except OSError:
        return None
    if os.fstat(duplicate).st_ino != inode:
        os.close(duplicate)
        return None
    return socket.socket(fileno=duplicate)


def _address(text: str) -> tuple[str, int]:
    """`0100007F:1F90` → ("127.0.0.1", 8080): 32-bit words in the host's byte order, here little-endian."""
    host, port = text.split(":")
    raw = bytes.fromhex(host)
    words = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    return normal(str(ipaddress.ip_address(words))), int(port, 16)
