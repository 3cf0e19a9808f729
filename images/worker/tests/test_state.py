from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import pytest
import torch

from ftc.digest import digest, signature
from ftc.errors import UsageError
from ftc.packing import pack, unpack

STATE = {
    "model": {"w": torch.tensor([[1.0, -0.0], [float("nan"), 3.0]]), "n": torch.tensor(5), "half": torch.ones(3, dtype=torch.bfloat16)},
    "optimizer": {"state": {0: {"step": torch.tensor(2.0)}}, "groups": [{"lr": 0.1, "betas": (0.9, 0.999), "amsgrad": False, "name": "ö", "fused": None}]},
    "empty": torch.empty(0, 4),
    "bits": torch.tensor([True, False]),
}


def test_a_state_survives_packing_bit_by_bit(tmp_path: Path) -> None:
    packed = pack(STATE)
    for copy in (True, False):
        again = unpack(packed, copy=copy)
        assert digest(again) == digest(STATE)
        assert again["optimizer"]["groups"][0]["betas"] == (0.9, 0.999)
        assert list(again["optimizer"]["state"]) == [0]
    torch.save(unpack(packed, copy=False), tmp_path / "state.pt")
    assert digest(torch.load(tmp_path / "state.pt", weights_only=True)) == digest(STATE)


def test_a_reused_buffer_may_be_larger() -> None:
    packed = pack(STATE, torch.full((10_000,), 255, dtype=torch.uint8))
    assert packed.payload.numel() == 10_000
    assert digest(unpack(packed, copy=True)) == digest(STATE)


def test_a_copy_shares_no_memory() -> None:
    packed = pack(STATE)
    state = unpack(packed, copy=True)
    packed.payload.zero_()
    assert digest(state) == digest(STATE)


def test_what_cannot_be_kept_is_named() -> None:
    with pytest.raises(UsageError, match="state.extra.0: a set"):
        pack({"extra": [{1, 2}]})


def test_the_digest_is_what_its_description_says() -> None:
    state = {"b": {"w": torch.tensor([[1.5, 2.5]])}, "a": [3, 0.5, True, None, "ö"]}
    parts = [
        (["a.0", "int64", []], struct.pack("<q", 3)),
        (["a.1", "float64", []], struct.pack("<d", 0.5)),
        (["a.2", "bool", []], b"\1"),
        (["a.3", "none", []], b""),
        (["a.4", "str", [2]], "ö".encode()),
        (["b.w", "float32", [1, 2]], struct.pack("<ff", 1.5, 2.5)),
    ]
    text = b"".join(json.dumps(head, separators=(",", ":")).encode() + b"\n" + raw for head, raw in parts)
    assert digest(state) == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        {"w": torch.tensor([1.0, 2.0000002])},
        {"w": torch.tensor([[1.0, 2.0]])},
        {"w": torch.tensor([1.0, 2.0], dtype=torch.float64)},
        {"v": torch.tensor([1.0, 2.0])},
        {"w": torch.tensor([1.0, 2.0]), "x": None},
    ],
)
def test_every_difference_shows_in_the_digest(other: dict[str, object]) -> None:
    assert digest(other) != digest({"w": torch.tensor([1.0, 2.0])})


def test_the_signature_ignores_values_only() -> None:
    assert signature({"w": torch.zeros(2)}) == signature({"w": torch.ones(2)})
    assert signature({"w": torch.zeros(2)}) != signature({"w": torch.zeros(3)})
    assert signature({"w": torch.zeros(2)}) != signature({"w": torch.zeros(2, dtype=torch.float64)})
