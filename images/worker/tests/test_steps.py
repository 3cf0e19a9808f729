"""job.steps: one committed step a pass, whatever happens to the workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cluster import Cluster
from places import facts, fatal, go, reached


def committed(tmp: Path, worker: str) -> list[dict[str, Any]]:
    return [fact for fact in facts(tmp, worker) if "number" in fact]


def run(tmp: Path, names: str, *args: str, **env: str) -> str:
    tmp.mkdir(exist_ok=True)
    with Cluster(tmp, "steps.py", *args, **env) as cluster:
        cluster.begin(*names)
        (digest,) = cluster.digests(*names)
        return digest


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, Any]]]:
    tmp = tmp_path_factory.mktemp("alone")
    return run(tmp, "a"), committed(tmp, "a")


def test_it_is_the_same_training_as_batches_for_any_number_of_workers(tmp_path: Path, alone: tuple[str, Any]) -> None:
    assert run(tmp_path / "batches", "a", "loop=batches") == alone[0]
    assert run(tmp_path / "two", "ab", "loop=batches") == alone[0]
    assert run(tmp_path / "three", "abc") == alone[0]
    for worker in "abc":
        assert committed(tmp_path / "three", worker) == alone[1]
    assert [(fact["number"], fact["epoch"]) for fact in alone[1]] == [(step, step // 5) for step in range(15)]


@pytest.mark.parametrize("place", ["slice", "reduced", "committed", "body"])
def test_a_kill_at_any_place_of_a_pass(tmp_path: Path, alone: tuple[str, list[dict[str, Any]]], place: str) -> None:
    """A newcomer comes with the same change, so that it begins in the middle of the others' pass."""
    with Cluster(tmp_path, "steps.py", f"{place}:4:b") as cluster:
        cluster.begin("a", "b", "c")
        reached(cluster, f"{place}:4:b")
        cluster.start("d")
        cluster.master.wait_ready("d")
        cluster.kill("b")
        cluster.master.form(["d", "a", "c"])
        assert cluster.digests("a", "c", "d") == {alone[0]}
    for worker in "acd":
        found = committed(tmp_path, worker)
        numbers = [fact["number"] for fact in found]
        assert numbers == sorted(set(numbers)) and numbers[-1] == 14
        assert found == [alone[1][number] for number in numbers]
    assert len(committed(tmp_path, "a")) >= 14


def test_a_worker_joins_at_a_boundary(tmp_path: Path, alone: tuple[str, Any]) -> None:
    with Cluster(tmp_path, "steps.py", "reduced:4:*") as cluster:
        cluster.begin("a", "b")
        cluster.start("c")
        cluster.master.wait_ready("c")
        reached(cluster, "reduced:4:a", "reduced:4:b")
        cluster.master.form(["a", "b", "c"], "boundary")
        go(cluster)
        assert cluster.digests("a", "b", "c") == {alone[0]}
    assert committed(tmp_path, "a") == committed(tmp_path, "b") == alone[1]


def test_all_killed_between_reduction_and_commit_go_back_to_the_checkpoint(tmp_path: Path, alone: tuple[str, Any]) -> None:
    with Cluster(tmp_path, "steps.py", "reduced:7:*") as cluster:
        cluster.begin("a", "b")
        reached(cluster, "reduced:7:a", "reduced:7:b")
        cluster.master.wait(lambda _, m: m["type"] == "checkpoint" and m["step"] == 5 and m["ok"])
        cluster.kill("a", "b")
        go(cluster)
        cluster.begin("c")
        assert cluster.digests("c") == {alone[0]}
    assert committed(tmp_path, "c") == alone[1][5:]


def test_the_numbers_are_those_of_plain_torch(tmp_path: Path) -> None:
    env = {"FTC_VIRTUAL_RANKS": "4"}
    run(tmp_path / "three", "abc", "model=plain", **env)
    run(tmp_path / "exact", "a", "model=plain", FTC_VIRTUAL_RANKS="1")
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(112, 8, generator=generator)
    y = (x.sum(1) > 0).long()
    torch.manual_seed(2)
    model = nn.Linear(8, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    spread, exact = committed(tmp_path / "three", "b"), committed(tmp_path / "exact", "a")
    for number in range(15):
        start = number % 5 * 24
        loss = nn.functional.cross_entropy(model(x[start : start + 24]), y[start : start + 24])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None]))
        optimizer.step()
        for found in (spread[number], exact[number]):
            assert float.fromhex(found["loss"]) == pytest.approx(loss.item(), rel=1e-5)
            assert float.fromhex(found["grad_norm"]) == pytest.approx(norm, rel=1e-5)
    ended = torch.load(tmp_path / "exact" / "a.end")
    assert all(torch.equal(value, ended[name]) for name, value in model.state_dict().items())


def test_gradients_may_be_changed_alike_before_the_commit(tmp_path: Path, alone: tuple[str, Any]) -> None:
    """The whole batch's are there between the loop and the commit, and what the script makes of them counts."""
    changed = {run(tmp_path / names, names, "fault=double", "model=plain") for names in ("a", "abc")}
    assert len(changed) == 1
    assert changed != {run(tmp_path / "plain", "a", "model=plain")}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("no-commit", "step.commit() was not called"),
        ("no-backward", "step.backward was not called for a batch"),
        ("early-commit", "step.commit belongs once after the loop over a step's batches"),
        ("early-loss", "step.loss is known after the loop over the step's batches"),
        ("twice", "step.commit belongs once after the loop over a step's batches"),
    ],
)
def test_a_pass_that_leaves_something_out_says_so(tmp_path: Path, fault: str, message: str) -> None:
    with Cluster(tmp_path, "steps.py", f"fault={fault}") as cluster:
        cluster.begin("a", "b")
        assert all(message in fatal(cluster, name) for name in "ab")
