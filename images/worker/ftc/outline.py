"""Where a model keeps what its `state_dict` shows, so that it can be looked up instead of gathered anew.

Gathering costs more than copying a small model. Names stay as they were when the outline was made; the tensors are
those that the modules have now.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

Place = tuple[str, dict[str, Any], str]
"""A name in the state, and the module's own dict and key where its tensor is."""


class Outline:
    """One model's. `model` and `loose` are None where the model, or how it tells its state, is not what it was."""

    def __init__(self, model: nn.Module) -> None:
        self._root = model
        modules = list(model.modules())
        holders = [holder for module in modules for holder in (module._parameters, module._buffers, module._modules)]
        self._sizes = [(holder, len(holder)) for holder in holders]
        self._lasting_sizes = [(holder, len(holder)) for module in modules for holder in (module._parameters, module._modules)]
        self._named = {name: param for name, param in model.named_parameters(remove_duplicate=False)}
        self._children = [(module._modules, name, child) for module in modules for name, child in module._modules.items()]
        self._hooks = [hooks for module in modules for hooks in (module._state_dict_hooks, module._state_dict_pre_hooks)]
        self._shown = _places(model, persistent=True)
        shown = {name for name, _, _ in self._shown}
        self._loose = [place for place in _places(model, persistent=False) if place[0] not in shown]
        whole: dict[str, Any] = dict(model.state_dict())
        ours = {name: holder[key] for name, holder, key in self._shown}
        same = list(whole) == list(ours) and all(map(_same, whole.values(), ours.values()))
        loose = [name for name, _ in model.named_buffers() if name not in whole]
        self._plain = same and loose == [name for name, _, _ in self._loose] and all(map(_is_plain, modules))
        self._shown_buffers = [place for place in self._shown if not isinstance(ours[place[0]], nn.Parameter)]
        self._parameters = [(holder, key, ours[name]) for name, holder, key in self._shown if isinstance(ours[name], nn.Parameter)]

    @property
    def names(self) -> dict[str, nn.Parameter]:
        """All parameters by every name that they have."""
        return self._named

    @property
    def parameters_stay(self) -> bool:
        """The parameters are those that the model had when the outline was made."""
        return all(holder.get(key) is parameter for holder, key, parameter in self._parameters)

    def changed(self) -> str:
        """Which parameters are not those that the model had when the outline was made; empty where all are."""
        same = all(len(holder) == size for holder, size in self._lasting_sizes)
        if same and self.parameters_stay and all(holder.get(name) is child for holder, name, child in self._children):
            return ""
        now = dict(self._root.named_parameters(remove_duplicate=False))
        told = [f"{name} is new" for name in now if name not in self._named]
        told += [f"{name} is gone" for name in self._named if name not in now]
        told += [f"{name} is another object" for name, param in now.items() if name in self._named and param is not self._named[name]]
        return "; ".join(told[:6] + (["…"] if len(told) > 6 else []))

    def buffers(self) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]] | None:
        """Those that `model` shows, and `loose`. Good as long as `model` is not None."""
        if not self._plain:
            return None
        shown = {name: holder[key] for name, holder, key in self._shown_buffers if key in holder}
        return shown, {name: holder[key] for name, holder, key in self._loose if key in holder}

    @property
    def model(self) -> dict[str, torch.Tensor] | None:
        """What `model.state_dict()` would show."""
        return self._look_up(self._shown)

    @property
    def loose(self) -> dict[str, torch.Tensor] | None:
        """The buffers that it would not."""
        return self._look_up(self._loose)

    def _look_up(self, places: list[Place]) -> dict[str, Any] | None:
        if not self._plain or any(self._hooks):
            return None
        for holder, size in self._sizes:
            if len(holder) != size:
                return None
        for holder, name, child in self._children:
            if holder.get(name) is not child:
                return None
        found = {name: holder.get(key) for name, holder, key in places}
        return None if any(tensor is None for tensor in found.values()) else found


def _places(model: nn.Module, *, persistent: bool) -> list[Place]:
    found: list[Place] = []

    def visit(module: nn.Module, prefix: str) -> None:
        hidden = module._non_persistent_buffers_set
        if persistent:
            found.extend((prefix + key, module._parameters, key) for key, item in module._parameters.items() if item is not None)
        found.extend(
            (prefix + key, module._buffers, key)
            for key, item in module._buffers.items()
            if item is not None and (key not in hidden) == persistent
        )
        for name, child in module._modules.items():
            if child is not None:
                visit(child, f"{prefix}{name}.")

    visit(model, "")
    return found


def _is_plain(module: nn.Module) -> bool:
    """Says its state as every module does that does not think about it."""
    names = ("state_dict", "_save_to_state_dict", "get_extra_state")
    return all(getattr(type(module), name) is getattr(nn.Module, name) and name not in vars(module) for name in names)


def _same(shown: Any, own: Any) -> bool:
    """One memory, one shape."""
    alike = isinstance(shown, torch.Tensor) and isinstance(own, torch.Tensor)
    return alike and shown.data_ptr() == own.data_ptr() and shown.shape == own.shape and shown.dtype == own.dtype
