"""A bit of another process's memory is flipped, and that process sees it. The process tells where its tensors lie as a worker does."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ftc_chaos import bitflip, memory
from ftc_chaos.act import Absent
from ftc_chaos.bitflip import Bitflip, flip, position_of
from ftc_chaos.memory import Map, Memory, read_map

RUNTIME = Path(__file__).parents[2] / "worker"

CHILD = """
import sys
from pathlib import Path
import torch
from ftc import memory_map
memory_map.PATH = Path(sys.argv[1])
tensors = {
    "model.0.weight": torch.nn.Parameter(torch.arange(6.0).reshape(2, 3)),
    "model.1.running_mean": torch.zeros(4),
    "optimizer.state.0.exp_avg": torch.full((2, 3), 0.5, dtype=torch.bfloat16),
    "buffers.mask": torch.tensor([True, False]),
    "extra.zero": torch.zeros(()),
}
memory_map.publish(list(tensors.items()))
print("ready", flush=True)
for line in sys.stdin:
    command, name = line.split()
    if command == "move":
        tensors[name] = tensors[name].detach().clone()
        memory_map.publish(list(tensors.items()))
    print(bytes(tensors[name].detach().view(torch.uint8).flatten().tolist()).hex(), flush=True)
"""


class Child:
    def __init__(self, path: Path) -> None:
        self.path = path
        environment = {**os.environ, "PYTHONPATH": str(RUNTIME)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, command: str, name: str) -> bytes:
        """The tensor's bytes, as its own process reads them."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(command, name, file=self.process.stdin, flush=True)
        return bytes.fromhex(self.process.stdout.readline())

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    child = Child(tmp_path_factory.mktemp("worker") / "map.json")
    yield child
    child.end()


@pytest.fixture
def child(worker: Child, monkeypatch: pytest.MonkeyPatch) -> Child:
    monkeypatch.setattr(memory, "MAP", worker.path)
    return worker


def spec(**more: Any) -> dict[str, Any]:
    return {"act": "bitflip", "id": "ab12cd-1", "seed": "7 rank 1", "tensor": None, "bit": None, "kind": "any", **more}


def changed(before: bytes, after: bytes) -> list[int]:
    """Bits that are not as they were, counted from the tensor's first byte."""
    a, b = int.from_bytes(before, "little"), int.from_bytes(after, "little")
    return [bit for bit in range(8 * len(before)) if (a ^ b) >> bit & 1]


def test_the_other_process_has_exactly_one_other_bit_in_the_element_that_is_told(child: Child) -> None:
    name = "model.0.weight"
    before = child.ask("show", name)
    act = Bitflip(spec(tensor=name, bit=20))
    seen = act.look()
    assert child.ask("show", name) == before, "looking changes nothing"
    told = act.apply(seen)
    after = child.ask("show", name)
    assert changed(before, after) == [32 * told["index"] + 20]
    row, column = told["position"]
    assert (told["tensor"], told["kind"], told["bit"], told["dtype"]) == (name, "parameter", 20, "float32")
    assert float(told["old"]) == struct.unpack_from("<f", before, 4 * told["index"])[0]
    assert told["index"] == 3 * row + column
    assert float(told["new"]) == pytest.approx(struct.unpack_from("<f", after, 4 * told["index"])[0])


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("parameter", {"model.0.weight"}),
        ("moment", {"optimizer.state.0.exp_avg"}),
        ("buffer", {"model.1.running_mean", "buffers.mask", "extra.zero"}),
        ("any", {"model.0.weight", "optimizer.state.0.exp_avg", "model.1.running_mean", "buffers.mask", "extra.zero"}),
    ],
)
def test_what_is_not_said_is_drawn_by_the_seed(child: Child, kind: str, names: set[str]) -> None:
    looks = [Bitflip(spec(kind=kind, seed=str(seed))).look() for seed in range(60)]
    assert {look["tensor"] for look in looks} == names
    assert looks == [Bitflip(spec(kind=kind, seed=str(seed))).look() for seed in range(60)]
    assert len({(look["tensor"], look["index"], look["bit"]) for look in looks}) > len(names)


def test_a_pattern_chooses_among_those_that_it_fits(child: Child) -> None:
    looks = [Bitflip(spec(tensor="model.*", seed=str(seed))).look()["tensor"] for seed in range(30)]
    assert set(looks) == {"model.0.weight", "model.1.running_mean"}


def test_what_is_not_there_is_named(child: Child) -> None:
    with pytest.raises(Absent, match=r"no tensor model\.9; it has buffers\.mask, extra\.zero, model\.0\.weight"):
        Bitflip(spec(tensor="model.9")).look()
    with pytest.raises(Absent, match=r"no moment model\.\*; it has optimizer\.state\.0\.exp_avg"):
        Bitflip(spec(tensor="model.*", kind="moment")).look()
    with pytest.raises(Absent, match="float32, which has no bit 32: its last is 31"):
        Bitflip(spec(tensor="model.0.weight", bit=32)).look()
    with pytest.raises(Absent, match="bool, which has no bit 1: its last is 0"):
        Bitflip(spec(tensor="buffers.mask", bit=1)).look()


def test_a_tensor_that_has_moved_since_it_was_looked_at_is_hit_where_it_is_now(child: Child) -> None:
    name = "model.1.running_mean"
    act = Bitflip(spec(tensor=name, bit=3))
    seen = act.look()
    before = child.ask("move", name)
    told = act.apply(seen)
    assert changed(before, child.ask("show", name)) == [32 * told["index"] + 3]


def test_a_tensor_that_moves_in_the_very_moment_gives_back_what_was_taken_from_its_old_place(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "model.1.running_mean"
    old = next(place for place in read_map().places if place.name == name)
    moved: list[bytes] = []
    write = Memory.write

    def move_first(self: Memory, address: int, data: bytes) -> None:
        write(self, address, data)
        if not moved:
            moved.append(child.ask("move", name))

    monkeypatch.setattr(Memory, "write", move_first)
    before = child.ask("show", name)
    act = Bitflip(spec(tensor=name, bit=3))
    told = act.apply(act.look())
    after = child.ask("show", name)
    new = next(place for place in read_map().places if place.name == name)
    assert new.address != old.address
    # The copy has the flipped bit already.
    assert moved == [after]
    assert changed(before, after) == [32 * told["index"] + 3]
    assert told["position"] == [told["index"]]


def test_memory_that_may_be_anothers_gets_back_what_was_taken_from_it(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    told = read_map()
    place = next(p for p in told.places if p.name == "model.0.weight")
    before = child.ask("show", place.name)
    monkeypatch.setattr(Map, "holds", False)
    with memory.memory_of(told) as seen:
        assert flip(seen, place, 1, 7, told) == (before[4:8], False)
    assert child.ask("show", place.name) == before


def test_a_worker_that_writes_to_the_place_in_the_same_moment_is_hit_again(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    told = read_map()
    place = next(p for p in told.places if p.name == "model.0.weight")
    write, lost = Memory.write, [True, True]

    def overwritten(self: Memory, address: int, data: bytes) -> None:
        write(self, address, data if not lost else self.read(address, 1))
        if lost:
            lost.pop()

    monkeypatch.setattr(Memory, "write", overwritten)
    with memory.memory_of(told) as seen:
        assert flip(seen, place, 0, 5, told)[1] is False
    act = Bitflip(spec(tensor="model.0.weight", bit=5))
    before = child.ask("show", "model.0.weight")
    found = act.apply(act.look())
    assert changed(before, child.ask("show", "model.0.weight")) == [32 * found["index"] + 5]
    lost.extend([True] * (bitflip.TRIES + 1))
    with pytest.raises(Absent, match="a flipped bit does not stay"):
        act.apply(act.look())


def test_a_worker_that_tells_nothing_is_no_target(child: Child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "map.json"
    monkeypatch.setattr(memory, "MAP", path)
    with pytest.raises(Absent, match="does not train yet, its image is of an older ftc, or torchrun launched it"):
        Bitflip(spec()).look()
    path.write_text(json.dumps({**json.loads(child.path.read_text()), "tensors": []}))
    with pytest.raises(Absent, match="those on a GPU cannot be reached"):
        Bitflip(spec()).look()


def test_what_a_dead_process_has_told_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "map.json"
    monkeypatch.setattr(memory, "MAP", path)
    child = Child(path)
    told = json.loads(path.read_text())
    # The pid of another process now: it began at another time.
    path.write_text(json.dumps({**told, "pid": os.getpid()}))
    with pytest.raises(Absent, match="does not train yet"):
        Bitflip(spec()).look()
    path.write_text(json.dumps(told))
    act = Bitflip(spec())
    seen = act.look()
    child.end()
    with pytest.raises(Absent, match="does not train yet"):
        act.apply(seen)


def test_a_map_holds_until_it_says_something_else(child: Child) -> None:
    told: Map = read_map()
    assert told.holds
    child.ask("move", "buffers.mask")
    assert not told.holds


def test_a_bit_that_no_arithmetic_sees_is_not_drawn(child: Child) -> None:
    # A zero: each bit but the sign.
    drawn = {Bitflip(spec(tensor="extra.zero", seed=str(seed))).look()["bit"] for seed in range(300)}
    assert drawn == set(range(31))


def test_a_position_is_the_index_along_each_dimension() -> None:
    assert [position_of(i, (2, 3)) for i in (0, 2, 3, 5)] == [[0, 0], [0, 2], [1, 0], [1, 2]]
    assert position_of(0, ()) == []
