"""Trains another script of this folder (SCRIPT) without one of ftc's safeguards (WITHOUT): as if its cause had never been met."""

from __future__ import annotations

import os
import random
import runpy
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ftc import attempt, descriptors, forks, optimizers, packing, randomness, signals, slice_state, state
from ftc.generators import NumpyGenerator
from ftc.movers import Movers
from ftc.names import Names
from ftc.randomness import Randomness
from ftc.rng import derive
from ftc.slice_state import SliceState
from ftc.state import Registered
from ftc.tensors import rows


def nothing(*_: Any, **__: Any) -> None:
    pass


def idle(owner: Any, name: str) -> Callable[[], None]:
    """This function does nothing."""
    return lambda: setattr(owner, name, nothing)


def unseeded(*purposes: str) -> Callable[[], None]:
    """The random state stays as it is where it should be set for one of these."""

    def act() -> None:
        put = Randomness._set

        def some(self: Randomness, *purpose: int | str) -> None:
            if purpose[0] not in purposes:
                put(self, *purpose)

        setattr(Randomness, "_set", some)

    return act


def seeded_by_chance() -> None:
    """Before the loop numpy's global generator and Python's are as every process has them."""
    unseeded("registered")()
    random.seed()
    np.random.seed()


def torch_alone() -> None:
    """Neither numpy's global generator nor Python's is seeded."""
    setattr(randomness, "seed_all", lambda seed, *purpose: torch.default_generator.manual_seed(derive(seed, *purpose)))


def any_forward() -> None:
    """A forward pass that makes no gradients counts as the slice's own."""

    def entered(self: Randomness, called: Any, inputs: Any) -> None:
        self._disarm()
        self._set("forward", *self._slice)

    setattr(Randomness, "_entered", entered)


def first_parameters() -> None:
    """What was trained at `register` is trained for good."""
    trained = Registered.trained
    kept: dict[int, Any] = {}
    setattr(Registered, "trained", lambda self: kept.setdefault(id(self), trained(self)))


def still_parameters() -> None:
    """None is known to move by itself."""
    begin = SliceState.__init__
    setattr(SliceState, "__init__", lambda self, owners, params: begin(self, owners, []))


def late_movers() -> None:
    """Parameters are looked at in a worker's first step alone."""
    begin = Movers.__init__

    def made(self: Movers, params: Any, suspects: Any) -> None:
        begin(self, params, suspects)
        self._always = False

    setattr(Movers, "__init__", made)
    setattr(Movers, "lost", lambda self: [])


def only_registered_objects() -> None:
    """Parameters that only an optimizer holds are in no state."""
    begin = Names.__init__

    def made(self: Names, *about: Any) -> None:
        begin(self, *about)
        self.unregistered = {}

    setattr(Names, "__init__", made)


def restored_without(part: str) -> Callable[[], None]:
    """This part of a state is not taken."""

    def act() -> None:
        restore = Registered.restore
        setattr(Registered, "restore", lambda self, state: restore(self, {key: value for key, value in state.items() if key != part}))

    return act


def without_extra_state() -> None:
    """A state is made of tensors."""
    capture = Registered.capture

    def tensors(self: Registered) -> Any:
        state = capture(self)
        return {**state, "model": {name: value for name, value in state["model"].items() if isinstance(value, torch.Tensor)}}

    setattr(Registered, "capture", tensors)


def shared_signals() -> None:
    """A helper has the worker's handler of SIGTERM, and what that writes to."""
    watch = signals._watch
    assert watch is not None
    forks._actions.remove(watch._forked)
    forks._actions.remove(descriptors.forked)
    signal.signal(signal.SIGTERM, lambda *_: watch._into.send(signals.HANDLED))


WITHOUT: dict[str, Callable[[], None]] = {
    "a seed for the optimizer": unseeded("reduced", "optimizer"),
    "a seed between steps": unseeded("reduced", "optimizer", "between"),
    "seeds of numpy and random": torch_alone,
    "a seed before the loop": seeded_by_chance,
    "seeds for a slice": unseeded("slice", "forward"),
    "a seed for forward": unseeded("forward"),
    "telling evaluation from training": any_forward,
    "a generator's state": idle(NumpyGenerator, "load_state_dict"),
    "seeds for named generators": idle(Randomness, "_put"),
    "following what is trained": first_parameters,
    "what is trained, in the state": idle(Names, "set_trained"),
    "groups in the state": lambda: setattr(state, "bring_back", nothing),
    "following the model's parts": lambda: setattr(Registered, "changed", lambda self: ""),
    "the optimizer's own parameters": only_registered_objects,
    "taking the optimizer's own parameters": restored_without("unregistered"),
    "parameters that move": still_parameters,
    "parameters that move later": late_movers,
    "buffers that move": lambda: setattr(SliceState, "_slots", lambda self: {}),
    "room for grown buffers": idle(optimizers, "_make_room"),
    "hidden buffers": idle(optimizers, "_set_loose"),
    "buffers that cannot be written": lambda: setattr(slice_state, "_writable", lambda there, value: True),
    "forgetting copies": idle(attempt, "forget_copies"),
    "modules' versions": lambda: setattr(optimizers, "graft", lambda saved, live: saved),
    "extra state": without_extra_state,
    "classes of values": lambda: setattr(state, "as_held", lambda state, held: state),
    "strides": lambda: setattr(packing, "strides", lambda tensor: rows(tensor.shape)),
    "an optimizer's dtypes": idle(optimizers, "_exactly"),
    "closing in helpers": lambda: forks._actions.remove(descriptors.forked),
    "signals apart": shared_signals,
    "nothing": nothing,
}

WITHOUT[os.environ["WITHOUT"]]()
runpy.run_path(str(Path(__file__).with_name(os.environ["SCRIPT"])), run_name="__main__")
