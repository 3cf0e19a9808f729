"""A program as the text of a training script."""

from __future__ import annotations

import textwrap

from . import loop, setting
from .blocks import BLOCKS, classes
from .optimizers import CLASSES as OPTIMIZER_CLASSES
from .optimizers import SCHEDULER_CLASSES
from .program import Program

HEAD = '''"""{program}"""

import multiprocessing
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.optim import lr_scheduler
from torch.utils.checkpoint import checkpoint

import faults
import ftc
'''


def source(program: Program) -> str:
    """Uses ftc, torch, numpy and random, and the module `faults` that stands beside the script."""
    parts = [HEAD.format(program=textwrap.fill(str(program), 118, subsequent_indent="    ", break_on_hyphens=False))]
    parts += classes(own_blocks(program))
    parts += [net(program)]
    parts += [text for name, text in OPTIMIZER_CLASSES.items() if name == program["optimizer"]]
    parts += [text for name, text in SCHEDULER_CLASSES.items() if name == program["scheduler"]]
    parts += setting.classes(program)
    body = setting.lines(program) + loop.lines(program)
    parts += ["\ndef train(job):\n" + textwrap.indent("\n".join(body), "    ") + "\n"]
    parts += ['\nif __name__ == "__main__":\n    ftc.run(train)\n']
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def own_blocks(program: Program) -> list[str]:
    """Those that are there, in order."""
    return [name for name in (program["block1"], program["block2"], program["block3"]) if name != "none"]


def net(program: Program) -> str:
    layers = ", ".join(BLOCKS[name].layers for name in own_blocks(program))
    tokens = program["stem"] != "linear"
    stem = "nn.Linear(8, 12)"
    if tokens:
        sparse = ", sparse=True" if program["stem"] == "embedding-sparse" else ""
        stem = f"nn.Embedding(20, 12{sparse})"
    tied = program["stem"] == "embedding-tied"
    lines = [
        f"self.stem = {stem}",
        f"self.body = nn.Sequential({layers})",
        f"self.head = nn.Linear(12, {20 if tied else 3})",
    ]
    if tied:
        lines.append("self.head.weight = self.stem.weight")
    body = {
        "none": "self.body(h)",
        "new": "checkpoint(self.body, h, use_reentrant=False)",
        "reentrant": "checkpoint(self.body, h, use_reentrant=True)",
    }[program["recompute"]]
    made = textwrap.indent("\n".join(lines), "        ")
    return f'''
class Net(nn.Module):
    def __init__(self):
        super().__init__()
{made}

    def forward(self, x):
        h = self.stem(x){".mean(1)" if tokens else ""}
        return self.head({body})
'''
