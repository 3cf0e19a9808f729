"""Parameters of unusual kinds, what is trained changing midway, and states that say more than their tensors."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import ftc
from kinds import Kind, train

Mode = enum.Enum("Mode", {"FAST": "fast", "SLOW": "slow"}, type=str)


class Wave(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix, self.top = nn.Parameter(torch.randn(8, 8, dtype=torch.cfloat) * 0.3), nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        top: torch.Tensor = self.top((torch.complex(x, x.roll(1, -1)) @ self.mix).abs())
        return top


class Scaled(nn.Module):
    """One parameter, in any form."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight, self.top = nn.Parameter(weight), nn.Linear(weight.shape[1] if weight.dim() == 2 else 8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.weight.to(x.dtype)
        top: torch.Tensor = self.top(torch.tanh(x @ weight if weight.dim() == 2 else x * weight))
        return top


class Image(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner: nn.Module = nn.Conv2d(2, 3, 2).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.top = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        image = x.reshape(-1, 2, 2, 2).to(memory_format=torch.channels_last)
        top: torch.Tensor = self.top(self.inner(image).flatten(1))
        return top


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.up, self.top = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        self.up.weight = self.down.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        top: torch.Tensor = self.top(self.up(torch.tanh(self.down(x))))
        return top


class Views(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        flat = torch.randn(2, 8)
        self.gain, self.bias, self.top = nn.Parameter(flat[0]), nn.Parameter(flat[1]), nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        top: torch.Tensor = self.top(torch.tanh(x * self.gain + self.bias))
        return top


class Sparse(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.top = nn.Embedding(20, 6, sparse=True), nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        top: torch.Tensor = self.top(self.table((x[:, :4].abs() * 7).long() % 20).mean(1))
        return top


class Versioned(nn.Linear):
    """Its second version keeps the negative of what the first kept."""

    _version = 2

    def _load_from_state_dict(self, state: Any, prefix: str, metadata: Any, *others: Any) -> None:
        if metadata.get("version", 1) < 2:
            state[prefix + "weight"] = -state[prefix + "weight"]
        super()._load_from_state_dict(state, prefix, metadata, *others)  # type: ignore[no-untyped-call]


class Extra(nn.Linear):
    """A number beside its tensors."""

    scale = 1.0

    def get_extra_state(self) -> Any:
        return {"scale": self.scale}

    def set_extra_state(self, state: Any) -> None:
        self.scale = state["scale"]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * self.scale


class Moody(nn.Linear):
    """A member of an Enum beside its tensors, which is asked for by `is`."""

    mode = Mode.FAST

    def get_extra_state(self) -> Any:
        return {"mode": self.mode}

    def set_extra_state(self, state: Any) -> None:
        self.mode = state["mode"]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * (0.5 if self.mode is Mode.SLOW else 1.0)


class Normed(torch.optim.Optimizer):
    """Steps of one length. Its moments lie in memory as the parameters do, which a sum over them shows; a number of it is a double."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for param in group["params"]:
                state = self.state[param]
                if not state:
                    state.update(moment=torch.zeros_like(param), way=torch.zeros((), dtype=torch.float64))
                norm = state["moment"].mul_(0.9).add_(param.grad).norm()
                state["way"].add_(norm)
                param.sub_(state["moment"] / norm, alpha=group["lr"])


def layers(first: nn.Module | None = None) -> nn.Sequential:
    return nn.Sequential(first or nn.Linear(8, 12), nn.Dropout(0.2), nn.ReLU(), nn.Linear(12, 2))


def hooked() -> Kind:
    """Its state_dict calls the weight something else."""
    model = layers()

    def save(module: nn.Module, state: Any, prefix: str, metadata: Any) -> None:
        state[prefix + "kernel"] = state.pop(prefix + "weight")

    def load(module: nn.Module, state: Any, prefix: str, *others: Any) -> None:
        state[prefix + "weight"] = state.pop(prefix + "kernel")

    model[0]._register_state_dict_hook(save)
    model[0].register_load_state_dict_pre_hook(load)
    return Kind(model)


def extra() -> Kind:
    first = Extra(8, 12)
    return Kind(layers(first), committed=lambda job: setattr(first, "scale", first.scale * 0.97))


def moody() -> Kind:
    first = Moody(8, 12)

    def committed(job: ftc.Job) -> None:
        if job.step_number == 2:
            first.mode = Mode.SLOW

    return Kind(layers(first), committed=committed)


def normed() -> Kind:
    model = Scaled(torch.randn(40, 8).t())
    return Kind(model, Normed(model.parameters(), {"lr": 0.05}))


def at_six(change: Callable[[nn.Sequential, Any], object], frozen: bool = False) -> Callable[[], Kind]:
    """Something changes before step 6, in every worker that was there by then."""

    def make() -> Kind:
        model = layers()
        model[0].requires_grad_(not frozen)
        optimizer = torch.optim.Adam(model.parameters() if not frozen else model[3].parameters(), lr=0.02)
        done: list[int] = []

        def arrived(job: ftc.Job) -> None:
            if job.step_number == 6 and not done:
                done.append(1)
                change(model, optimizer)

        return Kind(model, optimizer, arrived=arrived)

    return make


def unfreeze_and_add(model: nn.Sequential, optimizer: Any) -> None:
    model[0].requires_grad_(True)
    optimizer.add_param_group({"params": list(model[0].parameters()), "lr": 0.005})


def weights_of_the_loss() -> Kind:
    """They are in the optimizer, and in no registered object."""
    model, margin = layers(), nn.Parameter(torch.tensor([0.1, 0.4]))
    groups: list[Any] = [{"params": model.parameters()}, {"params": [margin], "lr": 0.1}]
    optimizer = torch.optim.Adam(groups, lr=0.02)
    return Kind(model, optimizer, loss=lambda x, y: nn.functional.cross_entropy(model(x) * margin, y))


def average() -> Kind:
    """An epoch's last batch has 3 samples for 5 slices, so that some workers have none of them."""
    model = layers()
    follow = torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)  # type: ignore[no-untyped-call]
    own = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=follow)
    return Kind(model, samples=35, committed=lambda job: own.update_parameters(model), more={"average": own})


def several_optimizers() -> Kind:
    model = layers()
    both = [torch.optim.Adam(model[0].parameters(), lr=0.02), torch.optim.SGD(model[3].parameters(), lr=0.1, momentum=0.9)]
    return Kind(model, both)


train(
    {
        "complex": lambda: Kind(Wave()),
        "bfloat16": lambda: Kind(Scaled(torch.randn(8, 8).bfloat16())),
        "0-d": lambda: Kind(Scaled(torch.tensor(0.7))),
        "transposed": lambda: Kind(Scaled(torch.randn(8, 8).t())),
        "double": lambda: Kind(Scaled(torch.randn(8, 8, dtype=torch.float64))),
        "channels_last": lambda: Kind(Image()),
        "tied": lambda: Kind(Tied()),
        "views": lambda: Kind(Views()),
        "sparse gradients": lambda: Kind(Sparse()),
        "frozen at step 6": at_six(lambda model, _: model[0].requires_grad_(False)),
        "unfrozen and added at step 6": at_six(unfreeze_and_add, frozen=True),
        "learning rate at step 6": at_six(lambda _, optimizer: optimizer.param_groups[0].update(lr=0.001)),
        "unregistered weights of the loss": weights_of_the_loss,
        "module of a second version": lambda: Kind(layers(Versioned(8, 12))),
        "extra state": extra,
        "an enum in the state": moody,
        "transposed moments": normed,
        "state_dict hooks": hooked,
        "more workers than samples, and an average": average,
        "several optimizers": several_optimizers,
    }
)
