"""What a job's state is: the model, its optimizer, the schedule, and whatever else the script registered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

from .contents import mapped
from .digest import digest, signature
from .errors import FtcError, UsageError
from .outline import Outline

State = dict[str, Any]
"""Nested dicts of numbers, text and tensors; `torch.load(weights_only=True)` reads it."""


class Stateful(Protocol):
    def state_dict(self) -> Any: ...

    def load_state_dict(self, state: Any) -> Any: ...


class Registered:
    """The script's objects. `extra` by the names that the script gave them."""

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        scheduler: Any,
        clip_norm: float | None,
        overlap: bool,
        extra: dict[str, Stateful],
    ) -> None:
        for name, item in extra.items():
            if not hasattr(item, "state_dict") or not hasattr(item, "load_state_dict"):
                raise UsageError(f"register: {name} has no state_dict and load_state_dict")
        self.model = model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.clip_norm = clip_norm
        self.overlap = overlap
        self.extra = extra
        self.params = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
        if not self.params:
            raise UsageError("register: the optimizer has no parameters that require a gradient")
        self._param_names = {name for name, _ in model.named_parameters(remove_duplicate=False)}
        self._outline = Outline(model)
        self._parameters = list({id(p): p for p in [*model.parameters(), *self.params]}.values())
        self._before_change: list[Callable[[], None]] = []

    def before_change(self, act: Callable[[], None]) -> None:
        """`act` is called before parameters or the optimizer's state change, by whoever changes them."""
        self._before_change.append(act)

    def changing(self) -> None:
        """Parameters and the optimizer's state are about to change."""
        for act in self._before_change:
            act()

    def lasting(self, path: Sequence[str | int]) -> bool:
        """Whether what stands there in the state changes only after `changing`. The rest may whenever the script runs."""
        return path[0] == "optimizer" or (path[0] == "model" and path[1] in self._param_names)

    def capture(self) -> State:
        """The state as it is; its tensors are the live ones, not copies."""
        model, loose = self._outline.model, self._outline.loose
        if model is None or loose is None:
            model = dict(self.model.state_dict())
            loose = {name: b for name, b in self.model.named_buffers() if name not in model}
        state: State = {"model": model, "optimizer": self.optimizer.state_dict()}
        if loose:
            state["buffers"] = loose
        if self.scheduler is not None:
            state["scheduler"] = self.scheduler.state_dict()
        if self.extra:
            state["extra"] = {name: item.state_dict() for name, item in self.extra.items()}
        return state

    @property
    def watched(self) -> list[torch.Tensor]:
        """All parameters."""
        return self._parameters

    def glance(self) -> Callable[[], State] | None:
        """Copies what may change whenever the script runs, and leaves the rest for later.

        What is returned gives the state as it is now; any thread may call it, until `changing`. None where the state cannot be had
        in two parts: with objects of the script, or where model or optimizer tell their state in a way of their own.
        """
        outline, optimizer = self._outline, self.optimizer
        found = None if self.extra or not tells_plainly(optimizer) else outline.buffers()
        if found is None:
            return None
        buffers, loose = clones(found[0]), clones(found[1])
        groups = [{k: v if type(v) is float else clones(v) for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
        scheduler = None if self.scheduler is None else clones(self.scheduler.state_dict())

        def whole() -> State:
            model, told = outline.model, optimizer.state_dict()
            if model is None or not outline.parameters_stay:
                raise FtcError("the model has changed")
            for group, then in zip(told["param_groups"], groups):
                group.update(then)
            state: State = {"model": {**model, **buffers}, "optimizer": told}
            if loose:
                state["buffers"] = loose
            if self.scheduler is not None:
                state["scheduler"] = scheduler
            return state

        return whole

    def restore(self, state: State) -> None:
        """Loads a state that nothing else uses. Raises FtcError where it does not fit."""
        for name in self.extra:
            if name not in state.get("extra", {}):
                raise FtcError(f"the saved state has no {name!r}: the script registered nothing of that name when it was saved")
        self.changing()
        try:
            self.model.load_state_dict(state["model"])
            own = dict(self.model.named_buffers())
            with torch.no_grad():
                for name, value in state.get("buffers", {}).items():
                    own[name].copy_(value)
            self.optimizer.load_state_dict(state["optimizer"])
            if self.scheduler is not None:
                self.scheduler.load_state_dict(state["scheduler"])
            for name, item in self.extra.items():
                item.load_state_dict(state["extra"][name])
        except (KeyError, ValueError, RuntimeError) as error:
            raise FtcError(f"the saved state does not fit this script's objects: {error}") from error

    def digest(self) -> str:
        return digest(self.capture())

    def signature(self) -> str:
        """Of the model alone: an optimizer makes its state as it goes."""
        return signature(dict(self.model.state_dict()))


def clones(value: Any) -> Any:
    """A state, or a part of it, in memory of its own."""
    return value.detach().clone() if isinstance(value, torch.Tensor) else mapped(value, clones)


def tells_plainly(optimizer: torch.optim.Optimizer) -> bool:
    """Its state is what every optimizer tells that does not think about it."""
    own: Any = optimizer
    kind = type(optimizer).state_dict is torch.optim.Optimizer.state_dict
    return kind and not own._optimizer_state_dict_pre_hooks and not own._optimizer_state_dict_post_hooks
