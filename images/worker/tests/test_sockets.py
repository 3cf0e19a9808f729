"""What a process's sockets say of themselves is what the kernel's table says of them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ftc import sockets
from ftc.sockets import ALL, CLOSE_WAIT, ESTABLISHED, LISTEN, LIVE, SYN_SENT, connections, inodes, looked_up, shut


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET6, "::")], ids=["4", "6", "4 in 6"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket, socket.socket]]:
    """A listening socket, and both ends of a connection to it."""
    family, host = request.param
    with ExitStack() as stack:
        try:
            listening = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listening.bind((host, 0))
        except OSError:
            pytest.skip("there is no IPv6 here")
        listening.listen(8)
        near = stack.enter_context(socket.create_connection(("127.0.0.1" if host == "::" else host, listening.getsockname()[1])))
        far = stack.enter_context(listening.accept()[0])
        yield listening, near, far


def of(sock: socket.socket, states: frozenset[int] = ALL) -> sockets.Connection | None:
    inode = os.fstat(sock.fileno()).st_ino
    return next((found for found in connections(states) if found.inode == inode), None)


def in_table(sock: socket.socket) -> sockets.Connection | None:
    inode = os.fstat(sock.fileno()).st_ino
    return next(looked_up({inode: sock.fileno()}, ALL), None)


def test_both_say_the_same(pair: tuple[socket.socket, socket.socket, socket.socket]) -> None:
    listening, near, far = pair
    for sock, state in ((near, ESTABLISHED), (far, ESTABLISHED)):
        found = of(sock)
        assert found is not None and found.state == state and found.remote != ""
        assert found == in_table(sock)
    waiting, table = of(listening), in_table(listening)
    assert waiting is not None and table is not None
    assert (waiting.state, waiting.local_port, waiting.inode) == (LISTEN, table.local_port, table.inode) and table.state == LISTEN
    assert of(listening, LIVE) is None
    far.close()
    while in_table(near).state != CLOSE_WAIT:  # type: ignore[union-attr]
        pass
    assert of(near, LIVE) == in_table(near)


def test_who_connects_and_is_not_answered_is_found_with_where_to() -> None:
    """The queue of whom it connects to is full."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = []
        for _ in range(4):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listening.getsockname())
            waiting.append(sock)
        found = [one for one in map(of, waiting) if one is not None and one.state == SYN_SENT]
        assert found
        assert {(one.remote, one.remote_port) for one in found} == {listening.getsockname()}
        assert all(shut(one) for one in found)


def test_what_is_no_tcp_socket_and_what_is_closed_is_left_out() -> None:
    here, there = socket.socketpair()
    with here, there, socket.socket(type=socket.SOCK_DGRAM) as datagrams, socket.socket() as new:
        known = inodes()
        assert {os.fstat(sock.fileno()).st_ino for sock in (here, there, datagrams, new)} <= known.keys()
        found = {connection.inode for connection in connections(ALL)}
        assert {os.fstat(sock.fileno()).st_ino for sock in (here, there, datagrams)}.isdisjoint(found)
        closed = of(new)
        assert closed is None or closed.remote == ""
        gone = sockets.Connection(new.fileno(), 1, 0, "", 0, ESTABLISHED)
        assert not shut(gone)
