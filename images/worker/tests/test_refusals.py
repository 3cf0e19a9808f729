"""What cannot be trained to the same bits is refused by name, with what to do instead: at `register`, or at the step where it is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler

from cluster import Cluster
from ftc.errors import UsageError
from ftc.state import Registered


def one(weight: torch.Tensor) -> nn.Module:
    """A layer whose parameter it is."""
    model = nn.Linear(2, 2)
    model.weight = weight if isinstance(weight, nn.Parameter) else nn.Parameter(weight, requires_grad=weight.is_floating_point())
    return model


PARAMETERS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "float8": (lambda: one(torch.ones(2, 2).to(torch.float8_e4m3fn)), "has the dtype torch.float8_e4m3fn, .* use bfloat16, float16 or float32"),
    "meta": (lambda: nn.Linear(2, 2, device="meta"), "is on the meta device, .* to_empty"),
    "lazy": (lambda: nn.LazyLinear(2), "has no shape yet: run one forward pass"),
    "expanded": (lambda: one(torch.ones(1, 2).expand(2, 2)), r"is an expanded tensor, .* use contiguous\(\)"),
    "sparse": (lambda: one(torch.eye(2).to_sparse()), r"is sparse \(layout torch.sparse_coo\), .* use to_dense\(\)"),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_kinds_of_parameters(name: str) -> None:
    make, says = PARAMETERS[name]
    model = make()
    with pytest.raises(UsageError, match=f"register: parameter model.weight {says}"):
        Registered(model, torch.optim.SGD(model.parameters(), lr=0.1))


def twice(model: Any) -> Any:
    return [torch.optim.SGD(model.parameters(), lr=0.1), torch.optim.Adam([model.weight])]


def of(kind: Any, **options: Any) -> Callable[[nn.Module], Any]:
    return lambda model: kind(model.parameters(), **options)


OPTIMIZERS: dict[str, tuple[Callable[[nn.Module], Any], str]] = {
    "lbfgs": (of(torch.optim.LBFGS), "register: LBFGS evaluates the loss several times in a step, .* such as Adam or SGD"),
    "sparse": (of(torch.optim.SparseAdam), "register: SparseAdam takes sparse gradients only, .* Use Adam"),
    "none": (lambda model: None, "register: optimizer is a NoneType, and a torch.optim.Optimizer is needed"),
    "twice": (twice, r"register: a parameter of shape \[2, 2\] is in two optimizers; each belongs into one"),
    "in a list": (lambda model: [torch.optim.LBFGS(model.parameters())], "LBFGS"),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str) -> None:
    make, says = OPTIMIZERS[name]
    model = nn.Linear(2, 2)
    with pytest.raises(UsageError, match=says):
        Registered(model, make(model))


def test_an_optimizer_that_trains_nothing() -> None:
    model = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(UsageError, match="no parameters that require a gradient"):
        Registered(model, torch.optim.SGD(model.parameters(), lr=0.1))


def test_objects_that_do_not_tell_their_state() -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(UsageError, match="register: counter has no state_dict and load_state_dict, .* but a list"):
        Registered(model, optimizer, extra={"counter": [1]})


@pytest.mark.parametrize("dtype", [torch.float16, torch.complex64, torch.complex128], ids=str)
def test_gradients_that_a_scaler_cannot_unscale(dtype: torch.dtype) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, dtype=dtype))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(UsageError, match=f"scaler: parameter model.1.weight has the dtype {dtype}, and GradScaler cannot unscale .* in float32"):
        Registered(model, optimizer, scaler=GradScaler("cpu"))
    Registered(model, optimizer, scaler=GradScaler("cpu", enabled=False))
    frozen = Registered(model, torch.optim.SGD(model[0].parameters(), lr=0.1), scaler=GradScaler("cpu"))
    assert frozen.capture()["scaler"]["scale"] == GradScaler("cpu").get_scale()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_and_those_that_it_can(dtype: torch.dtype) -> None:
    model = nn.Linear(2, 2, dtype=dtype)
    Registered(model, torch.optim.SGD(model.parameters(), lr=0.1), scaler=GradScaler("cpu"))


IN_THE_LOOP: dict[str, list[str]] = {
    "replaced": ["the model has changed since job.register: parameter 2.weight is another object", "Replace layers before job.register"],
    "group": ["a group that was added to the optimizer has a parameter of shape [7, 3] that no registered object holds", "job.register(…, name=module)"],
    "within": ["requires_grad or the optimizer's groups changed between two slices of step 4: model.0.bias, model.0.weight", "job.step_number"],
    "by rank": ["workers do not train the same parameters at step 4: worker b (rank 1) froze or unfroze other parameters than worker a (rank 0)"],
    "weights": ["job.step was called with a weight for some slices of a step, and without for others"],
    "no loss": ["job.step needs the loss: one number that came out of the model, as a tensor"],
    "no gradient": ["the loss that job.step was given needs no gradient: it was computed under torch.no_grad()", "torch.clear_autocast_cache()"],
    "half unfrozen": ["scaler: parameter model.1.weight has the dtype torch.float16, and GradScaler cannot unscale gradients of that"],
    "replaced always": ["the model changes in every attempt at step 4: parameter 1.weight is another object. Write new values into a parameter with copy_"],
    "grows always": ["the model changes in every attempt at step 4: parameter 6.weight is new; 6.bias is new", "only where they are not changed yet"],
    "large": ["parameter model.0.weight was changed within step 4, and was not in the first step of this worker"],
}


@pytest.mark.parametrize("kind", IN_THE_LOOP)
def test_in_the_loop(tmp_path: Path, kind: str) -> None:
    """The first words count where several workers fail: the others may see no more than that one is gone."""
    with Cluster(tmp_path, "refused.py", kind) as cluster:
        cluster.begin("a", "b")
        (failed,) = cluster.master.wait(lambda _, m: m["type"] == "failed")
        assert failed["fatal"], failed
        for says in IN_THE_LOOP[kind]:
            assert says in failed["message"]
