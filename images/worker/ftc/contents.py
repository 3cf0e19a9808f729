"""What a state may hold: what torch.load(weights_only=True) reads and what comes back as it was.

That is None, bool, int, float and text, tensors, and dicts, lists and tuples of them. A member of an Enum of numbers or text, and
whatever else is a number or text of another class, is kept as the plain one; `as_held` makes it again what it was.
"""

from __future__ import annotations

import enum
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Any

import torch

from .errors import UsageError
from .refusal import article, kind_of, refusal
from .tensors import problem

Path = tuple[Any, Any]
"""What is above, and the key in it: it is written only where something is wrong."""

PLAIN = frozenset({bool, int, float, str, type(None)})
DICTS = frozenset({dict, OrderedDict, Counter})
SEQUENCES = frozenset({list, tuple, torch.Size})

DEPTH = 100
"""Containers in one another, at most: Python's own limit is not far above it."""

LARGEST = 1 << 2039
"""Of integers: the file's format has room for 255 bytes."""


class Unkept(Exception):
    """A value was met that cannot be kept; `naming` finds out which."""


def check(state: Any, name: str = "state") -> None:
    """Raises UsageError for the first value that cannot be kept: its path from `name`, its type and what to do instead."""
    _visit(state, (None, name), ())


@contextmanager
def naming(state: Any) -> Iterator[None]:
    """Whatever goes wrong with a state in the block because of a value in it is told as `check` tells it."""
    try:
        yield
    except UsageError:
        raise
    except Exception:
        refused = _refused(state)
        if refused is None:
            raise
        raise refused from None


def plain(value: Any) -> Any:
    """The None, number or text that a leaf is kept as. Raises Unkept."""
    kind = type(value)
    if kind in PLAIN:
        return value
    for base, bare in _BARE:
        if isinstance(value, base):
            found = bare(value)
            if _comes_again(value, found):
                return found
            break
    raise Unkept


def plain_key(key: Any) -> str | int:
    """What a key of a dict is kept as. Raises Unkept."""
    kind = type(key)
    if kind is str or kind is int or kind is bool:
        return key  # type: ignore[no-any-return]
    if not isinstance(key, (str, int)):
        raise Unkept
    return plain(key)  # type: ignore[no-any-return]


def fits(value: int) -> bool:
    """The file's format has room for it."""
    return -LARGEST <= value < LARGEST


def attributes(value: Any) -> dict[str, Any]:
    """What an OrderedDict has besides its items: the versions of modules, as state_dict() gives them."""
    return vars(value) if type(value) is OrderedDict else {}


def dict_of(kind: type, items: Iterable[tuple[Any, Any]], more: dict[str, Any] | None = None) -> Any:
    """A dict, OrderedDict or Counter. `more`: attributes."""
    if kind is OrderedDict:
        ordered: Any = OrderedDict(items)
        if more:
            vars(ordered).update(more)
        return ordered
    found = dict(items)
    return Counter(found) if kind is Counter else found


def mapped(value: Any, act: Callable[[Any], Any]) -> Any:
    """A container of the same kind with what `act` makes of its items; all else as it is."""
    kind = type(value)
    if kind is dict:
        return {key: act(item) for key, item in value.items()}
    if kind in DICTS:
        more = {key: act(item) for key, item in attributes(value).items()}
        return dict_of(kind, ((key, act(item)) for key, item in value.items()), more)
    if kind in SEQUENCES:
        items = [act(item) for item in value]
        return items if kind is list else kind(items)
    return value


def as_held(state: Any, held: Any) -> Any:
    """A state that was read or received, with numbers and text of the classes that those of `held` have at the same places.

    So a script that had a member of an Enum, or numpy's float64, has it again, and goes on as if it had never been away.
    """
    if isinstance(state, dict):
        there = held if isinstance(held, dict) else {}
        return dict_of(type(state), ((key, as_held(item, there.get(key))) for key, item in state.items()), attributes(state))
    if isinstance(state, (list, tuple)):
        beside = chain(held, repeat(None)) if isinstance(held, (list, tuple)) else repeat(None)
        items = [as_held(item, other) for item, other in zip(state, beside)]
        return items if isinstance(state, list) else type(state)(items)
    kind: Any = type(held)
    if kind in PLAIN or type(state) not in PLAIN or state is None or not isinstance(held, type(state)):
        return state
    try:
        again = kind(state)
        return again if type(again) is kind and _alike(plain(again), state) else state
    except Exception:  # a class of the script's own, and a value that it does not know
        return state


_BARE: tuple[tuple[type, Callable[[Any], Any]], ...] = ((int, int.__int__), (float, float.__float__), (str, str.__str__))


def _comes_again(value: Any, bare: Any) -> bool:
    """Its class makes it of the plain value."""
    kind: Any = type(value)
    try:
        again = kind(bare)
    except Exception:  # whatever a class of the script's own raises
        return False
    if isinstance(value, enum.Enum):
        return again is value
    return type(again) is kind and _alike(type(bare)(again), bare) and not getattr(value, "__dict__", None)


def _alike(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))


def _refused(state: Any) -> UsageError | None:
    try:
        check(state)
    except UsageError as error:
        return error
    return None


def _visit(value: Any, path: Path, above: tuple[int, ...]) -> None:
    kind = type(value)
    if isinstance(value, torch.Tensor):
        if problem(value) is not None:
            raise UsageError(refusal(_written(path), value))
    elif kind in DICTS or kind in SEQUENCES:
        if id(value) in above:
            noun = f"{article(kind.__name__)} {kind.__name__}"
            raise UsageError(f"{_written(path)}: {noun} that holds itself cannot be kept in a checkpoint")
        if len(above) == DEPTH:
            raise UsageError(f"{_written(path)}: more than {DEPTH} dicts and lists in one another cannot be kept in a checkpoint")
        _visit_items(value, path, (*above, id(value)))
    else:
        _visit_leaf(value, path)


def _visit_items(value: Any, path: Path, above: tuple[int, ...]) -> None:
    kind = type(value)
    if kind in SEQUENCES:
        for i, item in enumerate(value):
            _visit(item, (path, i), above)
        return
    if kind is Counter and vars(value):
        raise UsageError(f"{_written(path)}: the attributes of a Counter cannot be kept in a checkpoint: keep them beside it")
    for key, item in value.items():
        if type(key) is not str:
            _visit_key(key, path)
        _visit(item, (path, key), above)
    for name, item in attributes(value).items():
        _visit(item, (path, name), above)
        if _holds_tensors(item):
            at = _written((path, name))
            raise UsageError(f"{at}: a tensor in an attribute of a dict cannot be kept in a checkpoint: keep it in the dict")


def _visit_key(key: Any, path: Path) -> None:
    try:
        kept = plain_key(key)
    except Unkept:
        text = f"keys of {kind_of(key)} cannot be kept in a checkpoint: use text or integers as keys"
        raise UsageError(f"{_written(path)}: {text}") from None
    if not (isinstance(kept, str) or fits(kept)):
        raise UsageError(f"{_written(path)}: a key of {kept.bit_length()} bits cannot be kept in a checkpoint: use hex(…) of it")


def _visit_leaf(value: Any, path: Path) -> None:
    try:
        kept = plain(value)
    except Unkept:
        raise UsageError(refusal(_written(path), value)) from None
    if type(kept) is int and not fits(kept):
        raise UsageError(f"{_written(path)}: an int of {kept.bit_length()} bits cannot be kept in a checkpoint: convert it with hex(…)")


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, (dict, list, tuple)):
        return any(map(_holds_tensors, value.values() if isinstance(value, dict) else value))
    return isinstance(value, torch.Tensor)


def _written(path: Path) -> str:
    """As a person writes it, where it can be read."""
    above, key = path
    text = str(plain_key(key))
    if above is None:
        return text
    return f"{_written(above)}.{text}" if text and text.isprintable() else f"{_written(above)}[{text!r}]"
