"""The reduction: one sum over all virtual ranks' gradients, added in the tree's order, equal in every worker.

A worker adds up the whole nodes of its range as its slices come (at most log2(V) + 1 buffers). Then each worker receives
its share of everybody's nodes (all-to-all), finishes the tree for that share, and all share the results (all-gather).
With one virtual rank a worker that moves 2·(W-1)/W of the gradients' bytes a worker: what a ring all-reduce moves.
"""

from __future__ import annotations

import torch

from .group import Group
from .layout import Buffers, Layout
from .tree import Node, carried, finish, siblings, whole_nodes


class Accumulator:
    """Sums of one worker's slices in one step."""

    def __init__(self, layout: Layout, virtual: int) -> None:
        self._layout = layout
        self._virtual = virtual
        self._spare: list[Buffers] = []
        self.nodes: list[tuple[Node, Buffers]] = []

    def add(self, virtual_rank: int, *, empty: bool = False) -> None:
        """Takes the gradients that the parameters hold. An empty slice counts as zeros."""
        leaf = self._spare.pop() if self._spare else self._layout.empty()
        if empty:
            for flat in leaf:
                flat.zero_()
        else:
            self._layout.collect(leaf)
        self.nodes.append(((virtual_rank, virtual_rank + 1), leaf))
        while len(self.nodes) > 1 and siblings(self.nodes[-2][0], self.nodes[-1][0], self._virtual):
            (_, end), right = self.nodes.pop()
            (start, _), left = self.nodes.pop()
            torch._foreach_add_(left, right)
            self._spare.append(right)
            self.nodes.append(((start, end), left))

    def clear(self) -> None:
        """Forgets the step; keeps the memory."""
        self._spare.extend(buffers for _, buffers in self.nodes)
        self.nodes.clear()


class Reducer:
    """Adds up over a generation's workers."""

    def __init__(self, group: Group, layout: Layout, virtual: int) -> None:
        self._group = group
        self._layout = layout
        self._virtual = virtual
        self._nodes = [whole_nodes(carried(r, group.size, virtual), virtual) for r in range(group.size)]

    def reduce(self, own: Accumulator) -> Buffers:
        """The sum over all virtual ranks: valid until the accumulator's next use. Raises Broken."""
        if self._group.size == 1:
            return own.nodes[0][1]
        totals = self._layout.empty()
        inputs, outputs, works = [], [], []
        counts = [len(nodes) for nodes in self._nodes]
        for index, bucket in enumerate(self._layout.buckets):
            share = self._layout.share(bucket)
            inp = self._shares([buffers[index] for _, buffers in own.nodes], totals[index], share)
            out = torch.empty(sum(counts) * share, dtype=bucket.dtype, device=bucket.device)
            splits = [count * share for count in counts]
            works.append(self._group.all_to_all(out, inp, splits, [len(own.nodes) * share] * self._group.size))
            inputs.append(inp)
            outputs.append(out)
        self._group.wait(works)
        shares = [self._finish(out) for out in outputs]
        self._group.wait([self._group.all_gather(total, share) for total, share in zip(totals, shares)])
        return totals

    def _shares(self, nodes: list[torch.Tensor], like: torch.Tensor, share: int) -> torch.Tensor:
        """Reorders (node, worker, element) to (worker, node, element)."""
        if not nodes:
            return like.new_empty(0)
        if len(nodes) == 1:
            return nodes[0]
        return torch.stack([node.view(self._group.size, share) for node in nodes], dim=1).view(-1)

    def _finish(self, received: torch.Tensor) -> torch.Tensor:
        nodes = [node for of_worker in self._nodes for node in of_worker]
        parts = dict(zip(nodes, received.view(len(nodes), -1).unbind()))
        return finish(parts, self._virtual, torch.Tensor.add_).contiguous()
