"""What is deferred of torch: not there while nobody needs it, and as torch made it as soon as somebody does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ftc import deferred

PRELUDE = """
import sys
from ftc import deferred
assert deferred.install()
import torch
deferred.watch_meta()
def waits(name):
    return isinstance(sys.modules[name], deferred._Deferred)
"""
TRAIN = """
model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3), torch.nn.Dropout(0.5))
optimizer = torch.optim.AdamW(model.parameters())
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
model(torch.ones(2, 3)).sum().backward()
torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
optimizer.step()
schedule.step()
optimizer.zero_grad()
state = optimizer.state_dict()
optimizer.load_state_dict(state)
"""


def run(code: str) -> None:
    """In a fresh interpreter: this one has torch."""
    package = str(Path(deferred.__file__).parents[1])
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {package!r})\n{PRELUDE}{code}"],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""


def test_training_needs_neither() -> None:
    run(TRAIN + "assert waits('torch._dynamo') and waits('torch._meta_registrations')\n")


@pytest.mark.parametrize(
    "code",
    [
        "make = lambda x: torch.sin(x) + 1\n"
        "made = torch.compile(make, backend='aot_eager')(torch.ones(2))\n"
        "assert torch.equal(made, make(torch.ones(2)))\n"
        "optimizer.step()\n"
        "again = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "again.step()\n",
        "import torch._dynamo.config\ntorch._dynamo.config.suppress_errors = True\n",
        "from torch._dynamo import optimize\n",
        "torch._dynamo.reset()\n",
    ],
    ids=["compile", "submodule", "from", "attribute"],
)
def test_compiling_after_training_brings_dynamo(code: str) -> None:
    run(TRAIN + code + "assert not waits('torch._dynamo') and not waits('torch._meta_registrations')\n")


@pytest.mark.parametrize(
    "code",
    [
        "x = torch.empty(3, 3, device='meta')\n"
        "assert torch.nn.Linear(3, 4, device='meta')(x).shape == (3, 4)\n"
        "assert torch.linalg.svd(x)[0].shape == (3, 3)\n",
        "with torch.device('meta'):\n    assert torch.nn.LSTM(3, 4)(torch.ones(2, 3))[0].shape == (2, 4)\n",
        "from torch._subclasses import FakeTensorMode\n"
        "with FakeTensorMode():\n"
        "    weights, indices = torch.zeros(4, 4), torch.zeros(1, 3, dtype=torch.long)\n"
        "    assert torch.nn.functional.embedding_bag(indices, weights).shape == (1, 4)\n",
    ],
    ids=["empty", "context", "fake"],
)
def test_the_meta_device_brings_its_kernels(code: str) -> None:
    run("assert waits('torch._meta_registrations')\n" + code + "assert not waits('torch._meta_registrations')\n")


def test_another_torch_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert deferred.version().startswith("2.")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(deferred, "version", lambda: "99.0")
    assert not deferred.install()
    assert deferred._Finder not in sys.meta_path
