"""Copies of weights that torch keeps while a block of the script is open: they must not outlive a slice.

`torch.autocast` keeps casts of parameters until the outermost block is left, `torch.nn.utils.parametrize.cached` keeps computed
parameters. Around the whole loop, every later slice would compute with the weights of an earlier step.
"""

from __future__ import annotations

import sys
from typing import Any

import torch


def forget_copies() -> None:
    torch.clear_autocast_cache()
    parametrize: Any = sys.modules.get("torch.nn.utils.parametrize")
    if parametrize is not None and parametrize._cache:
        parametrize._cache = {}
