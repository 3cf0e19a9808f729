"""What a script may be made of. Each ingredient has a plain choice, which is what is left when it is taken out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .blocks import BLOCKS
from .optimizers import OPTIMIZERS, SCHEDULERS


@dataclass(frozen=True)
class Ingredient:
    """`likely`: how often it is not plain. `needs`: features of the runtime, by choice; `""` is for all but the plain one."""

    plain: str
    choices: tuple[str, ...]
    likely: float
    needs: Mapping[str, str] = field(default_factory=dict)

    def need_of(self, choice: str) -> set[str]:
        found = self.needs.get(choice, self.needs.get("", ""))
        return {found} if found else set()


def some(plain: str, *choices: str, likely: float, **needs: str) -> Ingredient:
    return Ingredient(plain, choices, likely, needs)


def number(plain: int, choices: range, likely: float) -> Ingredient:
    return Ingredient(str(plain), tuple(str(n) for n in choices), likely)


def only_with(feature: str, *choices: str, likely: float) -> Ingredient:
    return Ingredient("none", choices, likely, {"": feature})


LOADERS = ("loader", "loader-2", "loader-drawing", "loader-weighted", "loader-drop-last")
"""Of them, `loader-2` and `loader-drawing` have two processes."""

INGREDIENTS: dict[str, Ingredient] = {
    # The job.
    "virtual_ranks": number(4, range(1, 13), 0.9),
    "samples": number(48, range(29, 67), 0.9),
    "batch_size": number(16, range(5, 25), 0.9),
    "steps": number(14, range(12, 21), 0.6),
    "checkpoint_every": number(4, range(2, 7), 0.6),
    "job_seed": number(0, range(1, 100), 0.5),
    # The model.
    "stem": some("linear", "embedding", "embedding-sparse", "embedding-tied", likely=0.4),
    "block1": some("none", *BLOCKS, likely=0.9),
    "block2": some("none", *BLOCKS, likely=0.8),
    "block3": some("none", *BLOCKS, likely=0.5),
    "dtype": some("float32", "float64", "bfloat16", likely=0.2),
    "memory": some("contiguous", "channels_last", likely=0.1),
    "frozen": some("none", "stem", "stem-left-out", "bias", likely=0.15),
    "recompute": some("none", "new", "reentrant", likely=0.12),
    # What trains it.
    "optimizer": some("sgd", *OPTIMIZERS, likely=0.85),
    "groups": some("one", "two", likely=0.2),
    "several": only_with("lists", "two", likely=0.12),
    "scheduler": some("none", *SCHEDULERS, likely=0.55),
    "schedule": Ingredient("step", ("epoch",), 0.2, {"": "schedule"}),
    "schedules": Ingredient("one", ("two",), 0.15, {"": "lists"}),
    "gradients": only_with("steps", "scaled", "noise", likely=0.15),
    "nan": only_with("nonfinite", "skip", "report", "fail", likely=0.1),
    "clip": some("none", "0.5", likely=0.4),
    "overlap": some("on", "off", likely=0.15),
    "autocast": some("none", "forward", "loop", likely=0.2),
    "scaler": only_with("scaler", "cpu", likely=0.08),
    "loss": some("plain", "registered", "unregistered", likely=0.15),
    "weight": only_with("weight", "samples", "numbers", likely=0.15),
    "change": some("none", "unfreeze", "freeze", "add-group", "prune", "lr", "replace-head", likely=0.15),
    # The loop.
    "api": Ingredient("batches", ("steps",), 0.4, {"": "steps"}),
    "begin": only_with("begin", "begin", "draw", likely=0.2),
    "shuffle": some("on", "off", likely=0.2),
    "data": some("tuple", "data", "dataset", "drawing-dataset", "loader-like-dict", *LOADERS, "iterable", likely=0.55),
    "augment": some("none", "torch", "numpy", "random", likely=0.35),
    "average": some("none", "own", "averaged", "averaged-buffers", likely=0.3),
    "holder": some("none", "counter", "numpy", "randomstate", "torch", "random", "odd-values", likely=0.35),
    "named": only_with("generator", "generator", likely=0.15),
    "draw_before": some("none", "torch", "numpy", "random", "loader", "once-an-epoch", likely=0.25),
    "draw_after": some("none", "torch", "numpy", "random", likely=0.25),
    "draw_end": some("none", "torch", "numpy", likely=0.1),
    "evaluation": Ingredient("none", ("eval", "train", "before", "job"), 0.3, {"job": "evaluate"}),
    "metrics": Ingredient("none", ("each", "last", "reduced"), 0.3, {"reduced": "steps"}),
    "once": only_with("once", "once", likely=0.1),
    "finish": only_with("finish", "finish", "by-score", likely=0.08),
    "helper": some("none", "process", "in-loop", "pool", likely=0.06),
    "head": only_with("steps", "number", "state", "lr", "torch", "numpy", "random", "evaluate", "scale", likely=0.4),
    "wrapped": only_with("steps", "map", "own", likely=0.15),
    # What no registered object holds: alike in all processes with `fixed` alone.
    "local": some("none", "mask", "noise", "copy", "mean", "calls", "fixed", likely=0.12),
}
