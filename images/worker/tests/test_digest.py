"""The digest against docs/digest.py, which a reader runs and which knows nothing of ftc, and against bytes written by hand."""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
import subprocess
import sys
from collections import Counter, OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from ftc.digest import digest
from ftc.packing import pack, unpack
from states import state

INDEPENDENT = Path(os.environ.get("FTC_DOCS") or Path(__file__).parents[3] / "docs") / "digest.py"


def independent(state: object, folder: Path) -> str:
    """What a process without ftc finds in the file."""
    path = folder / "state.pt"
    torch.save(state, path)
    environment = {**os.environ, "PYTHONPATH": "/nowhere"}
    ran = subprocess.run([sys.executable, INDEPENDENT, path], capture_output=True, text=True, check=True, env=environment)
    return ran.stdout.strip()


def of(*parts: tuple[Sequence[object], bytes]) -> str:
    lines = (json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode() + b"\n" + raw for head, raw in parts)
    return hashlib.sha256(b"".join(lines)).hexdigest()


BYTES = {
    "bool": (torch.tensor([True, False]), b"\1\0"),
    "uint8": (torch.tensor([0, 255], dtype=torch.uint8), b"\0\xff"),
    "int8": (torch.tensor([-1, 1], dtype=torch.int8), b"\xff\1"),
    "int16": (torch.tensor([-2, 3], dtype=torch.int16), struct.pack("<2h", -2, 3)),
    "int32": (torch.tensor([-2, 3], dtype=torch.int32), struct.pack("<2i", -2, 3)),
    "int64": (torch.tensor([-2, 3]), struct.pack("<2q", -2, 3)),
    "float16": (torch.tensor([1.0, -0.0], dtype=torch.float16), struct.pack("<2e", 1.0, -0.0)),
    "bfloat16": (torch.tensor([1.0, -2.0], dtype=torch.bfloat16), struct.pack("<2H", 0x3F80, 0xC000)),
    "float32": (torch.tensor([1.5, -0.0]), struct.pack("<2f", 1.5, -0.0)),
    "float64": (torch.tensor([1.5, -0.0], dtype=torch.float64), struct.pack("<2d", 1.5, -0.0)),
    "complex64": (torch.tensor([1 + 2j, 0], dtype=torch.complex64), struct.pack("<4f", 1, 2, 0, 0)),
}


@pytest.mark.parametrize("dtype", BYTES)
def test_every_dtype_counts_with_its_own_bytes(dtype: str) -> None:
    tensor, raw = BYTES[dtype]
    assert digest({"w": tensor}) == of((["w", dtype, [2]], raw))


@pytest.mark.parametrize("dtype", BYTES)
def test_a_number_without_dimensions_has_one_element_and_an_empty_tensor_none(dtype: str) -> None:
    tensor, raw = BYTES[dtype]
    assert digest({"w": tensor[0]}) == of((["w", dtype, []], raw[: len(raw) // 2]))
    assert digest({"w": tensor[:0]}) == of((["w", dtype, [0]], b""))
    assert digest({"w": tensor.new_empty(2, 0, 3)}) == of((["w", dtype, [2, 0, 3]], b""))


def test_how_a_tensor_lies_in_memory_does_not_count() -> None:
    rows = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    expected = of((["w", "float32", [4, 3]], b"".join(struct.pack("<f", rows[j, i]) for i in range(4) for j in range(3))))
    assert digest({"w": rows.t()}) == expected
    assert digest({"w": rows.t().contiguous()}) == expected
    image = torch.randn(2, 3, 4, 5)
    assert digest({"w": image.to(memory_format=torch.channels_last)}) == digest({"w": image})
    assert digest({"w": torch.ones(1).expand(5)}) == digest({"w": torch.ones(5)})
    assert digest({"w": torch.ones(2, requires_grad=True)}) == digest({"w": torch.ones(2)})


def test_zeros_of_either_sign_and_nans_of_either_payload_are_told_apart() -> None:
    assert digest({"w": torch.tensor(0.0)}) != digest({"w": torch.tensor(-0.0)})
    quiet, other = (torch.tensor(bits, dtype=torch.int32).view(torch.float32) for bits in (0x7FC00000, 0x7FC00001))
    assert digest({"w": quiet}) != digest({"w": other})
    assert digest({"w": quiet}) == digest({"w": quiet.clone()})


def test_order_and_kind_of_containers_do_not_count_but_names_do() -> None:
    one, two = torch.ones(1), torch.zeros(1)
    assert digest({"a": one, "b": two}) == digest({"b": two, "a": one})
    assert digest({"a": [one, two]}) == digest({"a": (one, two)}) == digest({"a": {0: one, 1: two}})
    assert digest({"a": one, "b": two}) != digest({"a": two, "b": one})
    # By name, not by number: "10" stands before "9".
    assert digest({"a": list(range(11))}) == of(*(([f"a.{i}", "int64", []], struct.pack("<q", i)) for i in [0, 1, 10, *range(2, 10)]))


def test_a_process_without_ftc_finds_the_same_in_the_file(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5), torch.nn.Linear(5, 2).to(torch.bfloat16))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1, betas=(0.8, 0.9))
    for param in model.parameters():
        param.grad = torch.full_like(param, 0.25)
    optimizer.step()
    scheduler: Any = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    given = {
        "model": dict(model.state_dict()),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "extra": {"ö": {"text": "größer", "none": None, "yes": True, "n": -1, "list": [0.1, {"x": torch.empty(0, 2)}], "nothing": {}}},
        "dtypes": {name: [tensor, tensor[0], tensor[:0]] for name, (tensor, _) in BYTES.items()},
        "strided": torch.randn(6, 4)[::2].t(),
        "large": [2**63, -(2**63) - 1, 2**127, -(2**64)],
        "alike": {"1": "a", 1: "b", "a.b": 1, "a": {"b": 2}, "half": "\ud800"},
        "1.x": {True: OrderedDict(b=1), "": Counter("aab")},
    }
    assert independent(given, tmp_path) == digest(given)


def test_a_process_without_ftc_finds_the_same_whatever_the_state_holds(tmp_path: Path) -> None:
    many = {f"state {seed}": state(random.Random(seed)) for seed in range(60)}
    assert independent(unpack(pack(many), copy=True), tmp_path) == digest(many)
