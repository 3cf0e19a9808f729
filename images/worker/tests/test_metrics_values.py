from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy
import pytest
import torch

from ftc.errors import UsageError
from ftc.metrics_values import checked


@pytest.mark.parametrize(
    "value",
    [
        3,
        3.0,
        Fraction(3),
        numpy.float32(3),
        numpy.int64(3),
        numpy.array(3.0),
        numpy.array([[3]]),
        torch.tensor(3.0),
        torch.tensor([3]),
        torch.ones(1, 1, requires_grad=True) * 3,
        torch.tensor(3.0, dtype=torch.bfloat16),
    ],
)
def test_numbers_of_all_kinds_are_floats(value: Any) -> None:
    found = checked({"accuracy": value})
    assert found == {"accuracy": 3.0} and type(found["accuracy"]) is float


def test_numbers_that_are_not_finite_are_numbers() -> None:
    found = checked({"a": math.inf, "b": torch.tensor(math.nan), "c": True})
    assert found["a"] == math.inf and math.isnan(found["b"]) and found["c"] == 1.0


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"": 1}, "'' cannot be the name of a metric"),
        ({3: 1}, "3 cannot be the name of a metric"),
        ({"__proto__": 1}, "'__proto__' cannot be the name"),
        ({"x" * 201: 1}, "has 201 characters, and 200 are possible"),
        *[({name: 1}, f"'{name}' is written by ftc for every step: give the metric another name") for name in ("step",)],
        ({"acc": "0.5"}, "'acc' is '0.5' \\(str\\): give a number"),
        ({"acc": None}, "'acc' is None \\(NoneType\\)"),
        ({"acc": 1j}, "'acc' is 1j \\(complex\\)"),
        ({"acc": torch.tensor(1j)}, "'acc' is 1j \\(complex\\)"),
        ({"acc": [1.0]}, "'acc' is \\[1.0\\] \\(list\\)"),
        ({"acc": torch.ones(3)}, "'acc' has 3 elements: give a number, such as acc.mean\\(\\)"),
        ({"acc": numpy.zeros((0,))}, "'acc' has 0 elements"),
        ({"acc": 10**400}, "'acc' is larger than any float"),
        ({f"m{at}": 1 for at in range(1001)}, "1001 metrics at once, and 1000 are possible"),
    ],
)
def test_what_is_no_metric_is_refused_by_name(metrics: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        checked(metrics)
