"""Sums of one worker's slices in one step: whole nodes of the tree, bucket by bucket (at most 2·log2(V) each)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .layout import Bucket
from .tree import Node, siblings


class Accumulator:
    """Memory is kept from step to step."""

    def __init__(self, buckets: Sequence[Bucket], virtual: int) -> None:
        self._buckets = buckets
        self._virtual = virtual
        self._spare: list[list[torch.Tensor]] = [[] for _ in buckets]
        self._nodes: list[list[tuple[Node, torch.Tensor]]] = [[] for _ in buckets]

    def add(self, index: int, virtual_rank: int, *, empty: bool = False) -> None:
        """Takes the gradients that a bucket's parameters hold. An empty slice counts as zeros.

        Virtual ranks come in order.
        """
        spare, nodes = self._spare[index], self._nodes[index]
        leaf = spare.pop() if spare else self._buckets[index].empty()
        if empty:
            leaf.zero_()
        else:
            self._buckets[index].collect(leaf)
        nodes.append(((virtual_rank, virtual_rank + 1), leaf))
        while len(nodes) > 1 and siblings(nodes[-2][0], nodes[-1][0], self._virtual):
            (_, end), right = nodes.pop()
            (start, _), left = nodes.pop()
            left.add_(right)
            spare.append(right)
            nodes.append(((start, end), left))

    def nodes(self, index: int) -> list[torch.Tensor]:
        """A bucket's sums, in the order of their virtual ranks: each of shape (capacity,)."""
        return [flat for _, flat in self._nodes[index]]

    def clear(self) -> None:
        """Forgets the step."""
        for spare, nodes in zip(self._spare, self._nodes):
            spare.extend(flat for _, flat in nodes)
            nodes.clear()
