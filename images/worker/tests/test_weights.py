"""Losses with weights: the step's gradient is that of the mean over all that the weights count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cluster import Cluster
from places import facts, failures, fatal

STEPS = {"FTC_EPOCHS": "", "FTC_STEPS": "10"}


def run(tmp: Path, names: str, *args: str, virtual: int) -> str:
    tmp.mkdir()
    with Cluster(tmp, "weighs.py", *args, FTC_VIRTUAL_RANKS=str(virtual), **STEPS) as cluster:
        cluster.begin(*names)
        (digest,) = cluster.digests(*names)
        return digest


@pytest.fixture(scope="module")
def plain() -> tuple[dict[str, torch.Tensor], list[float]]:
    """The same training by torch alone, with the whole batch at once."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(96, 6, 8, generator=generator)
    mask = (torch.rand(96, 6, generator=generator) < torch.rand(96, 1, generator=generator)).float()
    mask[::5] = 0
    torch.manual_seed(2)
    model = nn.Linear(8, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses = []
    for step in range(10):
        part = slice(step % 4 * 24, step % 4 * 24 + 24)
        loss = (model(x[part]).square().mean(2) * mask[part]).sum() / mask[part].sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model.state_dict(), losses


@pytest.mark.parametrize("virtual", [1, 4, 12])
def test_it_is_the_loss_over_the_whole_batch(tmp_path: Path, plain: tuple[Any, list[float]], virtual: int) -> None:
    """Samples that the mask leaves nothing of make slices of weight 0, whose loss is NaN."""
    digests = {
        run(tmp_path / "a", "a", "own=steps", virtual=virtual),
        run(tmp_path / "ab", "ab", "kind=tensor", virtual=virtual),
        run(tmp_path / "abc", "abc", "own=steps", virtual=virtual),
    }
    assert len(digests) == 1
    weights, losses = plain
    ended = torch.load(tmp_path / "ab" / "b.end")
    for name, value in weights.items():
        torch.testing.assert_close(ended[name], value, rtol=1e-6 if virtual == 1 else 2e-6, atol=1e-7)
    told = [float.fromhex(fact["loss"]) for fact in facts(tmp_path / "abc", "c")]
    assert told == pytest.approx(losses, rel=1e-6)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("-1", "job.step(loss, weight=-1.0): a weight is a finite number that is not negative"),
        ("nan", "weight=nan"),
        ("inf", "weight=inf"),
        ("mixed", "with a weight for some slices of a step, and without for others"),
        ("zeros", "all weights of step 3 are 0"),
    ],
)
def test_weights_that_mean_nothing_are_refused(tmp_path: Path, fault: str, message: str) -> None:
    with Cluster(tmp_path, "weighs.py", f"fault={fault}", FTC_VIRTUAL_RANKS="12", **STEPS) as cluster:
        cluster.begin("a")
        assert message in fatal(cluster, "a")


def test_workers_that_weigh_differently_are_named(tmp_path: Path) -> None:
    with Cluster(tmp_path, "weighs.py", "fault=apart", **STEPS) as cluster:
        cluster.begin("a", "b")
        said = failures(cluster, "a", "b")
        assert all("at step 3 by worker a (rank 0), and without by the others" in text for text in said.values())
