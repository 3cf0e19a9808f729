"""docs/training-scripts.md is true: every snippet trains to the same bits, and every message that it quotes is one of ours."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest

from cluster import Cluster

PAGE = Path(__file__).parents[3] / "docs" / "training-scripts.md"
SOURCES = Path(__file__).parents[1] / "ftc"

PRELUDE = """
import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset, WeightedRandomSampler

import ftc


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1))
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        return self.head(self.backbone(x))


def train(job):
    data = torch.randn(96, 8), torch.arange(96) % 4
    held_out = torch.randn(50, 8), torch.arange(50) % 4
    model = Net().to(job.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
"""
TRAIN = "\n\ndef train("
REGISTER = "job.register(model=model, optimizer=optimizer)\n"
LOOP = "for batch in job.batches(data, batch_size=24):\n    job.step(F.cross_entropy(model(batch.x), batch.y))\n"
RUN = "\n\nftc.run(train)\n"


def snippets() -> dict[str, str]:
    """The blocks of Python by the heading that they stand under, and their number there."""
    found: dict[str, str] = {}
    for section in re.split(r"^#+ ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        for number, code in enumerate(re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)):
            found[f"{section.splitlines()[0]} {number}"] = code
    return found


def whole(code: str) -> str:
    """A script of a snippet: what it does not show stands around it. Its classes are the module's, so that loader processes find them."""
    if "ftc.run(" in code:
        return code
    tree = ast.parse(code)
    lines = code.splitlines(keepends=True)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    apart = "\n\n".join("".join(lines[node.lineno - 1 : node.end_lineno]) for node in classes)
    for node in reversed(classes):
        del lines[node.lineno - 1 : node.end_lineno]
    code = "".join(lines)
    before = "" if "job.register(" in code else REGISTER
    after = "" if re.search(r"job\.(batches|steps)\(", code) else LOOP
    return PRELUDE.replace(TRAIN, apart + TRAIN) + indent(before + code + after, "    ") + RUN


def quoted() -> list[str]:
    """The first column of the tables of refusals."""
    refused = PAGE.read_text(encoding="utf-8").split("\n## What is refused\n")[1].split("\n## ")[0]
    return [message.replace("\\|", "|") for message in re.findall(r"^\| `([^`]+)` +\|", refused, re.MULTILINE)]


def texts() -> Iterator[str]:
    """Every text in the sources, with … where a value is put in."""
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


@pytest.mark.parametrize("name", snippets())
def test_a_snippet_trains_to_the_same_bits_with_one_worker_and_with_three(tmp_path: Path, name: str) -> None:
    script = tmp_path / "snippet.py"
    script.write_text(whole(snippets()[name]), encoding="utf-8")
    digests: set[str] = set()
    for names in ("a", "abc"):
        volume = tmp_path / names
        volume.mkdir()
        with Cluster(volume, FTC_SCRIPT=str(script), FTC_EPOCHS="2", FTC_VIRTUAL_RANKS="4", CHECKPOINT_EVERY="3") as cluster:
            cluster.begin(*names)
            digests |= cluster.digests(*names)
            assert {"diverged", "broken"}.isdisjoint(message["type"] for _, message, _ in cluster.master.messages)
    assert len(digests) == 1


def test_the_messages_are_those_of_the_sources() -> None:
    messages, sources = quoted(), "\n".join(texts())
    assert len(messages) > 40
    pattern = {message: ".*?".join(map(re.escape, message.split("…"))) for message in messages}
    assert [message for message in messages if not re.search(pattern[message], sources)] == []
