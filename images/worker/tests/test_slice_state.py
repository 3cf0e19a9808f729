"""What forward moves, what it leaves alone, and what becomes of both."""

from __future__ import annotations

import torch
from torch import nn

from ftc.slice_state import SliceState


class Model(nn.Module):
    """Forward moves `mean`, and leaves `table` alone."""

    def __init__(self) -> None:
        super().__init__()
        self.mean: torch.Tensor
        self.table: torch.Tensor
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("table", torch.arange(4.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.mean.add_(x.mean())
        return x * self.table.sum()


def step(model: Model, slices: SliceState, at: float) -> None:
    """One step of one slice, up to its reduction."""
    slices.begin()
    model(torch.full((2,), at))
    slices.keep()
    slices.look()
    slices.rewind()
    slices.suspects.close()


def flip(value: torch.Tensor) -> None:
    value.view(torch.int32)[1] ^= 1 << 20


def trained() -> tuple[Model, SliceState]:
    """After a first step, in which it was learned what moves."""
    model = Model()
    slices = SliceState([("model.", model)], [])
    slices.agree()
    step(model, slices, 1.0)
    slices.take(slices.kept)
    slices.commit()
    return model, slices


def test_only_what_forward_moves_is_told() -> None:
    model, slices = trained()
    assert slices.moving == {"model.mean"}
    assert [name for name, _ in slices.kept] == ["model.mean"]
    assert slices.bytes == 12
    assert model.mean.tolist() == [1.0] * 3


def test_a_bit_that_flips_between_the_slices_and_the_commit_stays_to_be_found() -> None:
    model, slices = trained()
    step(model, slices, 1.0)
    flip(model.table)
    slices.commit()
    assert model.table.tolist() != [0.0, 1.0, 2.0, 3.0]
    assert model.mean.tolist() == [2.0] * 3


def test_a_bit_that_flipped_in_rank_0_before_is_not_told() -> None:
    model, slices = trained()
    other, others = trained()
    flip(model.table)
    step(model, slices, 1.0)
    step(other, others, 5.0)
    others.unpack(slices.packed())
    others.commit()
    assert other.table.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert other.mean.tolist() == [2.0] * 3


def test_a_bit_that_flips_within_a_slice_is_put_back_and_told_of() -> None:
    model, slices = trained()
    slices.begin()
    model(torch.ones(2))
    flip(model.table)
    slices.keep()
    slices.look()
    slices.rewind()
    assert slices.suspects.close() == []
    assert model.table.tolist() == [0.0, 1.0, 2.0, 3.0]
    slices.begin()
    model(torch.ones(2))
    slices.keep()
    slices.look()
    assert slices.suspects.close() == ["model.table"]


def test_what_moves_and_changes_before_any_code_of_the_script_is_put_back() -> None:
    model, slices = trained()
    slices.begin()
    assert slices.steady() == []
    flip(model.mean)
    assert slices.steady() == ["model.mean"]
    assert model.mean.tolist() == [1.0] * 3


def test_the_fingerprint_of_what_moves_shows_a_flip_before_the_step() -> None:
    model, slices = trained()
    slices.begin()
    before = slices.print()
    flip(model.table)
    slices.begin()
    assert slices.print() == before
    flip(model.mean)
    slices.begin()
    assert slices.print() != before


def test_a_buffer_that_forward_takes_away_is_put_back() -> None:
    model = Model()
    slices = SliceState([("model.", model)], [])
    slices.begin()
    delattr(model, "table")
    slices.look()
    slices.rewind()
    assert dict(model.named_buffers())["table"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_an_evaluation_changes_nothing() -> None:
    """It has no step, and looks only before it puts back."""
    model, _ = trained()
    keep = SliceState([("model.", model)], [])
    keep.begin()
    model(torch.ones(2))
    model.table = torch.zeros(7)
    keep.look()
    keep.rewind()
    assert (model.mean.tolist(), model.table.tolist()) == ([1.0] * 3, [0.0, 1.0, 2.0, 3.0])
