"""The reduction over real groups (threads of this process, loopback): its bits, its bytes, and when it is sent."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch._C._distributed_c10d import HashStore

from ftc import reduce
from ftc.accumulator import Accumulator
from ftc.backward import Backward
from ftc.errors import UsageError
from ftc.group import Group
from ftc.guard import Guard
from ftc.layout import Bucket, buckets
from ftc.tree import carried, finish

T = TypeVar("T")


def together(world: int, act: Callable[[Group], T]) -> list[T]:
    """Every rank of a new group does it, in a thread of its own."""
    store = HashStore()

    def member(rank: int) -> T:
        options = dist.ProcessGroupGloo._Options()  # type: ignore[attr-defined]
        options._devices = [dist.ProcessGroupGloo.create_device(hostname="127.0.0.1")]
        options._timeout = timedelta(seconds=60)
        backend: Any = dist.ProcessGroupGloo(store, rank, world, options) if world > 1 else None
        return act(Group(1, rank, world, Guard(1, 0, set), backend, backend))

    with ThreadPoolExecutor(world) as pool:
        return [future.result() for future in [pool.submit(member, rank) for rank in range(world)]]


def gradients(params: list[nn.Parameter], virtual_rank: int) -> list[torch.Tensor | None]:
    """One slice's, of very different sizes so that the order of a sum shows. The second parameter gets none from odd ranks."""
    generator = torch.Generator().manual_seed(virtual_rank)
    scale = 10.0 ** (virtual_rank % 7 - 3)
    made: list[torch.Tensor | None] = [torch.randn(p.shape, generator=generator).to(p.dtype) * scale for p in params]
    if virtual_rank % 2:
        made[1] = None
    return made


def parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.zeros(shape)) for shape in ((7, 5), (3,), (), (50, 40))] + [
        nn.Parameter(torch.zeros(11, dtype=torch.float64))
    ]


def expected(params: list[nn.Parameter], virtual: int) -> list[torch.Tensor]:
    def leaf(number: int, virtual_rank: int) -> torch.Tensor:
        grad = gradients(params, virtual_rank)[number]
        return torch.zeros_like(params[number]) if grad is None else grad

    return [
        finish({(v, v + 1): leaf(number, v) for v in range(virtual)}, virtual, torch.add).detach()
        for number in range(len(params))
    ]


@pytest.mark.parametrize("world", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("way", ["direct", "sharded"])
@pytest.mark.parametrize("bucket_bytes", [64, 1 << 20])
def test_the_sum_has_the_bits_of_the_tree(
    monkeypatch: pytest.MonkeyPatch, world: int, way: str, bucket_bytes: int
) -> None:
    """Two steps in the same memory; the last of seven workers carries nothing."""
    monkeypatch.setattr(reduce, "DIRECT_BYTES", 1 << 30 if way == "direct" else 0)
    virtual = 6

    def act(group: Group) -> tuple[list[torch.Tensor], list[bytes]]:
        params = parameters()
        cut = buckets(params, bucket_bytes)
        own = Accumulator(cut, virtual)
        tails = [1 + rank for rank in range(world)]
        reducer = reduce.reducer(group, cut, own, virtual, tails)
        for _ in range(2):
            own.clear()
            for v in carried(group.rank, world, virtual):
                for param, grad in zip(params, gradients(params, v)):
                    param.grad = grad
                for index in range(len(cut)):
                    own.add(index, v)
            for index in range(len(cut)):
                reducer.start(index)
            tail = torch.full((1 + group.rank,), group.rank, dtype=torch.uint8)
            totals, told = reducer.finish(tail)
        for bucket, total in zip(cut, totals):
            bucket.deliver(total)
        return [p.grad.clone() for p in params if p.grad is not None], [t.numpy().tobytes() for t in told]

    wanted = expected(parameters(), virtual)
    for sums, told in together(world, act):
        assert all(torch.equal(a, b) for a, b in zip(sums, wanted, strict=True))
        assert told == [bytes([rank]) * (1 + rank) for rank in range(world)]


def received_bytes() -> int:
    """By all TCP connections of this process, as the kernel counts them: tcp_info's tcpi_bytes_received."""
    total = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            if not os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(name))) as found:
                info = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        except OSError:
            continue
        total += struct.unpack_from("Q", info, 128)[0]
    return total


@pytest.mark.parametrize("world", [2, 3, 4])
def test_with_one_virtual_rank_a_worker_it_moves_what_a_ring_all_reduce_moves(world: int) -> None:
    """2·(W-1)/W of the gradients' bytes a worker, counted by the kernel; 1 % more for headers and control words."""
    elements = 1_000_000
    line = threading.Barrier(world)
    counts: list[int] = []

    def act(group: Group) -> None:
        params = [nn.Parameter(torch.zeros(1000)) for _ in range(elements // 1000)]
        cut = buckets(params, 1 << 20)
        own = Accumulator(cut, world)
        reducer = reduce.reducer(group, cut, own, world, [8] * world)
        assert reducer.overlaps
        for param in params:
            param.grad = torch.ones(1000)
        for index in range(len(cut)):
            own.add(index, group.rank)
        group.barrier()
        if line.wait() == 0:
            counts.append(received_bytes())
        line.wait()
        for index in range(len(cut)):
            reducer.start(index)
        reducer.finish(torch.zeros(8, dtype=torch.uint8))
        group.barrier()
        if line.wait() == 0:
            counts.append(received_bytes())
        line.wait()

    together(world, act)
    each = (counts[1] - counts[0]) / world
    ring = 2 * (world - 1) / world * elements * 4
    assert 1.0 <= each / ring < 1.01


def model() -> tuple[nn.Sequential, list[Bucket]]:
    network = nn.Sequential(*[nn.Linear(8, 8) for _ in range(4)])
    return network, buckets(list(network.parameters()), 8 * 9 * 4)


def test_a_bucket_is_handed_over_while_backward_still_runs() -> None:
    network, cut = model()
    assert len(cut) == 4
    backward = Backward(cut)
    order: list[str] = []
    for number, layer in enumerate(network):
        layer.register_full_backward_hook(lambda *_, number=number: order.append(f"layer {number}"))

    def ready(index: int) -> None:
        order.append(f"bucket {index}")
        assert all(param.grad is not None for param in cut[index].params)

    assert backward.run(network(torch.ones(2, 8).requires_grad_()).sum(), ready) == 4
    assert order.index("bucket 0") < order.index("layer 1") and order.index("bucket 2") < order.index("layer 0")
    assert [entry for entry in order if "bucket" in entry] == [f"bucket {index}" for index in range(4)]


def test_a_parameter_without_gradient_leaves_its_bucket_and_the_later_ones_for_afterwards() -> None:
    network, cut = model()
    backward = Backward(cut)
    handed: list[int] = []
    assert backward.run(network[3](network[1](torch.ones(2, 8))).sum(), handed.append) == 1
    assert handed == [0]


def test_a_gradient_that_comes_again_after_it_was_sent_is_an_error() -> None:
    network, cut = model()
    backward = Backward(cut)

    class Again(torch.autograd.Function):
        """What re-entrant checkpointing does: a backward of its own inside of backward."""

        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
            torch.autograd.backward(again)
            return grads[0]

    again = network[3](torch.ones(1, 8)).sum()
    loss = network[3](Again.apply(network[2](torch.ones(2, 8)))).sum()  # type: ignore[no-untyped-call]
    with pytest.raises(UsageError, match="use_reentrant=False"):
        backward.run(loss, lambda index: None)
    backward.run(network(torch.ones(2, 8)).sum(), lambda index: None)
