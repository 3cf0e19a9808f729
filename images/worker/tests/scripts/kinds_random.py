"""Random numbers that are drawn outside of slices. All models have dropout: it shows every draw in the wrong place."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

import ftc
from kinds import Kind, seen_once_a_step, train


def dropping() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 12), nn.Dropout(0.4), nn.ReLU(), nn.Linear(12, 2))


class Noisy(torch.optim.SGD):
    """Langevin dynamics: noise at every step."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        super().step()
        for group in self.param_groups:
            for param in group["params"]:
                param.add_(torch.randn_like(param) * float(np.random.rand() * random.random()), alpha=0.01)


def noisy() -> Kind:
    model = dropping()
    return Kind(model, Noisy(model.parameters(), lr=0.05))


def drawn(number: Callable[[], float]) -> Callable[[], Kind]:
    """After each commit a weight is multiplied by a number."""

    def make() -> Kind:
        model = dropping()
        return Kind(model, committed=lambda job: model[0].weight.data.mul_(0.9 + 0.2 * number()))

    return make


def before_the_loop() -> Kind:
    model = dropping()
    return Kind(model, registered=lambda job: model[0].weight.data.add_(torch.rand(12, 8) + random.random() + np.random.rand()))


def generators() -> Kind:
    """Registered ones of torch and numpy, and one of the job's."""
    model, own, numpy_own = dropping(), torch.Generator().manual_seed(5), np.random.default_rng(6)

    def draw(job: ftc.Job) -> None:
        drawn = float(torch.rand((), generator=own)) + float(numpy_own.random()) + float(torch.rand((), generator=job.generator("mine")))
        model[0].weight.data.mul_(0.9 + 0.06 * drawn)

    return Kind(model, committed=draw, more={"own": own, "numpy_own": numpy_own})


def draws() -> float:
    return float(torch.rand(())) + np.random.rand() + random.random()


def at_arrival() -> Kind:
    first = seen_once_a_step()
    return Kind(dropping(), arrived=lambda job: first(job) and draws())


def after_unpacking() -> Kind:
    first = seen_once_a_step()
    return Kind(dropping(), unpacked=lambda job: first(job) and draws())


def loader_iterator() -> Kind:
    """A DataLoader draws a seed when it is iterated over."""
    first, loader = seen_once_a_step(), torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.arange(4)))
    return Kind(dropping(), unpacked=lambda job: first(job) and list(loader))


def evaluates(where: str) -> Kind:
    """In train mode, by mistake."""
    first, model = seen_once_a_step(), dropping()

    @torch.no_grad()
    def evaluate(job: ftc.Job) -> None:
        if first(job):
            model(torch.ones(30, 8))

    return Kind(model, **{where: evaluate})  # type: ignore[arg-type]


def augments() -> Kind:
    """Every slice's samples are changed at random before the forward pass."""
    model = dropping()
    return Kind(model, loss=lambda x, y: nn.functional.cross_entropy(model(x + 0.1 * torch.randn_like(x)), y))


train(
    {
        "noisy optimizer": noisy,
        "torch between steps": drawn(lambda: float(torch.rand(()))),
        "numpy between steps": drawn(np.random.rand),
        "random between steps": drawn(random.random),
        "generators of its own": generators,
        "before the loop": before_the_loop,
        "at the arrival": at_arrival,
        "after unpacking": after_unpacking,
        "a loader's iterator": loader_iterator,
        "evaluation at the arrival": lambda: evaluates("arrived"),
        "evaluation after unpacking": lambda: evaluates("unpacked"),
        "augmentation": augments,
    }
)
