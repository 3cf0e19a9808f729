"""What scripts, torch's own optimizers and schedulers, and modules put into a state is kept, and comes back so that they go on as before."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn

from checkpoints import Live, telling
from ftc.checkpoint import saving
from ftc.checkpoint.durable import Clock
from ftc.checkpoint.manifest import read
from ftc.checkpoint.shadow import Differs, Shadow
from ftc.checkpoint.verify import verify
from ftc.checkpoint.writer import Writer
from ftc.contents import as_held, check
from ftc.digest import digest
from ftc.errors import UsageError
from ftc.messages import CheckpointReport
from ftc.packing import Packed, pack, unpack
from states import Level, Mode, outline
from trainings import of


def sent(state: Any) -> Any:
    return unpack(pack(state), copy=True)


def saved(state: Any, folder: Path) -> Any:
    """By a checkpoint of a job."""
    reports: list[CheckpointReport] = []
    writer = Writer(folder, "me", reports.append)
    assert writer.write(Live({"model": {}, "optimizer": {}, "extra": state}), telling(1)), reports
    return of(1, folder)["extra"]


def test_a_generator_of_numpy_goes_on_after_a_checkpoint(tmp_path: Path) -> None:
    for kind in (np.random.PCG64, np.random.PCG64DXSM, np.random.SFC64, np.random.Philox, np.random.MT19937):
        generator = np.random.Generator(kind(7))
        state: Any = generator.bit_generator.state
        if kind in (np.random.PCG64, np.random.PCG64DXSM):
            check(state)
            for again in (sent(state), saved(state, tmp_path / kind.__name__)):
                other = np.random.Generator(kind(8))
                other.bit_generator.state = again
                generator.bit_generator.state = state
                assert other.standard_normal() == generator.standard_normal()
        else:
            with pytest.raises(UsageError, match=r"^draws.state.*: a numpy.ndarray cannot be kept in a checkpoint: convert it with torch.from_numpy"):
                check(state, "draws")


OPTIMIZERS = [getattr(torch.optim, name) for name in torch.optim.__all__ if name not in ("Optimizer", "lr_scheduler", "swa_utils", "SparseAdam", "LBFGS")]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_the_optimizers_of_torch_are_kept(make: Any, tmp_path: Path) -> None:
    model = nn.Conv2d(3, 4, 3)
    model.weight.data = model.weight.data.contiguous(memory_format=torch.channels_last)
    optimizer = make(model.parameters())
    model(torch.ones(1, 3, 8, 8)).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    check(state)
    for again in (sent(state), saved(state, tmp_path)):
        assert outline(again) == outline(state)


SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "lambda": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda epoch: 0.9**epoch),
    "steps": lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [3, 5, 5]),
    "one cycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, 10),
    "cyclic": lambda o: torch.optim.lr_scheduler.CyclicLR(o, 0.1, 1.0),
    "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 4),
    "plateau": lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o),
    "one after the other": lambda o: torch.optim.lr_scheduler.SequentialLR(
        o, [torch.optim.lr_scheduler.ConstantLR(o), torch.optim.lr_scheduler.ExponentialLR(o, 0.9)], [3]
    ),
}


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_the_schedulers_of_torch_are_kept(kind: str, tmp_path: Path) -> None:
    scheduler = SCHEDULERS[kind](torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1, momentum=0.9))
    state = scheduler.state_dict()
    check(state)
    for again in (sent(state), saved(state, tmp_path)):
        assert outline(again) == outline(state)


class Migrating(nn.Module):
    """Takes a state without a version for an old one."""

    _version = 2

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))

    def _load_from_state_dict(self, state: Any, prefix: str, metadata: Any, *rest: Any) -> None:
        if metadata.get("version") != 2:
            state[prefix + "scale"] = state[prefix + "scale"] + 1
        cast(Any, super())._load_from_state_dict(state, prefix, metadata, *rest)


def test_the_versions_of_modules_come_back_with_a_state_dict(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), Migrating())
    state = {"net": model.state_dict()}
    expected = digest(state)
    for again in (sent(state), saved(state, tmp_path)):
        assert again["net"]._metadata == model.state_dict()._metadata  # type: ignore[attr-defined]
        model.load_state_dict(again["net"])
        assert digest({"net": model.state_dict()}) == expected


def test_containers_come_back_of_their_kind_and_in_their_order(tmp_path: Path) -> None:
    state = {"b": OrderedDict(z=1, a=2), "a": Counter("abca"), "size": torch.Size([2, 3]), "tuple": (1, (2.5, None), [True]), 3: {}, 1: (), -7: []}
    for again in (sent(state), saved(state, tmp_path)):
        assert outline(again) == outline(state)


def test_a_shadow_follows_the_order_of_a_dict() -> None:
    shadow = Shadow({"a": 1, "b": 2}, lambda path: False)
    shadow.pair({"a": 3, "b": 4})
    assert shadow.state == {"a": 3, "b": 4}
    for other in ({"b": 1, "a": 2}, OrderedDict(a=1, b=2), {"a": 1}, {"a": 1, "b": 2, "c": 3}, [1, 2]):
        with pytest.raises(Differs):
            shadow.pair(cast(Any, other))


def test_members_of_an_enum_count_as_what_they_stand_for_and_are_members_again() -> None:
    held = {"mode": Mode.FAST, "level": [Level.LOW], "rate": np.float64(0.3), Mode.SLOW: 1}
    assert digest(held) == digest({"mode": "fast", "level": [1], "rate": 0.3, "slow": 1})
    plain = sent({**held, "mode": Mode.SLOW, "level": [Level.HIGH, Level.LOW]})
    assert [type(value) for value in (plain["mode"], plain["level"][0], plain["rate"])] == [str, int, float]
    again = as_held(plain, held)
    assert again["mode"] is Mode.SLOW and again["level"][0] is Level.HIGH and type(again["rate"]) is np.float64
    assert again[Mode.SLOW] == 1


def test_what_a_class_does_not_know_stays_plain() -> None:
    assert as_held({"mode": "other", "rate": 1, "gone": "fast"}, {"mode": Mode.FAST, "rate": np.float64(1)}) == {"mode": "other", "rate": 1, "gone": "fast"}
    assert as_held(["fast"], {"mode": Mode.FAST}) == ["fast"]
    assert np.isnan(as_held([float("nan")], [np.float64(1)])[0])


LIES = {
    "channels last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "channels last 3d": torch.randn(2, 3, 4, 5, 6).to(memory_format=torch.channels_last_3d),
    "channels last, one pixel": torch.empty_strided((4, 3, 1, 1), (3, 1, 3, 3)).normal_(),
    "transposed": torch.randn(3, 5).t(),
}


@pytest.mark.parametrize("kind", LIES)
def test_how_a_tensor_lies_in_memory_comes_back(kind: str, tmp_path: Path) -> None:
    tensor = LIES[kind]
    for again in (sent({"w": tensor})["w"], unpack(pack({"w": tensor}), copy=False)["w"], saved({"w": tensor}, tmp_path)["w"]):
        assert again.stride() == tensor.stride() and torch.equal(again, tensor)
    assert digest({"w": tensor}) == digest({"w": tensor.contiguous()})


def test_a_shadow_follows_how_a_tensor_lies() -> None:
    rows, columns, wide = torch.ones(2, 3), torch.ones(3, 2).t(), torch.ones(1).expand(2, 3)
    shadow = Shadow({"w": rows}, lambda path: False)
    shadow.pair({"w": rows})
    shadow.pair({"w": wide})
    with pytest.raises(Differs):
        shadow.pair({"w": columns})


def test_a_part_of_a_large_tensor_is_kept_without_the_rest(tmp_path: Path) -> None:
    large = torch.randn(1_000_000)
    saved({"w": large[10:20], "v": large[::100_000]}, tmp_path)
    assert (tmp_path / "step-00000001" / "state.pt").stat().st_size < 20_000


def test_structures_of_before_can_be_read() -> None:
    payload = torch.arange(24, dtype=torch.uint8)
    old = Packed(b'{"d": [["w", {"t": ["uint8", [2, 3], 0]}], [3, [1, NaN, {"u": [null]}]]]}', payload, 24)
    again = unpack(old, copy=True)
    assert torch.equal(again["w"], payload[:6].view(2, 3)) and again[3][0] == 1 and again[3][2] == (None,) and again[3][1] != again[3][1]


def test_integers_beyond_64_bits_have_bytes_of_their_own_in_the_digest() -> None:
    border = [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**127, 2**64 - 1]
    assert len({digest({"n": n}) for n in border}) == len(border)


def test_leaves_of_one_name_are_told_apart() -> None:
    assert digest({1: "a", "1": "b"}) == digest({"1": "b", 1: "a"}) != digest({1: "b", "1": "a"})
    assert digest({"a.b": 1, "a": {"b": 2}}) == digest({"a": {"b": 2}, "a.b": 1}) != digest({"a.b": 2, "a": {"b": 1}})


def test_a_digest_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    about = telling(1)()
    with pytest.raises(UsageError, match="^state.extra: an int of 2040 bits"):
        saving.save(tmp_path, {"model": {}, "optimizer": {}, "extra": 1 << 2039}, about, Clock(), lambda: None)


def test_what_is_loaded_is_what_was_kept(tmp_path: Path) -> None:
    state = {"model": OrderedDict(w=LIES["transposed"]), "optimizer": {"n": 2**127}, "extra": {"c": Counter(a=2), "m": Mode.FAST}}
    writer = Writer(tmp_path, "me", lambda report: None)
    assert writer.write(Live(state), telling(1))
    directory = tmp_path / "step-00000001"
    about = read(directory / "manifest.json")
    again = verify(directory, about)
    assert about.digest == digest(state) == digest(again) and outline(again) == outline(state)
