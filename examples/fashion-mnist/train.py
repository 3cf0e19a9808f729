"""A small convolutional network on Fashion-MNIST: 60,000 pictures of clothes in ten classes, 28 by 28 pixels.

The data is Debian's package dataset-fashion-mnist, part of the worker's image; DATASET_DIR may hold the same four files.
"""

import gzip
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ftc

PACKAGED = Path("/usr/share/datasets/fashion-mnist")


def read(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Pictures, bytes of shape (n, 1, 28, 28), and classes, int64 of shape (n,)."""
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        pictures = torch.from_numpy(np.frombuffer(file.read(), np.uint8, offset=16).copy())
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        classes = torch.from_numpy(np.frombuffer(file.read(), np.uint8, offset=8).copy())
    return pictures.view(-1, 1, 28, 28), classes.long()


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.classify = nn.Sequential(nn.Flatten(), nn.Dropout(0.25), nn.Linear(32 * 7 * 7, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.features(x / 127.5 - 1))


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of pictures whose class is found."""
    model.eval()
    with torch.no_grad():
        found = torch.cat([model(part).argmax(1) for part in x.split(500)])
    return (found == y).float().mean().item()


def train(job: ftc.Job) -> None:
    mounted = job.dataset_dir / "train-images-idx3-ubyte.gz"
    folder = job.dataset_dir if mounted.exists() else PACKAGED
    model = Net().to(job.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    job.register(model=model, optimizer=optimizer)

    for batch in job.batches(read(folder, "train"), batch_size=480):
        job.step(F.cross_entropy(model(batch.x), batch.y))

    x, y = read(folder, "t10k")
    found = accuracy(model, x.to(job.device), y.to(job.device))
    job.log(accuracy=found)
    print(f"test accuracy {found:.4f} after {job.step_number} steps")


ftc.run(train)
