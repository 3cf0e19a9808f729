"""After a meeting: all get the state of the lowest rank at the highest step. Nobody decides it centrally."""

from __future__ import annotations

from collections.abc import Callable

import torch

from .errors import FtcError
from .group import Group
from .packing import Packed, pack, unpack
from .state import Registered


def synchronise(
    group: Group, own: Registered, step: int, holds_state: bool, load: Callable[[], int]
) -> int:
    """The step that all are at when it returns. Raises Broken.

    `load` is called on rank 0 when nobody holds state: it restores the newest checkpoint that verifies, if there is one,
    and returns its step, or 0.
    """
    table = _table(group, [step if holds_state else -1, int(own.signature()[:15], 16)])
    steps = [row[0] for row in table]
    _same_model(group, [row[1] for row in table])
    if max(steps) < 0:
        source, behind = 0, list(range(1, group.size))
        at = load() if group.rank == 0 else 0
    else:
        at = max(steps)
        source = steps.index(at)
        behind = [rank for rank, other in enumerate(steps) if other < at]
    if group.rank == source and behind:
        _send(group, own, at, behind)
    elif group.rank in behind:
        at = _receive(group, own, source)
    return at


def _table(group: Group, row: list[int]) -> list[list[int]]:
    own = torch.tensor(row, dtype=torch.int64)
    if group.size == 1:
        return [row]
    table = torch.zeros(group.size, len(row), dtype=torch.int64)
    group.wait([group.all_gather_words(table.view(-1), own)])
    rows: list[list[int]] = table.tolist()
    return rows


def _same_model(group: Group, signatures: list[int]) -> None:
    if signatures[group.rank] != signatures[0]:
        raise FtcError("this worker's model differs from that of rank 0: were the script or its image changed during the job?")


def _send(group: Group, own: Registered, step: int, behind: list[int]) -> None:
    packed = pack(own.capture())
    structure = torch.frombuffer(bytearray(packed.structure), dtype=torch.uint8)
    head = torch.tensor([step, structure.numel(), packed.payload.numel()], dtype=torch.int64)
    parts = [head, structure] + ([packed.payload] if packed.payload.numel() else [])
    for part in parts:
        group.send(part, behind)


def _receive(group: Group, own: Registered, source: int) -> int:
    head = torch.zeros(3, dtype=torch.int64)
    group.receive(head, source)
    step, text, size = head.tolist()
    structure = torch.empty(text, dtype=torch.uint8)
    payload = torch.empty(size, dtype=torch.uint8)
    group.receive(structure, source)
    if size:
        group.receive(payload, source)
    own.restore(unpack(Packed(structure.numpy().tobytes(), payload), copy=True))
    return int(step)
