"""A permutation of 0..n-1 whose values are computed one by one: nothing of the length n is ever held.

A Feistel network permutes the numbers of as many bits as n-1 has. A value that falls outside 0..n-1 is put through again
until it falls inside ("cycle walking"), which makes it a permutation of exactly 0..n-1. Halves of unequal size change
places each round, so the numbers that are permuted are fewer than 2n (or 16) and a value is walked less than twice on average.

After Luby and Rackoff (1988) for the network, Black and Rogaway (CT-RSA 2002) for the walk. Nothing here is a secret: the
keys have to make orders that look random, no more.
"""

from __future__ import annotations

import torch

from .rng import derive

ROUNDS = 10
"""More than large numbers need: few bits mix slowly."""

LEAST_BITS = 4
MOST_BITS = 60
KEY_BITS = 30
"""A half of at most 30 bits plus a key, squared, stays within an int64."""

LOW = (1 << KEY_BITS) - 1


class Feistel:
    """Derived from a seed and its purpose, such as ("order", epoch). 1 <= n <= 2**60."""

    def __init__(self, n: int, seed: int, *purpose: int | str) -> None:
        bits = max(LEAST_BITS, (n - 1).bit_length())
        if not 1 <= n or bits > MOST_BITS:
            raise ValueError(f"a permutation of {n} numbers: 1 to 2**{MOST_BITS} can be permuted")
        self._n = n
        self._high, self._low = bits // 2, bits - bits // 2
        keys = [derive(seed, *purpose, number) for number in range(ROUNDS)]
        self._keys = [(key & LOW, key >> 32 & LOW) for key in keys]

    def __call__(self, positions: torch.Tensor) -> torch.Tensor:
        """The values at these positions (each from 0 to n-1): int64, of the same shape."""
        values = self._once(positions)
        outside = (values >= self._n).nonzero(as_tuple=True)
        while len(outside[0]):
            walked = self._once(values[outside])
            values[outside] = walked
            still = walked >= self._n
            outside = tuple(where[still] for where in outside)
        return values

    def _once(self, values: torch.Tensor) -> torch.Tensor:
        high, low = self._high, self._low
        left, right = values >> low, values & ((1 << low) - 1)
        for one, other in self._keys:
            mixed = (right + one).mul_(right + other)
            mixed.bitwise_xor_(mixed >> (KEY_BITS - 1)).bitwise_xor_(left).bitwise_and_((1 << high) - 1)
            left, right = right, mixed
            high, low = low, high
        return (left << low).bitwise_or_(right)
