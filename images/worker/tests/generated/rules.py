"""Which ingredients do not go together, because torch would refuse them in a single process, too: (unfit, ingredient to leave out)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Choices = Mapping[str, str]

NO_FEW_BITS = {"complex", "orthogonal", "mixed", "float16", "spectral", "spectral-old", "attention", "transformer", "buffer-complex"}
NO_AUTOCAST = {"complex", "mixed", "orthogonal", "buffer-sparse"}
NO_COPY = {
    "weight-norm-old", "spectral-old", "buffer-expanded", "buffer-overlapping", "buffer-bool", "buffer-sparse", "buffer-inference",
    "buffer-float8", "buffer-late", "cache-registered", "cache-assigned", "cache-persistent",
}
"""Layers whose buffers or weights torch's AveragedModel cannot copy."""


def blocks(choices: Choices) -> set[str]:
    return {choices.get(f"block{n}", "none") for n in (1, 2, 3)}


def has(name: str, *values: str) -> Callable[[Choices], bool]:
    """Whether the ingredient is one of these, or is anything but plain."""
    return lambda choices: choices[name] in values if values and name in choices else (not values and name in choices)


def both(*tests: Callable[[Choices], bool]) -> Callable[[Choices], bool]:
    return lambda choices: all(test(choices) for test in tests)


RULES: list[tuple[Callable[[Choices], bool], str]] = [
    # Numbers of few bits have no inverse, no complex layer, and no half of autocast.
    (lambda c: bool(blocks(c) & NO_FEW_BITS), "dtype"),
    (lambda c: bool(blocks(c) & NO_AUTOCAST), "autocast"),
    (has("dtype"), "autocast"),
    (has("dtype"), "scaler"),
    # A sparse gradient suits few optimizers, and neither weight decay nor momentum.
    (lambda c: c.get("stem") == "embedding-sparse" and c.get("optimizer", "sgd") not in ("adagrad", "langevin"), "optimizer"),
    (lambda c: c.get("frozen", "").startswith("stem") or c.get("change") == "freeze" or c.get("several") is not None, "recompute"),
    (has("recompute", "reentrant"), "autocast"),
    (has("frozen"), "change"),
    (has("stem", "embedding-tied"), "change"),
    (has("stem", "embedding-tied"), "groups"),
    (has("stem", "embedding-tied"), "several"),
    (has("frozen"), "groups"),
    (has("frozen"), "several"),
    (has("several"), "groups"),
    (has("several"), "loss"),
    (has("several"), "change"),
    (has("optimizer", "lbfgs"), "groups"),
    (has("optimizer", "lbfgs"), "loss"),
    (has("optimizer", "lbfgs"), "change"),
    (lambda c: bool(blocks(c) & NO_COPY) and c.get("average") != "own", "average"),
    (has("change", "prune", "replace-head"), "average"),
    (both(has("optimizer", "adagrad"), has("change", "add-group")), "change"),
    (lambda c: "scalars" in blocks(c) and c.get("optimizer") == "adafactor", "optimizer"),
    # What stands between a step's reduction and its commit has a place in job.steps alone.
    (lambda c: "api" not in c, "gradients"),
    (lambda c: "api" not in c and c.get("metrics") == "reduced", "metrics"),
    (lambda c: "api" not in c, "head"),
    (both(has("several"), has("head", "lr")), "head"),
    (lambda c: "api" not in c, "wrapped"),
    (lambda c: c.get("data", "").startswith("loader"), "shuffle"),
    # The score that a script may end by comes from job.evaluate.
    (both(lambda c: c.get("evaluation") != "job", has("finish", "by-score")), "finish"),
    # A schedule of momentum needs some, and one with a value a group knows the groups of its beginning.
    (lambda c: c.get("scheduler") == "onecycle" and c.get("optimizer") not in ("momentum", "nesterov", "adam", "adamw"), "scheduler"),
    (both(has("scheduler", "onecycle", "cyclic", "plateau", "lambda", "callable"), has("change", "add-group")), "change"),
    (lambda c: "scheduler" not in c, "schedule"),
    (lambda c: "scheduler" not in c, "schedules"),
]
