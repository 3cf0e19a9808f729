"""Kills a process behind one of its system calls: a forked child is stepped from call to call by ptrace(2)."""

from __future__ import annotations

import ctypes
import os
import signal
import traceback
from collections import Counter
from collections.abc import Callable

TRACEME, SYSCALL, SETOPTIONS, GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
TRACESYSGOOD, EXITKILL = 0x1, 0x100000
STOPPED_AT_CALL = signal.SIGTRAP | 0x80
ENTRY = 1

Call = tuple[int, int]
"""A system call: its number, and how often the process made it before."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class _Info(ctypes.Structure):
    _fields_ = [
        ("op", ctypes.c_uint8),
        ("pad", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("instruction", ctypes.c_uint64),
        ("stack", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("args", ctypes.c_uint64 * 6),
    ]


def calls_of(act: Callable[[], object], kill_after: Call | None = None) -> list[Call]:
    """Forks and runs `act` in the child, up to where a call has been made if it makes that. Its system calls in their order.

    Only those of the thread that runs `act`. Raises AssertionError where `act` fails by itself.
    """
    child = os.fork()
    if child == 0:
        _be_traced(act)
    os.waitpid(child, 0)
    _ptrace(SETOPTIONS, child, 0, TRACESYSGOOD | EXITKILL)
    made: list[Call] = []
    count: Counter[int] = Counter()
    passed_on = 0
    while True:
        _ptrace(SYSCALL, child, 0, passed_on)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, "the child failed, see above"
            return made
        assert os.WIFSTOPPED(status), f"ended with status {status}"
        passed_on = os.WSTOPSIG(status)
        if passed_on != STOPPED_AT_CALL:
            continue
        passed_on = 0
        info = _Info()
        _ptrace(GET_SYSCALL_INFO, child, ctypes.sizeof(info), ctypes.addressof(info))
        if info.op == ENTRY:
            made.append((info.number, count[info.number]))
            count[info.number] += 1
        elif made and made[-1] == kill_after:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return made


def _be_traced(act: Callable[[], object]) -> None:
    try:
        _ptrace(TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        act()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def _ptrace(request: int, pid: int, address: int, data: int) -> None:
    if _libc.ptrace(request, pid, address, data) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace: {os.strerror(number)}")
