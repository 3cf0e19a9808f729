"""What a job's state is: the model, its optimizers, the schedules, and whatever else the script registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol

import torch
from torch import nn

from . import refusals
from .contents import as_held, check, mapped
from .digest import digest, signature
from .errors import FtcError, UsageError
from .generators import stateful
from .names import Names, names_hash
from .optimizers import bring_back, groups_of, load, loaded_once
from .outline import Outline

State = dict[str, Any]
"""Nested dicts of numbers, text and tensors; `torch.load(weights_only=True)` reads it."""

Schedule = Literal["step", "epoch"]
"""How often schedulers are stepped."""


class Stateful(Protocol):
    def state_dict(self) -> Any: ...

    def load_state_dict(self, state: Any) -> Any: ...


class Registered:
    """The script's objects. `extra` by the names that the script gave them. `optimizer` and `scheduler` may be lists."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Any,
        scheduler: Any = None,
        clip_norm: float | None = None,
        overlap: bool = True,
        extra: dict[str, Any] | None = None,
        *,
        schedule: Schedule = "step",
        scaler: Any = None,
    ) -> None:
        """Raises UsageError for what cannot be trained or kept."""
        if schedule not in ("step", "epoch"):
            raise UsageError(f"register: schedule={schedule!r}: 'step' or 'epoch'")
        self.extra: dict[str, Stateful] = {name: stateful(name, item) for name, item in (extra or {}).items()}
        self.model = model
        self.optimizers: list[torch.optim.Optimizer] = list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]
        self.schedulers: list[Any] = list(scheduler) if isinstance(scheduler, (list, tuple)) else [] if scheduler is None else [scheduler]
        self._single = not isinstance(optimizer, (list, tuple)), not isinstance(scheduler, (list, tuple))
        self.schedule = schedule
        self.scaler = scaler if scaler is not None and scaler.is_enabled() else None
        self.clip_norm = clip_norm
        self.overlap = overlap
        self._unclaimed: State = {}
        """State of objects that the script has not named yet; they come with its data."""
        self.skipped, self.skipped_in_a_row = 0, 0
        """Steps that were left out because a number was not finite."""
        for name, item in self.extra.items():
            check(item.state_dict(), f"extra.{name}")
        refusals.optimizers(self.optimizers)
        self.names = Names(model, self.extra, self.optimizers)
        refusals.parameters(self.names.all)
        for prefix, owner in self.modules:
            for name, value in owner.named_buffers():
                refusals.buffer(f"{prefix}{name}", value)
        if not self.trained():
            raise UsageError("register: the optimizer has no parameters that require a gradient")
        for item in self.optimizers:
            loaded_once(item)
        self._outline = Outline(model)
        self._initial = self.names.trained()
        self._groups = groups_of(self.optimizers)
        self._before_change: list[Callable[[], None]] = []
        self.check_scaler()
        if self.scaler is not None:
            self.scaler.scale(torch.zeros((), device=self.names.all[0][1].device))  # it makes its state with the first number
        state = self.capture()
        check(state)
        self._signature = signature(state["model"])

    @property
    def modules(self) -> list[tuple[str, nn.Module]]:
        """By the prefix of their names in the state."""
        extra = [(f"extra.{name}.", item) for name, item in self.extra.items() if isinstance(item, nn.Module)]
        return [("model.", self.model), *extra]

    def named_optimizers(self) -> list[tuple[str, torch.optim.Optimizer]]:
        """By their names in the state."""
        if self._single[0]:
            return [("optimizer", self.optimizers[0])]
        return [(f"optimizer.{number}", optimizer) for number, optimizer in enumerate(self.optimizers)]

    def trained(self) -> list[nn.Parameter]:
        """What the optimizers hold and requires a gradient now."""
        found = {id(p): p for optimizer in self.optimizers for group in optimizer.param_groups for p in group["params"] if p.requires_grad}
        return list(found.values())

    def check_scaler(self) -> None:
        """Raises UsageError for parameters that are trained now and that it cannot unscale."""
        if self.scaler is not None:
            refusals.scaler(self.scaler, [(self.names.of(param), param) for param in self.trained()])

    def changed(self) -> str:
        """Which of the model's parameters are not those that were seen last; empty where all are."""
        return self._outline.changed()

    def look_again(self) -> None:
        """The script has pruned, parametrized or added parts of the model: what is there now is what is trained.

        Raises UsageError where an optimizer's parameter is not in the model any more.
        """
        names = Names(self.model, self.extra, self.optimizers)
        if names.unregistered.keys() - self.names.unregistered.keys():
            raise UsageError(
                f"the model has changed since job.register: parameter {self.changed()}, and the optimizer still trains what was there before. "
                "Replace layers before job.register; freezing, add_param_group, pruning and parametrizing are followed"
            )
        self.names = names
        refusals.parameters(self.names.all)
        self._outline = Outline(self.model)

    def structure(self) -> int:
        """64 bits of the parameters' names: who has others cannot take the state before its script has made the same changes."""
        return names_hash(self._outline.names)

    def fits(self, state: State) -> bool:
        """Whether the model has the parts that a state has."""
        paths = {path for path, _ in self.model.named_modules()}
        return all(name in state["model"] for name in self._outline.names) and all(name.rpartition(".")[0] in paths for name in state["model"])

    def before_change(self, act: Callable[[], None]) -> None:
        """`act` is called before parameters or the optimizer's state change, by whoever changes them."""
        self._before_change.append(act)

    def changing(self) -> None:
        """Parameters and the optimizer's state are about to change."""
        for act in self._before_change:
            act()

    def lasting(self, path: Sequence[str | int]) -> bool:
        """Whether what stands there in the state changes only after `changing`. The rest may whenever the script runs."""
        return path[0] == "optimizer" or (path[0] == "model" and path[1] in self._outline.names)

    def capture(self) -> State:
        """The state as it is; its tensors are the live ones, not copies."""
        model, loose = self._outline.model, self._outline.loose
        if model is None or loose is None:
            model = dict(self.model.state_dict())
            loose = {name: b for name, b in self.model.named_buffers() if name not in model}
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        state: State = {"model": model, "optimizer": optimizers[0] if self._single[0] else optimizers}
        if loose:
            state["buffers"] = loose
        state.update(self._special())
        if self.schedulers:
            schedules = [scheduler.state_dict() for scheduler in self.schedulers]
            state["scheduler"] = schedules[0] if self._single[1] else schedules
        if self.extra or self._unclaimed:
            state["extra"] = {**{name: item.state_dict() for name, item in self.extra.items()}, **self._unclaimed}
        return state

    def _special(self) -> State:
        """What few states have: each is there only where it says something."""
        found: State = {}
        if self.names.unregistered:
            found["unregistered"] = dict(self.names.unregistered)
        trained = self.names.trained()
        if any(self._initial.get(name, True) != required for name, required in trained.items()):
            found["trained"] = trained
        added = self.names.added(self.optimizers, self._groups)
        if added:
            found["groups"] = added
        hidden = {prefix: own for prefix, own in self._hidden() if own}
        if hidden:
            found["hidden"] = hidden
        if self.scaler is not None:
            found["scaler"] = self.scaler.state_dict()
        if self.skipped:
            found["skipped"] = [self.skipped, self.skipped_in_a_row]
        return found

    def _hidden(self) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
        """Buffers of the script's other modules that their state_dict does not show."""
        for prefix, module in self.modules[1:]:
            buffers = dict(module.named_buffers())
            if buffers:
                shown = module.state_dict()
                yield prefix, {name: b for name, b in buffers.items() if name not in shown}

    @property
    def watched(self) -> list[torch.Tensor]:
        """All parameters."""
        return [param for _, param in self.names.all]

    def glance(self) -> Callable[[], State] | None:
        """Copies what may change whenever the script runs, and leaves the rest for later.

        What is returned gives the state as it is now; any thread may call it, until `changing`. None where the state cannot be had
        in two parts: with objects of the script, or where model or optimizer tell their state in a way of their own.
        """
        outline, optimizer = self._outline, self.optimizers[0]
        plain = not self.extra and self._single == (True, True) and not self._special() and tells_plainly(optimizer)
        found = outline.buffers() if plain else None
        if found is None:
            return None
        buffers, loose = clones(found[0]), clones(found[1])
        groups = [{k: v if type(v) is float else clones(v) for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
        scheduler = clones(self.schedulers[0].state_dict()) if self.schedulers else None

        def whole() -> State:
            model, told = outline.model, optimizer.state_dict()
            if model is None or not outline.parameters_stay:
                raise FtcError("the model has changed")
            for group, then in zip(told["param_groups"], groups):
                group.update(then)
            state: State = {"model": {**model, **buffers}, "optimizer": told}
            if loose:
                state["buffers"] = loose
            if scheduler is not None:
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
            state = as_held(state, self.capture())
            load(self.model, state["model"], state.get("buffers", {}))
            self._restore_optimizers(state)
            schedules = state.get("scheduler", [])
            for scheduler, told in zip(self.schedulers, [schedules] if self._single[1] and self.schedulers else schedules, strict=True):
                scheduler.load_state_dict(told)
            if self.scaler is not None:
                self.scaler.load_state_dict(state["scaler"])
            for name, item in self.extra.items():
                load(item, state["extra"][name], state.get("hidden", {}).get(f"extra.{name}.", {}))
        except (KeyError, ValueError, RuntimeError, TypeError, AttributeError) as error:
            raise FtcError(f"the saved state does not fit this script's objects: {error}") from error
        self.skipped, self.skipped_in_a_row = state.get("skipped", [0, 0])
        self._unclaimed = {name: told for name, told in state.get("extra", {}).items() if name not in self.extra}

    def claim(self, name: str, item: Stateful) -> None:
        """An object that is known only now; the state that it had is waiting for it, if any is."""
        if name in self._unclaimed:
            item.load_state_dict(self._unclaimed.pop(name))
        self.extra[name] = item

    def _restore_optimizers(self, state: State) -> None:
        self.names.set_trained({**self._initial, **state.get("trained", {})})
        told = [state["optimizer"]] if self._single[0] else state["optimizer"]
        bring_back(self.optimizers, self._groups, state.get("groups", {}), told, self.names)
        for optimizer, one in zip(self.optimizers, told, strict=True):
            load(optimizer, one, {})
        for name, value in state.get("unregistered", {}).items():
            with torch.no_grad():
                self.names.unregistered[name].copy_(value)

    def digest(self) -> str:
        return digest(self.capture())

    def signature(self) -> str:
        """Of the model as it was registered, and of it alone: an optimizer makes its state as it goes, and buffers may grow."""
        return self._signature


def clones(value: Any) -> Any:
    """A state, or a part of it, in memory of its own."""
    return value.detach().clone() if isinstance(value, torch.Tensor) else mapped(value, clones)


def tells_plainly(optimizer: torch.optim.Optimizer) -> bool:
    """Its state is what every optimizer tells that does not think about it."""
    own: Any = optimizer
    kind = type(optimizer).state_dict is torch.optim.Optimizer.state_dict
    return kind and not own._optimizer_state_dict_pre_hooks and not own._optimizer_state_dict_post_hooks
