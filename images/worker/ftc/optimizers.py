"""Giving objects back the state that they told, to the bit, whatever their own `load_state_dict` makes of it."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from .contents import mapped
from .errors import UsageError
from .names import Groups, Names
from .slice_state import put


def groups_of(optimizers: Sequence[torch.optim.Optimizer]) -> list[int]:
    return [len(optimizer.param_groups) for optimizer in optimizers]


def bring_back(
    optimizers: Sequence[torch.optim.Optimizer], first: Sequence[int], added: Groups, told: Sequence[Any], names: Names
) -> None:
    """Gives each optimizer the groups that a state has: adds what was added after `register`, takes out what was not yet."""
    for number, (optimizer, count) in enumerate(zip(optimizers, first)):
        wanted = added.get(str(number), [])
        for group in optimizer.param_groups[count + len(wanted) :]:
            for param in group["params"]:
                optimizer.state.pop(param, None)
        del optimizer.param_groups[count + len(wanted) :]
        for place in range(len(optimizer.param_groups), count + len(wanted)):
            options = {key: value for key, value in told[number]["param_groups"][place].items() if key != "params"}
            optimizer.add_param_group({"params": [names.param(name) for name in wanted[place - count]], **options})


def load(item: Any, state: Any, loose: Mapping[str, torch.Tensor]) -> None:
    """`item.load_state_dict(state)`, and the buffers that its state does not show.

    Modules' versions, which stand beside a state_dict and not in it, are those of the modules that are there: they said it. Buffers that
    had another shape take it. Raises what `load_state_dict` raises.
    """
    whole = graft(state, item.state_dict())
    if isinstance(item, nn.Module):
        _make_room(item, whole)
    if isinstance(item, torch.optim.Optimizer):
        with _same_groups(item):
            item.load_state_dict(whole)
    else:
        item.load_state_dict(whole)
    if isinstance(item, nn.Module):
        _set_loose(item, loose)
    if isinstance(item, torch.optim.Optimizer):
        _exactly(item, state)


@contextlib.contextmanager
def _same_groups(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """The groups stay the objects that they were: a script that holds one sets the optimizer's learning rate by it. They go into the list
    that loading has made, which a wrapper and the optimizer in it may share."""
    held = list(optimizer.param_groups)
    yield
    for group, told in zip(held, optimizer.param_groups, strict=True):
        kept = {key: _same(group.get(key), value) for key, value in told.items()}
        group.clear()
        group.update(kept)
    optimizer.param_groups[:] = held


def _same(held: Any, told: Any) -> Any:
    """A tensor, such as a learning rate on a device, takes the other one's value where it can."""
    both = isinstance(held, torch.Tensor) and isinstance(told, torch.Tensor) and held is not told
    if not both or (held.shape, held.dtype, held.device) != (told.shape, told.dtype, told.device) or held.requires_grad:
        return told
    with torch.no_grad():
        return held.copy_(told)


def loaded_once(optimizer: torch.optim.Optimizer) -> None:
    """Gives an optimizer its own state. Raises UsageError where it does not take it.

    Loading leaves traces that a state does not show, such as defaults that torch adds and groups that come later take over. So every
    optimizer is loaded once when it is registered, and none is another one for having taken over a state later.
    """
    try:
        load(optimizer, optimizer.state_dict(), {})
    except Exception as error:
        name = type(optimizer).__name__
        raise UsageError(
            f"register: {name}.load_state_dict does not take what {name}.state_dict gives ({type(error).__name__}: {error}): "
            "a worker that joins, or goes on from a checkpoint, could not take the others' state"
        ) from error


def graft(saved: Any, live: Any) -> Any:
    """A saved state in which dicts have the metadata that their like in the live state have."""
    if isinstance(saved, dict) and isinstance(live, dict):
        items = {key: graft(item, live.get(key)) for key, item in saved.items()}
        metadata = getattr(live, "_metadata", None)
        if metadata is None:
            return items if type(saved) is dict else saved
        whole: Any = OrderedDict(items)
        whole._metadata = metadata
        return whole
    if isinstance(saved, list) and isinstance(live, list) and len(saved) == len(live):
        return [graft(one, other) for one, other in zip(saved, live)]
    return saved


def _make_room(module: nn.Module, state: Mapping[str, Any]) -> None:
    """Buffers that have grown, changed their kind or come into being since are made anew; `load_state_dict` fills them."""
    shown = module.state_dict()
    for name, told in state.items():
        path, _, key = name.rpartition(".")
        if not isinstance(told, torch.Tensor):
            continue
        try:
            holder = module.get_submodule(path)
        except AttributeError:
            continue
        there = holder._buffers.get(key)
        if there is None:
            if name not in shown and not hasattr(holder, key):
                holder.register_buffer(key, torch.empty(told.shape, dtype=told.dtype))
            continue
        other = there.shape != told.shape or there.dtype != told.dtype
        if other or there.is_inference() or torch._debug_has_internal_overlap(there) != 0:
            holder._buffers[key] = torch.empty(told.shape, dtype=told.dtype, device=there.device)


def _set_loose(module: nn.Module, loose: Mapping[str, torch.Tensor]) -> None:
    """Buffers outside of the state_dict. One that is not there yet, because forward makes it, is made."""
    for name, value in loose.items():
        path, _, key = name.rpartition(".")
        holder = module.get_submodule(path)
        if key in holder._buffers:
            put(holder._buffers, key, value)
        else:
            holder.register_buffer(key, value.clone(), persistent=False)


def _exactly(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Torch gives an optimizer's tensors the dtype of their parameter, and makes other text of text: back to what they were."""
    own, told = optimizer.state_dict().get("state"), state.get("state")
    if not isinstance(own, dict) or not isinstance(told, dict):
        return
    params = [param for group in optimizer.param_groups for param in group["params"]]
    for index, values in told.items():
        if not isinstance(values, dict) or not isinstance(own.get(index), dict) or not isinstance(index, int):
            continue
        for key, value in values.items():
            here = own[index].get(key)
            if isinstance(value, torch.Tensor) and isinstance(here, torch.Tensor) and here.dtype != value.dtype:
                optimizer.state[params[index]][key] = value.clone().to(here.device)
            elif key in own[index] and _has_text(value):
                optimizer.state[params[index]][key] = _placed(value, params[index].device)


def _has_text(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_text(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_has_text(item) for item in value)
    return isinstance(value, (str, bytes))


def _placed(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else mapped(value, lambda item: _placed(item, device))
