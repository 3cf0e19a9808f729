"""Objects that a script registers: what has `state_dict` and `load_state_dict` is taken as it is; generators are given both."""

from __future__ import annotations

import sys
from typing import Any

import torch

from .errors import UsageError


def stateful(name: str, item: Any) -> Any:
    """What is saved and moved for an object of the script's own. Raises UsageError."""
    if hasattr(item, "state_dict") and hasattr(item, "load_state_dict"):
        return item
    if isinstance(item, torch.Generator):
        return TorchGenerator(item)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(item, numpy.random.Generator):
        return NumpyGenerator(item)
    raise UsageError(f"register: {name} has no state_dict and load_state_dict, and is no generator of torch or numpy, but a {type(item).__name__}")


class TorchGenerator:
    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def state_dict(self) -> dict[str, Any]:
        return {"state": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._generator.set_state(state["state"].cpu())


class NumpyGenerator:
    def __init__(self, generator: Any) -> None:
        self._bits = generator.bit_generator

    def state_dict(self) -> dict[str, Any]:
        told = dict(self._bits.state)
        return {key: plain(value) for key, value in told.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._bits.state = {key: native(value) for key, value in state.items()}


def plain(value: Any) -> Any:
    """Without numpy's arrays, which a checkpoint does not keep."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return {"array": value.tolist(), "dtype": str(value.dtype)} if getattr(value, "shape", ()) else value.tolist()
    return value


def native(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"array", "dtype"}:
        numpy: Any = sys.modules["numpy"]
        return numpy.array(value["array"], dtype=value["dtype"])
    if isinstance(value, dict):
        return {key: native(item) for key, item in value.items()}
    return value
