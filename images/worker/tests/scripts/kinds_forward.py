"""State that forward changes besides gradients: parameters that move by themselves, buffers of all kinds, copies of weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.utils import parametrize

import ftc
from kinds import Kind, train


class Follower(nn.Module):
    """A momentum encoder. `way`: how its weights are moved; `since`: from which step on."""

    def __init__(self, way: str, since: int = 0) -> None:
        super().__init__()
        self.first, self.second, self.top = nn.Linear(8, 12), nn.Linear(8, 12), nn.Linear(12, 2)
        self.second.load_state_dict(self.first.state_dict())
        self.second.requires_grad_(False)
        self.way, self.since, self.step = way, since, 0

    @torch.no_grad()
    def follow(self) -> None:
        for mine, theirs in zip(self.second.parameters(), self.first.parameters()):
            moved = 0.9 * mine + 0.1 * theirs
            if self.way == "data":
                mine.data = moved
            elif self.way == "storage":
                mine.set_(moved.untyped_storage(), 0, moved.shape)  # type: ignore[call-overload]
            elif self.way == "data-in-place":
                mine.data.copy_(moved)
            else:
                mine.copy_(moved)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.step >= self.since:
            self.follow()
        top: torch.Tensor = self.top(torch.tanh(self.first(x) + self.second(x)))
        return top


def follower(way: str, since: int = 0) -> Callable[[], Kind]:
    def make() -> Kind:
        model = Follower(way, since)
        trained = [p for p in model.parameters() if p.requires_grad]
        return Kind(model, torch.optim.Adam(trained, lr=0.02), arrived=lambda job: setattr(model, "step", job.step_number))

    return make


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.top = nn.Embedding(20, 6, max_norm=0.8), nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        top: torch.Tensor = self.top(self.table((x[:, :4].abs() * 7).long() % 20).mean(1))
        return top


def clamped(where: str) -> Callable[[], Kind]:
    def make() -> Kind:
        model = nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 2))

        def clamp(job: ftc.Job) -> None:
            for param in model.parameters():
                param.data.clamp_(-0.2, 0.2)

        return Kind(model, **{where: clamp})  # type: ignore[arg-type]

    return make


class Held(nn.Module):
    """`way`: what forward does with the buffer that it has."""

    held: torch.Tensor

    def __init__(self, way: str) -> None:
        super().__init__()
        self.inner, self.top, self.way = nn.Linear(8, 12), nn.Linear(12, 2), way
        made = {"expanded": torch.full((1,), 0.1).expand(12), "overlapping": torch.linspace(0, 1, 15).as_strided((4, 12), (1, 1))}
        if way == "inference":
            with torch.inference_mode():
                self.register_buffer("held", torch.linspace(0, 1, 12))
        elif way != "late":
            self.register_buffer("held", made.get(way.removesuffix(", hidden"), torch.zeros(12)), persistent="hidden" not in way)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.inner(x)
        if self.way == "late" and not hasattr(self, "held"):
            self.register_buffer("held", torch.zeros(12))
        if "grown" in self.way and self.held.dim() == 1:
            self.held = torch.zeros(1, 12)
        if "grown" in self.way and len(x) > len(self.held):
            self.held = torch.cat([self.held, x.detach()[len(self.held) :]])
        if self.way in ("late", "replaced"):
            self.held = 0.9 * self.held + 0.1 * x.detach().mean(0)
        if self.way == "moved":
            self.held.lerp_(x.detach().mean(0), 0.1)
        top: torch.Tensor = self.top(torch.relu(x + (self.held.clone() if self.way == "inference" else self.held.reshape(-1, 12).mean(0))))
        return top


class Mixed(nn.Module):
    """Forward moves buffers of several dtypes, the first of 3 bytes."""

    signs: torch.Tensor
    mean: torch.Tensor
    calls: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.top = nn.Linear(8, 12), nn.Linear(12, 2)
        self.register_buffer("signs", torch.zeros(3, dtype=torch.bool))
        self.register_buffer("mean", torch.zeros(12))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.inner(x)
        self.signs.copy_(x.detach()[0, :3] > 0)
        self.mean.lerp_(x.detach().mean(0), 0.1)
        self.calls += 1
        top: torch.Tensor = self.top(torch.relu(x + self.mean * self.signs.sum() / self.calls))
        return top


def autocast() -> Kind:
    """Around the whole loop: entered before it, and never left."""
    model = nn.Sequential(nn.Linear(8, 12), nn.Dropout(0.2), nn.ReLU(), nn.Linear(12, 2))
    around = torch.autocast("cpu", dtype=torch.bfloat16)
    return Kind(model, registered=lambda job: around.__enter__())  # type: ignore[no-untyped-call]


class Symmetric(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.triu() + x.triu(1).t()


def cached() -> Kind:
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))
    parametrize.register_parametrization(model[0], "weight", Symmetric())
    around = parametrize.cached()
    return Kind(model, registered=lambda job: around.__enter__())


train(
    {
        "momentum in place": follower("in place"),
        "momentum by data": follower("data"),
        "momentum by data in place": follower("data-in-place"),
        "momentum in other storage": follower("storage"),
        "momentum from step 6 on": follower("in place", 6),
        "momentum by data from step 6 on": follower("data", 6),
        "embedding with max_norm": lambda: Kind(Words()),
        "clamped before forward": clamped("unpacked"),
        "clamped after the commit": clamped("committed"),
        **{f"buffer {way}": lambda way=way: Kind(Held(way)) for way in (  # type: ignore[misc]
            "grown, hidden", "grown", "expanded", "overlapping", "expanded, hidden", "inference", "late", "replaced", "moved",
        )},
        "buffers of several dtypes": lambda: Kind(Mixed()),
        "autocast around the loop": autocast,
        "parametrize.cached around the loop": cached,
    }
)
