"""What parameters are called in the registered state, and which of them no registered object holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from .digest import leaves
from .errors import UsageError

Groups = dict[str, list[list[str]]]
"""By the number of an optimizer: the names of the parameters in each of the groups that it was given later."""


class Names:
    """`all` has every parameter once, under its first name."""

    def __init__(self, model: nn.Module, extra: Mapping[str, Any], optimizers: Sequence[torch.optim.Optimizer]) -> None:
        named: dict[int, tuple[str, nn.Parameter]] = {}
        modules = [("model", model), *((f"extra.{name}", item) for name, item in extra.items() if isinstance(item, nn.Module))]
        for prefix, module in modules:
            for name, param in module.named_parameters():
                named.setdefault(id(param), (f"{prefix}.{name}", param))
        held = {t.data_ptr() for name, item in extra.items() if not isinstance(item, nn.Module) for t in _tensors(item.state_dict())}
        self.unregistered: dict[str, nn.Parameter] = {}
        """By the optimizer's name for it: its group, and its place in that."""
        self._aliases: list[tuple[str, nn.Parameter]] = []
        for number, optimizer in enumerate(optimizers):
            for place, param in _places(optimizer):
                if id(param) in named:
                    continue
                name = f"optimizer.{place}" if len(optimizers) == 1 else f"optimizer.{number}.{place}"
                named[id(param)] = (name, param)
                if param.data_ptr() not in held or param.numel() == 0:
                    self.unregistered[name] = param
        self.all = list(named.values())
        self._names = {key: name for key, (name, _) in named.items()}
        self._by_name = {name: param for name, param in self.all}

    def of(self, param: nn.Parameter) -> str:
        return self._names.get(id(param), f"a parameter of shape {list(param.shape)} that no registered object holds")

    def param(self, name: str) -> nn.Parameter:
        return self._by_name[name]

    def knows(self, param: nn.Parameter) -> bool:
        return id(param) in self._names

    def trained(self) -> dict[str, bool]:
        """Whether each requires a gradient."""
        return {name: param.requires_grad for name, param in self.all}

    def set_trained(self, wanted: Mapping[str, bool]) -> None:
        for name, required in wanted.items():
            param = self._by_name.get(name)
            if param is not None and param.requires_grad != required:
                param.requires_grad_(required)

    def added(self, optimizers: Sequence[torch.optim.Optimizer], first: Sequence[int]) -> Groups:
        """Groups behind the `first` of each optimizer. Raises UsageError for one whose parameters nobody could find again."""
        found: Groups = {}
        for number, (optimizer, count) in enumerate(zip(optimizers, first)):
            for group in optimizer.param_groups[count:]:
                for param in group["params"]:
                    if not self.knows(param):
                        raise UsageError(
                            f"a group that was added to the optimizer has {self.of(param)}: a worker that joins later could not "
                            "find it. Register the module that holds it: job.register(…, name=module)"
                        )
                found.setdefault(str(number), []).append([self.of(param) for param in group["params"]])
        return found


def names_hash(names: Iterable[str]) -> int:
    """63 bits: it travels as a signed word."""
    return int.from_bytes(hashlib.sha256("\n".join(names).encode()).digest()[:8], "little") >> 1


def _places(optimizer: torch.optim.Optimizer) -> list[tuple[str, nn.Parameter]]:
    groups = enumerate(optimizer.param_groups)
    return [(f"group {g} parameter {i}", param) for g, group in groups for i, param in enumerate(group["params"])]


def _tensors(state: Any) -> list[torch.Tensor]:
    return [value for _, value in leaves(state) if isinstance(value, torch.Tensor) and value.numel()]
