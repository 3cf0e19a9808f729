from __future__ import annotations

import pytest
import torch

from ftc.tree import carried, finish, siblings, whole_nodes


@pytest.mark.parametrize("virtual", [1, 2, 3, 5, 6, 7, 8, 11, 12, 13, 16, 33])
def test_the_sum_has_the_same_bits_for_every_number_of_workers(virtual: int) -> None:
    torch.manual_seed(virtual)
    leaves = [torch.randn(50) * 10.0 ** (v % 7 - 3) for v in range(virtual)]
    expected = finish({(v, v + 1): leaf for v, leaf in enumerate(leaves)}, virtual, torch.add)
    for world in range(1, virtual + 3):
        parts: dict[tuple[int, int], torch.Tensor] = {}
        for rank in range(world):
            nodes: list[tuple[tuple[int, int], torch.Tensor]] = []
            for v in carried(rank, world, virtual):
                nodes.append(((v, v + 1), leaves[v]))
                while len(nodes) > 1 and siblings(nodes[-2][0], nodes[-1][0], virtual):
                    (_, end), right = nodes.pop()
                    (start, _), left = nodes.pop()
                    nodes.append(((start, end), left + right))
            assert [node for node, _ in nodes] == whole_nodes(carried(rank, world, virtual), virtual)
            parts.update(nodes)
        assert torch.equal(finish(parts, virtual, torch.add), expected), world


def test_the_order_matters_at_all() -> None:
    """Guards the test above: the same numbers added from left to right give other bits."""
    torch.manual_seed(0)
    leaves = [torch.randn(50) * 10.0 ** (v % 7 - 3) for v in range(12)]
    tree = finish({(v, v + 1): leaf for v, leaf in enumerate(leaves)}, 12, torch.add)
    assert not torch.equal(tree, sum(leaves[1:], leaves[0]))


@pytest.mark.parametrize("virtual", [1, 6, 12, 100])
def test_every_virtual_rank_is_carried_once_and_in_order(virtual: int) -> None:
    for world in range(1, virtual + 4):
        assert [v for rank in range(world) for v in carried(rank, world, virtual)] == list(range(virtual))
        assert carried(0, world, virtual)[0] == 0


def test_a_worker_adds_up_few_nodes() -> None:
    for world in range(1, 65):
        assert max(len(whole_nodes(carried(rank, world, 64), 64)) for rank in range(world)) <= 12
