"""A map-style dataset whose samples the training process loads itself, when a slice needs them."""

from __future__ import annotations

from typing import Any

from ..slices import Slice
from .nested import pinned
from .randomness import aside
from .recipe import Recipe
from .source import Source


class MapStyle(Source):
    def __init__(self, recipe: Recipe, samples: int, pin: bool = False) -> None:
        self._recipe = recipe
        self._samples = samples
        self._pin = pin

    def __len__(self) -> int:
        return self._samples

    def fetch(self, wanted: Slice) -> Any:
        with aside():
            made = self._recipe.make(wanted)
        return pinned(made) if self._pin else made
