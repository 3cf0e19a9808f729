"""Whatever a state may hold comes back as it was; whatever it may not hold is refused by its path and type, by everything that reads a state."""

from __future__ import annotations

import collections
import io
import os
import random
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

from forbidden import FORBIDDEN, Colour, freed
from ftc.checkpoint.saving import bytes_of
from ftc.checkpoint.shadow import Shadow
from ftc.contents import as_held, check
from ftc.digest import digest, signature
from ftc.errors import UsageError
from ftc.packing import differing, fingerprints, pack, tensors_of, unpack
from ftc.state import clones
from states import bare, outline, state

pytestmark = pytest.mark.filterwarnings("ignore:ComplexHalf support:UserWarning")

ROUNDS = int(os.environ.get("FTC_ROUNDS", "300"))


def through_a_file(state: Any) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def copied(state: Any, into: Shadow) -> Any:
    into.copy_at_once(into.pair(state), whole=True)
    return into.state


def nothing_lasts(path: tuple[str | int, ...]) -> bool:
    return False


@pytest.mark.parametrize("block", range(10))
def test_whatever_a_state_may_hold_comes_back_as_it_was(block: int) -> None:
    for seed in range(block * ROUNDS // 10, (block + 1) * ROUNDS // 10):
        given = {"model": {}, "extra": state(random.Random(seed))}
        expected, told = digest(given), outline(given)
        check(given)
        shadow = Shadow(given, nothing_lasts)
        packed = pack(given)
        for way, again in {
            "sent": unpack(packed, copy=True),
            "viewed": unpack(packed, copy=False),
            "sent twice": unpack(pack(unpack(packed, copy=False)), copy=True),
            "cloned": clones(given),
            "shadow": copied(given, shadow),
            "shadow, again": copied(given, shadow),
            "file": through_a_file(shadow.state),
            "shadow of a file": copied(through_a_file(shadow.state), shadow),
            "as held": as_held(unpack(packed, copy=True), given),
        }.items():
            assert digest(again) == expected, (seed, way)
            assert outline(again) == told, (seed, way)
            assert torch.equal(fingerprints(again), fingerprints(given)), (seed, way)
            assert bytes_of(again) == bytes_of(given) and signature(again) == signature(given), (seed, way)


def test_what_the_other_side_has_is_left_out() -> None:
    for seed in range(ROUNDS // 3):
        draw = random.Random(seed)
        given = [state(draw) for _ in range(3)]
        older = clones(given)
        for tensor in tensors_of(older):
            if tensor.numel() and draw.random() < 0.3:
                tensor.copy_(torch.zeros(tensor.numel() * tensor.element_size(), dtype=torch.uint8).view(tensor.dtype).view(tensor.shape))
        lacking = differing(fingerprints(given), fingerprints(older))
        assert lacking is not None
        again = unpack(pack(given, only=lacking), copy=True, have=list(tensors_of(older)))
        assert outline(again) == outline(given), seed


def containers(value: Any, path: str = "state") -> list[tuple[Any, str]]:
    """Lists and dicts to plant something in, with their paths."""
    found = [(value, path)] if isinstance(value, (list, dict)) else []
    if isinstance(value, (dict, list, tuple)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            text = str(bare(key)[1])
            found += containers(item, f"{path}.{text}" if text.isprintable() and text else f"{path}[{text!r}]")
    return found


def planted(seed: int, value: Any) -> tuple[Any, str]:
    """A state that holds the value somewhere, and where."""
    draw = random.Random(seed)
    whole = {"model": {"w": torch.ones(3)}, "extra": {"holder": [state(draw)]}}
    into, path = draw.choice(containers(whole))
    if isinstance(into, dict):
        into["planted"] = value
        return whole, f"{path}.planted"
    into.append(value)
    return whole, f"{path}.{len(into) - 1}"


@pytest.mark.parametrize("kind", FORBIDDEN)
@pytest.mark.filterwarnings("ignore:Sparse CSR:UserWarning", "ignore:The PyTorch API of nested:UserWarning")
def test_whatever_it_may_not_hold_is_refused_by_its_path_and_type(kind: str) -> None:
    make, words = FORBIDDEN[kind]
    for seed in range(max(ROUNDS // 30, 1)):
        bad, path = planted(seed, make())
        shadow = Shadow(planted(seed, torch.ones(3, 3) if isinstance(make(), torch.Tensor) else 1.0)[0], nothing_lasts)
        for reads in (check, pack, digest, lambda bad: Shadow(bad, nothing_lasts), shadow.pair):
            if reads == shadow.pair and "too large" in kind:
                continue  # the digest, which is made of what was copied, refuses it
            with pytest.raises(UsageError) as refused:
                reads(bad)
            assert str(refused.value).startswith(f"{path}: ") and words in str(refused.value), (seed, reads)
        if isinstance(make(), torch.Tensor):
            with pytest.raises(UsageError):
                fingerprints(bad)


@pytest.mark.parametrize("key", [(1, 2), 0.5, None, b"a", np.int64(1), Colour.RED, frozenset([1]), torch.float32])
def test_keys_are_text_or_integers(key: Any) -> None:
    for seed in range(max(ROUNDS // 30, 1)):
        bad, path = planted(seed, {key: 1})
        for reads in (check, pack, digest, lambda bad: Shadow(bad, nothing_lasts)):
            with pytest.raises(UsageError) as refused:
                reads(bad)
            assert str(refused.value).startswith(f"{path}: keys of ") and type(key).__name__ in str(refused.value)


def test_memory_that_was_given_back_is_no_tensor() -> None:
    bad, _ = planted(1, freed())
    with pytest.raises(UsageError, match="a tensor of torch.float32 whose memory was given back"):
        check(bad)


def test_what_holds_itself_is_refused_and_so_is_what_is_nested_too_deeply() -> None:
    for seed in range(max(ROUNDS // 30, 1)):
        bad, _ = planted(seed, None)
        into, _ = random.Random(seed).choice(containers(bad))
        if isinstance(into, dict):
            into["loop"] = [into]
        else:
            into.append([into])
        for reads in (check, pack, digest, lambda bad: Shadow(bad, nothing_lasts)):
            with pytest.raises(UsageError, match="that holds itself cannot be kept"):
                reads(bad)
    deep: Any = 1
    for _ in range(98):
        deep = [deep]
    check({"a": deep})
    assert outline(through_a_file(unpack(pack({"a": deep}), copy=True))) == outline({"a": deep})
    with pytest.raises(UsageError, match="^state.a(.0)+: more than 100 dicts and lists in one another"):
        check({"a": [[deep]]})


def test_attributes_are_looked_at_too() -> None:
    for bad, words in ((np.float32(1), "numpy.float32"), ({"w": torch.ones(1)}, "a tensor in an attribute")):
        ordered: Any = OrderedDict(a=1)
        ordered._metadata = bad
        with pytest.raises(UsageError, match=f"^state.x._metadata: .*{words}"):
            check({"x": ordered})
    counter: Any = collections.Counter("a")
    counter.more = 1
    with pytest.raises(UsageError, match="^state.x: the attributes of a Counter"):
        check({"x": counter})
