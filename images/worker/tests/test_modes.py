"""What forward depends on besides tensors is the same in all workers, or the job fails and says what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from cluster import Cluster
from ftc.modes import Modes, difference
from places import fatal, go, reached


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("eval", "model.training is True in worker c (rank 1), and False in worker a (rank 0). No state holds it"),
        ("p", "model.1.p is 0.3 in worker c (rank 1), and 0.1 in worker a (rank 0). No state holds it"),
    ],
)
def test_a_worker_that_joins_with_other_modes(tmp_path: Path, kind: str, says: str) -> None:
    with Cluster(tmp_path, "modes.py", f"kind={kind}", "slice:7:*") as cluster:
        cluster.begin("a", "b")
        reached(cluster, "slice:7:a", "slice:7:b")
        cluster.kill("b")
        go(cluster)
        cluster.start("c")
        cluster.master.wait_ready("c")
        cluster.master.form(["a", "c"])
        for name in "ac":
            assert says in fatal(cluster, name)


@pytest.mark.parametrize("kind", ["each slice", "evaluated"])
def test_modes_that_follow_from_the_step(tmp_path: Path, kind: str) -> None:
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "go").touch()
    with Cluster(tmp_path / "alone", "modes.py", f"kind={kind}") as cluster:
        cluster.begin("a")
        alone = cluster.digests("a")
    with Cluster(tmp_path, "modes.py", f"kind={kind}", "slice:7:*") as cluster:
        cluster.begin("a", "b", "d")
        reached(cluster, "slice:7:a", "slice:7:b", "slice:7:d")
        cluster.kill("b")
        go(cluster)
        cluster.start("c")
        cluster.master.wait_ready("c")
        cluster.master.form(["a", "c", "d"])
        assert cluster.digests("a", "c", "d") == alone


def test_modes_that_change_between_two_slices(tmp_path: Path) -> None:
    with Cluster(tmp_path, "modes.py", "kind=by slice") as cluster:
        cluster.begin("a", "b")
        for name in "ab":
            assert "model.training changed from False to True between two slices of step 1" in fatal(cluster, name)


def test_what_counts_as_a_mode() -> None:
    class Own(nn.Linear):
        """Of the script."""

    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), Own(2, 2), nn.BatchNorm1d(2), nn.Identity())
    recurrent = nn.GRU(2, 2, num_layers=2, dropout=0.1)
    modes = Modes(nn.ModuleList([*model, recurrent]))
    first = modes.now()
    assert modes.now() == first != 0
    model[2].calls = 7
    model[2].in_features, model[1].seen = 3, torch.ones(2)
    model(torch.ones(3, 2)).sum().backward()
    assert modes.now() == first
    for change, name in (
        (lambda: model[1].train(False), "model.1.training"),
        (lambda: setattr(model[1], "p", 0.4), "model.1.p"),
        (lambda: setattr(model[1], "p", torch.ones(2)), "model.1.p"),
        (lambda: setattr(model[3], "momentum", None), "model.3.momentum"),
        (lambda: model[2].eval(), "model.2.training"),
        (lambda: setattr(recurrent, "dropout", 0.2), "model.5.dropout"),
    ):
        before = modes.now()
        change()
        assert modes.now() != before
        found = difference(modes.named, modes.before)
        assert found is not None and found[0] == name
    assert Modes(nn.ModuleList([*model, recurrent])).now() == modes.now()
    assert difference(modes.named, modes.named) is None
    assert difference({"a": "1"}, {}) == ("a", "1", "not there")
