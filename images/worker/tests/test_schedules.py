"""Several optimizers and schedulers, schedules by epoch, scalers and autocast: the same bits whatever happens, and those of plain torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cluster import Cluster
from places import facts, go, reached

KINDS = ["lists", "epoch", "plateau", "scaler", "autocast"]
STEPS = {"FTC_EPOCHS": "", "FTC_STEPS": "12"}


def run(tmp: Path, kind: str, names: str, virtual: int = 6) -> str:
    tmp.mkdir(exist_ok=True)
    with Cluster(tmp, "schedules.py", f"kind={kind}", FTC_VIRTUAL_RANKS=str(virtual), **STEPS) as cluster:
        cluster.begin(*names)
        (digest,) = cluster.digests(*names)
        return digest


@pytest.mark.parametrize("kind", KINDS)
def test_kill_and_resume_give_the_same_bits(tmp_path: Path, kind: str) -> None:
    expected = run(tmp_path / "alone", kind, "a")
    (tmp_path / "run").mkdir()
    with Cluster(tmp_path / "run", "schedules.py", f"kind={kind}", "slice:2:b", "slice:7:*", **STEPS) as cluster:
        cluster.begin("a", "b", "c")
        reached(cluster, "slice:2:b")
        cluster.kill("b")
        cluster.master.form(["c", "a"])
        cluster.master.wait(lambda _, m: m["type"] == "checkpoint" and m["step"] == 5 and m["ok"])
        reached(cluster, "slice:7:a", "slice:7:c")
        cluster.kill("a", "c")
        go(cluster)
        cluster.begin("d", "e")
        assert cluster.digests("d", "e") == {expected}
    told = facts(tmp_path / "alone", "a")
    assert facts(tmp_path / "run", "d") == facts(tmp_path / "run", "e") == told[5:]
    assert facts(tmp_path / "run", "a") == told[:7]


def by_torch(kind: str) -> tuple[nn.Module, list[list[float]]]:
    """The loop as it is written without ftc."""
    x = torch.randn(96, 8, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(8, 17), nn.Tanh(), nn.Linear(17, 2))
    optimizer: Any = torch.optim.Adam(model.parameters(), lr=0.02)
    schedulers: dict[str, Any] = {
        "epoch": lambda: torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5),
        "plateau": lambda: torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.2),
    }
    scheduler: Any = schedulers[kind]() if kind in schedulers else None
    rates = []
    for step in range(12):
        start = step % 4 * 24
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=kind == "autocast"):
            loss: torch.Tensor = model(x[start : start + 24]).float().square().mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if kind == "plateau":
            scheduler.step(loss.item())
        elif kind == "epoch" and step % 4 == 3:
            scheduler.step()
        rates.append([group["lr"] for group in optimizer.param_groups])
    return model, rates


@pytest.mark.parametrize("kind", ["plain", "epoch", "plateau", "autocast"])
def test_one_worker_with_one_virtual_rank_is_plain_torch(tmp_path: Path, kind: str) -> None:
    run(tmp_path, kind, "a", virtual=1)
    model, rates = by_torch(kind)
    assert [fact["rates"] for fact in facts(tmp_path, "a")] == rates
    ended = torch.load(tmp_path / "a.end")
    assert all(torch.equal(value, ended[name]) for name, value in model.state_dict().items())


def test_a_scaler_leaves_out_steps_with_infinite_gradients_in_all_workers(tmp_path: Path) -> None:
    """Step 3 is infinite in one slice, step 4 in all; the scale is halved for each, and grows after three good steps."""
    run(tmp_path, "scaler", "abc")
    told = facts(tmp_path, "c")
    assert told == facts(tmp_path, "a")
    weights, scales = [fact["w"] for fact in told], [float.fromhex(fact["scale"]) for fact in told]
    assert [step for step in range(1, 12) if weights[step] == weights[step - 1]] == [3, 4]
    assert scales[:6] == [1024.0, 1024.0, 2048.0, 1024.0, 512.0, 512.0]
