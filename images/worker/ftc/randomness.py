"""Which random state the script's code runs under. It depends on the seed, the step and what the code is there for, never on what
this worker has done before.

- Before the loop (until `register`, after it, after `job.begin`) and after it: on the place alone.
- Between two slices, and ahead of a step's slices in job.steps: on the step alone. So what a script does once a step (an evaluation, an
  augmentation of the next batch, a DataLoader's iterator) draws the same numbers in every worker.
- From the first look at a batch's contents on: on the step and the slice.
- From the first forward pass of a slice on: on the step and the slice again. So nothing that was drawn before it, once a step and
  hence in one worker's first slice only, changes a dropout mask.
- Between a step's reduction and its commit, where the script may change the gradients: on the step alone.
- In the optimizer and the scheduler, and in the script's code after them: on the step alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as modules

from .rng import derive, seed_all


class Randomness:
    """One job's. `named` generators follow the same rules under their own names."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._purpose: tuple[int | str, ...] = ("start",)
        self._named: dict[str, torch.Generator] = {}
        self._model: set[int] = set()
        self._armed: Any = None
        self._slice: tuple[int, int] = (0, 0)

    def watch(self, owners: Iterable[nn.Module]) -> None:
        """The modules whose forward passes count. Those of a ModuleDict or of a model that is called in parts, too."""
        self._model = {id(child) for owner in owners for child in owner.modules()}

    def named(self, name: str) -> torch.Generator:
        """A generator of the CPU, in the state that the present place asks for; put there anew at each place."""
        if name not in self._named:
            self._named[name] = torch.Generator()
            self._put(name)
        return self._named[name]

    def once(self, what: str) -> None:
        """Code before the first step or after the last."""
        self._set(what)

    def between(self, step: int) -> None:
        """Code after `step` committed steps that has not looked at a slice yet."""
        self._disarm()
        self._set("between", step)

    def ahead(self, step: int) -> None:
        """Code that has been handed the step after `step` committed ones, and has not asked for a slice of it."""
        self._set("ahead", step)

    def slice(self, step: int, virtual_rank: int) -> None:
        """Code that looks at a slice's samples."""
        self._slice = (step, virtual_rank)
        self._set("slice", step, virtual_rank)

    def arm(self, step: int, virtual_rank: int) -> None:
        """The slice's next forward pass that trains begins at a state of its own."""
        self._disarm()
        self._slice = (step, virtual_rank)
        self._armed = modules.register_module_forward_pre_hook(self._entered)

    def reduced(self, step: int) -> None:
        """Code that has the gradients of the whole batch, after `step` committed steps, and has not committed yet."""
        self._disarm()
        self._set("reduced", step)

    def optimizer(self, step: int) -> None:
        """The optimizer and the scheduler that commit the step after `step` committed ones."""
        self._disarm()
        self._set("optimizer", step)

    def evaluation(self, step: int, stage: int, number: int, part: int) -> None:
        """One part of the `number`-th evaluation after `step` committed steps, in that stage of the script."""
        self._set("evaluate", step, stage, number, part)

    @property
    def purpose(self) -> tuple[int | str, ...]:
        """To come back to a place with `resume`."""
        return self._purpose

    def resume(self, purpose: tuple[int | str, ...]) -> None:
        self._set(*purpose)

    def _entered(self, called: nn.Module, _inputs: Any) -> None:
        """Before the forward pass of any module, while armed."""
        if id(called) in self._model and called.training and torch.is_grad_enabled():
            self._disarm()
            self._set("forward", *self._slice)

    def _disarm(self) -> None:
        if self._armed is not None:
            self._armed.remove()
            self._armed = None

    def _set(self, *purpose: int | str) -> None:
        self._purpose = purpose
        seed_all(self._seed, *purpose)
        for name in self._named:
            self._put(name)

    def _put(self, name: str) -> None:
        self._named[name].manual_seed(derive(self._seed, "generator", name, *self._purpose))
