"""The fixed binary tree over virtual ranks 0..V-1, in whose order every sum is formed.

Node (lo, hi) covers virtual ranks lo..hi-1. The tree is the aligned binary one, cut off at V: a node of size 2s starts at
a multiple of 2s, its left child is full, its right child may be cut short or absent (then the node *is* its left child).
A worker carries a contiguous range of virtual ranks and adds up the largest whole nodes in it; whoever finishes the
tree adds those. No sum depends on who carried what, so the bits do not depend on how many workers there are.

After VirtualFlow (MLSys'22) and EasyScale (SC'23) for virtual ranks; the tree is the usual pairwise summation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

Node = tuple[int, int]
T = TypeVar("T")


def carried(rank: int, world: int, virtual: int) -> range:
    """The virtual ranks that a worker carries. Rank 0 carries the first; ranks from V on carry none."""
    rank, world = min(rank, virtual), min(world, virtual)
    if rank == world:
        return range(virtual, virtual)
    return range(rank * virtual // world, (rank + 1) * virtual // world)


def siblings(left: Node, right: Node, virtual: int) -> bool:
    """Whether two neighbouring nodes are the two children of one node."""
    size = left[1] - left[0]
    return left[1] == right[0] and left[0] % (2 * size) == 0 and right[1] == min(left[0] + 2 * size, virtual)


def whole_nodes(ranks: range, virtual: int) -> list[Node]:
    """The largest nodes that make up a range, in order: at most 2·log2(V)."""
    nodes: list[Node] = []
    for rank in ranks:
        nodes.append((rank, rank + 1))
        while len(nodes) > 1 and siblings(nodes[-2], nodes[-1], virtual):
            right, left = nodes.pop(), nodes.pop()
            nodes.append((left[0], right[1]))
    return nodes


def finish(parts: Mapping[Node, T], virtual: int, add: Callable[[T, T], T]) -> T:
    """Adds whole nodes that together cover 0..V-1 up to the root."""
    size = 1
    while size < virtual:
        size *= 2

    def value(lo: int, size: int) -> T:
        node = (lo, min(lo + size, virtual))
        if node in parts:
            return parts[node]
        half = size // 2
        left = value(lo, half)
        return left if lo + half >= virtual else add(left, value(lo + half, half))

    return value(0, size)
