"""A generation's process group: made from the member list alone, left within milliseconds, never reused."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import PrefixStore

from .errors import Broken
from .guard import Guard
from .interruptible import GIVEN_UP, GRACE, call
from .mailbox import Mailbox
from .messages import Generation
from .sockets import addresses
from .store import LONG, reach

Work = Any
"""A pending operation: torch.distributed's Work."""

PATIENCE = timedelta(milliseconds=25)
"""How often a waiting thread looks up."""

MANY = 8
"""Members above which an all-gather is one operation."""

_left: list[tuple[list[Work], Any, Any]] = []
"""Groups that were left while operations were pending. To destroy one would wait for these: mostly some milliseconds, but a gloo send
whose write fails with the pair is told to nobody (seen with torch 2.6, about once in some hundred losses)."""


_destroying = ThreadPoolExecutor(1, "ftc-left")
"""gloo waits some twenty milliseconds for its own threads when a group is destroyed: training goes on meanwhile."""


def _drop_ended() -> None:
    """Destroys groups that were left and whose operations have ended since."""
    ended = [group for group in _left if all(work.is_completed() for work in group[0])]
    _left[:] = [group for group in _left if not any(group is other for other in ended)]
    _destroy(ended)


def _destroy(held: list[tuple[list[Work], Any, Any]]) -> None:
    """What the list holds, in another thread. The caller keeps nothing of it."""
    if held:
        _destroying.submit(_let_go, held)


def _let_go(held: list[tuple[list[Work], Any, Any]]) -> None:
    """The operations first: the last that holds what gloo waits for must be the group, which lets Python go on meanwhile."""
    for works, _, _ in held:
        works.clear()
    held.clear()


class Group:
    """Collectives among a generation's members. Every failure is `Broken`; after one, only `close` is of use.

    Control words and state travel over gloo; gradients too, or over NCCL where `data` is a group of that.
    """

    def __init__(self, generation: int, rank: int, size: int, guard: Guard, control: Any, data: Any) -> None:
        self.generation = generation
        self.rank = rank
        self.size = size
        self._guard = guard
        self._control = control
        self._data = data
        self._pending: list[Work] = []

    def all_to_all(self, out: torch.Tensor, inp: torch.Tensor, out_splits: list[int], in_splits: list[int]) -> Work:
        return self._start(lambda: self._data.alltoall_base(out, inp, out_splits, in_splits, dist.AllToAllOptions()))

    def share_out(self, total: torch.Tensor) -> list[Work]:
        """An all-gather in place: `total` is one part a rank, of equal length; this rank's own is filled in.

        gloo's own goes through a second buffer of the whole length: for few members as many broadcasts are faster, and move
        the same bytes.
        """
        parts = total.view(self.size, -1)
        if self._data is not self._control or self.size > MANY:
            own = parts[self.rank]
            return [self._start(lambda: self._data._allgather_base(total, own))]
        return [self._start(lambda part=part, rank=rank: self._broadcast(part, rank)) for rank, part in enumerate(parts)]

    def _broadcast(self, tensor: torch.Tensor, source: int) -> Work:
        options = dist.BroadcastOptions()
        options.rootRank, options.rootTensor = source, 0
        return self._data.broadcast([tensor], options)

    def all_to_all_bytes(self, out: torch.Tensor, inp: torch.Tensor, out_splits: list[int], in_splits: list[int]) -> Work:
        """Of host memory, whatever the backend of gradients."""
        return self._start(lambda: self._control.alltoall_base(out, inp, out_splits, in_splits, dist.AllToAllOptions()))

    def all_gather_words(self, out: torch.Tensor, inp: torch.Tensor) -> Work:
        """Of host memory, whatever the backend of gradients."""
        return self._start(lambda: self._control._allgather_base(out, inp))

    def send(self, tensor: torch.Tensor, to: Sequence[int]) -> None:
        """To some members; returns when all of it is on its way."""
        self._pass_on([self._start(lambda rank=rank: self._control.send([tensor], rank, 0)) for rank in to])

    def receive(self, tensor: torch.Tensor, source: int) -> None:
        self._pass_on([self._start(lambda: self._control.recv([tensor], source, 0))])

    def barrier(self) -> None:
        """Returns when all members have come."""
        if self.size > 1:
            everyone = torch.zeros(self.size, dtype=torch.int64)
            self.wait([self.all_gather_words(everyone, torch.zeros(1, dtype=torch.int64))])

    def wait(self, works: Sequence[Work]) -> None:
        """Waits for operations in order."""
        for work in works:
            reason = self._wait(work)
            if reason:
                raise Broken(reason)
            self._pending.remove(work)

    def _pass_on(self, works: Sequence[Work]) -> None:
        """Waits for sends and receives. Unlike a collective's, their wait must not be given a short patience: where it ends, gloo
        takes the whole group for lost ("Application timeout caused pair closure")."""

        def wait() -> bool:
            for work in works:
                work.wait(LONG)
            return True

        call(wait, lambda: self._guard.tripped)
        for work in works:
            self._pending.remove(work)

    def close(self) -> None:
        """Leaves. What is pending fails at once, in the other members too."""
        if self.size > 1:
            self._guard.shut()
        if self._pending:
            _left.append((self._pending, self._control, self._data))
        else:
            _destroy([([], self._control, self._data)])
        self._control = self._data = None
        self._pending = []
        self._guard.release()

    def _wait(self, work: Work) -> str:
        """The reason why it failed; empty where it did not."""
        tripped_since = None
        while True:
            try:
                work.wait(PATIENCE)
                if work.is_completed():  # NCCL's wait orders streams only
                    return ""
                time.sleep(0.0002)
            except RuntimeError:  # it failed, or only the patience ended: and it may have ended just after
                if work.is_completed():
                    return _failure(work)
            if self._guard.tripped:
                tripped_since = tripped_since or time.monotonic()
                if time.monotonic() > tripped_since + GRACE:
                    return GIVEN_UP

    def _start(self, operation: Any) -> Work:
        if self._guard.tripped:
            raise Broken(GIVEN_UP)
        reason = ""
        try:
            work = operation()
            self._pending.append(work)
            return work
        except RuntimeError as error:
            reason = str(error)
        raise Broken(reason)


def _failure(completed: Work) -> str:
    """Why a completed operation failed; empty where it did not."""
    try:
        completed.wait()
        return ""
    except RuntimeError as error:
        return str(error) or "unknown"


def meet(generation: Generation, rank: int, guard: Guard, mailbox: Mailbox, backend: str, name: str) -> Group:
    """Forms the group: every member calls this, and it returns when all have. Raises Broken.

    What they tell each other for it stands in the store under `name`, which only members can make.
    """
    number, size = generation.generation, len(generation.members)
    _drop_ended()
    if size == 1:
        guard.met()
        return Group(number, rank, size, guard, None, None)

    def given_up() -> bool:
        return guard.tripped or mailbox.newest > number

    control = data = None
    reason = ""
    try:
        at = generation.members[generation.store_rank]
        guard.admit(set().union(*(addresses(member.host) for member in generation.members)), at.store_port)
        store = PrefixStore(name, reach(at.host, at.store_port, given_up))
        host = generation.members[rank].host
        control = data = call(lambda: _gloo(PrefixStore("control", store), rank, size, host), given_up)
        if backend == "nccl":
            data = call(lambda: _nccl(PrefixStore("data", store), rank, size), given_up)
            guard.on_trip(data.abort)
        guard.met()
        return Group(number, rank, size, guard, control, data)
    except (Broken, RuntimeError, OSError) as error:
        reason = str(error)
    control = data = None  # the traceback keeps this frame
    raise Broken(reason)


def _gloo(store: Any, rank: int, size: int, host: str) -> Any:
    options = dist.ProcessGroupGloo._Options()  # type: ignore[attr-defined]
    options._devices = [dist.ProcessGroupGloo.create_device(hostname=host)]
    options._timeout = LONG
    options._threads = 2
    return dist.ProcessGroupGloo(store, rank, size, options)


def _nccl(store: Any, rank: int, size: int) -> Any:
    options = dist.ProcessGroupNCCL.Options()
    options._timeout = LONG
    return dist.ProcessGroupNCCL(store, rank, size, options)
