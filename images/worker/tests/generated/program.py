"""A training script as a handful of choices: drawn from a seed, printable, and smaller by one choice at a time."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from .ingredients import INGREDIENTS


@dataclass(frozen=True)
class Program:
    """`choices` has what is not plain; all else is."""

    seed: int
    choices: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.choices.get(name, INGREDIENTS[name].plain)

    def number(self, name: str) -> int:
        return int(self[name])

    def __str__(self) -> str:
        return f"seed {self.seed}: " + " ".join(f"{name}={choice}" for name, choice in self.choices.items())

    def without(self, names: Collection[str]) -> Program:
        """This one with some ingredients taken out."""
        return Program(self.seed, {name: choice for name, choice in self.choices.items() if name not in names})

    def within(self, features: Collection[str]) -> Program:
        """Without what needs something that the runtime does not have."""
        kept = {n: c for n, c in self.choices.items() if INGREDIENTS[n].need_of(c) <= set(features)}
        return Program(self.seed, kept)


def on_non_finite(program: Program) -> str:
    """The job's setting."""
    return "fail" if program["nan"] == "none" else program["nan"]


def must_be_refused(program: Program) -> bool:
    """No system could train it to the same bits, or its author wants an error."""
    return program["data"] == "iterable" or program["optimizer"] == "lbfgs" or program["nan"] == "fail" or program["head"] == "scale"


def may_be_refused(program: Program) -> bool:
    """A value of its own decides what its slices add, and is not the same in every process: that shows where there are several, or new ones."""
    return program["local"] not in ("none", "fixed")


def draw(seed: int) -> Program:
    """The same program for the same seed, whatever the runtime can do."""
    draws = random.Random(f"program {seed}")
    choices: dict[str, str] = {}
    for name, ingredient in INGREDIENTS.items():
        taken = draws.random() < ingredient.likely
        choice = draws.choice(ingredient.choices)
        if taken and choice != ingredient.plain:
            choices[name] = choice
    return Program(seed, agreeable(choices))


def alone(pattern: str) -> Iterator[Program]:
    """Every choice by itself: what one ingredient breaks is found in minutes, and needs no search for what is to blame."""
    few = {"virtual_ranks": "5", "samples": "43"}
    # Dropout, because it shows each random number that was drawn in the wrong place.
    steps, scheduled = {"api": "steps"}, {"scheduler": "step"}
    beside = {
        "schedule": scheduled, "schedules": scheduled, "memory": {"block1": "conv2d"}, "gradients": steps,
        "metrics=reduced": steps, "head": steps, "wrapped": steps, "finish=by-score": {"evaluation": "job"},
    }
    for seed, (name, choice) in enumerate((n, c) for n, ingredient in INGREDIENTS.items() for c in ingredient.choices):
        if name in few or choice == INGREDIENTS[name].plain or name in ("block2", "block3") or not re.search(pattern, f"{name}={choice}"):
            continue
        choices = agreeable({**few, "block1": "dropout", **beside.get(name, {}), **beside.get(f"{name}={choice}", {}), name: choice})
        if name in choices:
            yield Program(seed, choices)


def agreeable(choices: dict[str, str]) -> dict[str, str]:
    """Without combinations that torch itself refuses, so that every script would run as one process."""
    from .rules import RULES

    for unfit, name in RULES:
        if name in choices and unfit(choices):
            del choices[name]
    return choices
