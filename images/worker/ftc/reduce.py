"""The reduction: one sum over all virtual ranks' gradients, added in the tree's order, equal in every worker.

Besides the gradients every worker has a few bytes to tell (its `tail`): they travel with them.

Large gradients (`Sharded`): bucket by bucket, each worker receives its share of everybody's nodes (all-to-all), finishes the
tree for that share, and all share out the results (all-gather). With one virtual rank a worker that moves 2·(W-1)/W of the
gradients' bytes a worker: what a ring all-reduce moves. Buckets are sent while backward still fills the next.

Small ones (`Direct`): what a step costs then is the number of messages that wait for one another, not their length. Every
worker sends its nodes to every other in one all-to-all, and each finishes the whole tree: (W-1) times the bytes, one
round instead of W + 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from .accumulator import Accumulator
from .group import Group, Work
from .layout import Bucket
from .tree import Node, carried, finish, whole_nodes

DIRECT_BYTES = 1 << 20
"""Most bytes that a worker sends where every worker sends everything to all."""

ALIGN = 64

Tails = list[torch.Tensor]
"""By rank: uint8."""


class Reducer(Protocol):
    """Adds up over a generation's workers. `start` begins with a bucket, in order, as soon as the accumulator has all of it.

    `overlaps`: there is something to gain from a start before backward has ended.
    """

    overlaps: bool

    def start(self, index: int) -> None: ...

    def finish(self, tail: torch.Tensor) -> tuple[list[torch.Tensor], Tails]:
        """By bucket: the sum over all virtual ranks, valid until the next step. Raises Broken."""


def reducer(group: Group, buckets: Sequence[Bucket], own: Accumulator, virtual: int, tails: Sequence[int]) -> Reducer:
    """`tails`: bytes of each rank's tail."""
    if group.size == 1:
        return Alone(buckets, own)
    nodes = [whole_nodes(carried(rank, group.size, virtual), virtual) for rank in range(group.size)]
    most = max(len(of_rank) for of_rank in nodes) * sum(bucket.bytes for bucket in buckets)
    if most * (group.size - 1) <= DIRECT_BYTES and all(bucket.device.type == "cpu" for bucket in buckets):
        return Direct(group, buckets, own, virtual, nodes, tails)
    return Sharded(group, buckets, own, virtual, nodes, tails)


class Alone:
    """One worker has the whole tree already."""

    overlaps = False

    def __init__(self, buckets: Sequence[Bucket], own: Accumulator) -> None:
        self._count = len(buckets)
        self._own = own

    def start(self, index: int) -> None:
        pass

    def finish(self, tail: torch.Tensor) -> tuple[list[torch.Tensor], Tails]:
        return [self._own.nodes(index)[0] for index in range(self._count)], [tail]


class Direct:
    """Everything to everybody. A rank's block: its nodes bucket by bucket, each at a multiple of 64 bytes, then its tail."""

    overlaps = False

    def __init__(
        self,
        group: Group,
        buckets: Sequence[Bucket],
        own: Accumulator,
        virtual: int,
        nodes: list[list[Node]],
        tails: Sequence[int],
    ) -> None:
        self._group = group
        self._own = own
        self._virtual = virtual
        room = [_aligned(bucket.bytes) for bucket in buckets]
        lengths = [_aligned(len(of_rank) * sum(room) + tails[rank]) for rank, of_rank in enumerate(nodes)]
        self._splits = lengths
        self._sent = torch.zeros(group.size, lengths[group.rank], dtype=torch.uint8)
        self._received = torch.zeros(sum(lengths), dtype=torch.uint8)
        blocks = torch.split(self._received, lengths)
        self._parts = [_views(block, of_rank, buckets, room) for block, of_rank in zip(blocks, nodes)]
        self._mine = _views(self._sent[0], nodes[group.rank], buckets, room)
        ends = [len(of_rank) * sum(room) for of_rank in nodes]
        self._tails = [block[end : end + tails[rank]] for rank, (block, end) in enumerate(zip(blocks, ends))]
        self._tail = self._sent[0][ends[group.rank] : ends[group.rank] + tails[group.rank]]

    def start(self, index: int) -> None:
        for view, node in zip(self._mine[index].values(), self._own.nodes(index)):
            view.copy_(node[: view.numel()])

    def finish(self, tail: torch.Tensor) -> tuple[list[torch.Tensor], Tails]:
        self._tail.copy_(tail)
        self._sent[1:] = self._sent[0]
        size = self._group.size
        work = self._group.all_to_all_bytes(
            self._received, self._sent.view(-1), self._splits, [self._sent.shape[1]] * size
        )
        self._group.wait([work])
        totals = []
        for index in range(len(self._mine)):
            parts = {node: view for of_rank in self._parts for node, view in of_rank[index].items()}
            totals.append(finish(parts, self._virtual, torch.Tensor.add_))
        return totals, self._tails


class Sharded:
    """A share to each, and the shares back."""

    overlaps = True

    def __init__(
        self,
        group: Group,
        buckets: Sequence[Bucket],
        own: Accumulator,
        virtual: int,
        nodes: list[list[Node]],
        tails: Sequence[int],
    ) -> None:
        self._group = group
        self._own = own
        self._virtual = virtual
        self._nodes = [node for of_rank in nodes for node in of_rank]
        self._counts = [len(of_rank) for of_rank in nodes]
        self._shares = [bucket.share(group.size) for bucket in buckets]
        self._received = [
            torch.empty(len(self._nodes) * share, dtype=bucket.dtype, device=bucket.device)
            for bucket, share in zip(buckets, self._shares)
        ]
        self._totals = [
            torch.empty(share * group.size, dtype=bucket.dtype, device=bucket.device)
            for bucket, share in zip(buckets, self._shares)
        ]
        self._tail_lengths = list(tails)
        self._tails = torch.empty(sum(tails), dtype=torch.uint8)
        self._works: list[Work] = []
        self._sent: list[torch.Tensor] = []

    def start(self, index: int) -> None:
        share, size = self._shares[index], self._group.size
        inp = self._by_destination([flat[: share * size] for flat in self._own.nodes(index)], index)
        self._sent.append(inp)  # kept until it is sent
        splits = [count * share for count in self._counts]
        own = self._counts[self._group.rank] * share
        self._works.append(self._group.all_to_all(self._received[index], inp, splits, [own] * size))

    def finish(self, tail: torch.Tensor) -> tuple[list[torch.Tensor], Tails]:
        size = self._group.size
        told = self._group.all_to_all_bytes(self._tails, tail.repeat(size), self._tail_lengths, [tail.numel()] * size)
        works, self._works = self._works, []
        gathers = []
        for work, received, total in zip(works, self._received, self._totals):
            self._group.wait([work])
            self._finish(received, total.view(size, -1)[self._group.rank])
            gathers += self._group.share_out(total)
        self._group.wait([told, *gathers])
        self._sent.clear()
        return self._totals, list(torch.split(self._tails, self._tail_lengths))

    def _by_destination(self, nodes: list[torch.Tensor], index: int) -> torch.Tensor:
        """Reorders (node, worker, element) to (worker, node, element)."""
        if not nodes:
            return self._totals[index].new_empty(0)
        if len(nodes) == 1:
            return nodes[0]
        return torch.stack([node.view(self._group.size, -1) for node in nodes], dim=1).view(-1)

    def _finish(self, received: torch.Tensor, into: torch.Tensor) -> None:
        """Adds up this worker's share of all nodes."""
        parts = dict(zip(self._nodes, received.view(len(self._nodes), -1).unbind()))
        into.copy_(finish(parts, self._virtual, torch.Tensor.add_))


def _aligned(size: int) -> int:
    return -(-size // ALIGN) * ALIGN


def _views(
    block: torch.Tensor, nodes: Sequence[Node], buckets: Sequence[Bucket], room: Sequence[int]
) -> list[dict[Node, torch.Tensor]]:
    """By bucket: where a rank's nodes lie in its block."""
    start = 0
    views: list[dict[Node, torch.Tensor]] = []
    for bucket, size in zip(buckets, room):
        views.append({})
        for node in nodes:
            views[-1][node] = block[start : start + bucket.bytes].view(bucket.dtype)
            start += size
    return views
