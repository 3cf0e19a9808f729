"""Samples that cost about 2 ms each to prepare, as pictures do that are read, decoded and augmented."""

import time
import zlib

import torch
from torch import Tensor
from torch.utils.data import Dataset

PICTURES = 512
SIZE = 32
WAIT = 0.001
"""Seconds until what is stored has arrived, as from a disk or a network: no core is busy meanwhile."""
ROUNDS = 18
"""How often a picture is unpacked: with augmenting about 1 ms on a core of today."""


class Pictures(Dataset[tuple[Tensor, Tensor]]):
    """`len` samples, made of a few packed pictures. What is drawn comes from torch's random state."""

    def __init__(self, length: int = 48_000) -> None:
        generator = torch.Generator().manual_seed(1)
        raw = torch.randint(16, (PICTURES, 3, 2 * SIZE, 2 * SIZE), generator=generator, dtype=torch.uint8)
        self.packed = [zlib.compress(picture.numpy().tobytes(), 6) for picture in raw]
        self.labels = torch.randint(10, (PICTURES,), generator=generator)
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        number %= PICTURES
        time.sleep(WAIT)
        for _ in range(ROUNDS):
            picture = zlib.decompress(self.packed[number])
        return augmented(torch.frombuffer(bytearray(picture), dtype=torch.uint8)), self.labels[number]


def augmented(picture: Tensor) -> Tensor:
    """A random crop, mirrored or not, brighter or darker, with some noise."""
    top, left = torch.randint(SIZE + 1, (2,)).tolist()
    crop = picture.view(3, 2 * SIZE, 2 * SIZE)[:, top : top + SIZE, left : left + SIZE] / 16 - 0.5
    if torch.rand(()) < 0.5:
        crop = crop.flip(-1)
    return crop * (0.8 + 0.4 * torch.rand(())) + 0.05 * torch.randn_like(crop)
