"""What is trained, the same under ftc and under torchrun: network, optimizer, made-up data, loss, global batch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Workload:
    """`data` gives tensors whose first dimension counts samples; `loss` takes a part of each. `batch`: samples a step."""

    model: Callable[[], nn.Module]
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
    data: Callable[[], tuple[Tensor, ...]]
    loss: Callable[[nn.Module, tuple[Tensor, ...]], Tensor]
    batch: int


def classify(model: nn.Module, parts: tuple[Tensor, ...]) -> Tensor:
    return F.cross_entropy(model(parts[0]), parts[1])


def mlp(*widths: int) -> nn.Module:
    layers: list[nn.Module] = []
    for size, following in zip(widths, widths[1:]):
        layers += [nn.Linear(size, following), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def vectors(count: int, size: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, size, generator=generator), torch.randint(10, (count,), generator=generator)


class FashionNet(nn.Module):
    """The network of examples/fashion-mnist, the default job."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.classify = nn.Sequential(nn.Flatten(), nn.Dropout(0.25), nn.Linear(32 * 7 * 7, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.features(x / 127.5 - 1))


def pictures() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randint(256, (60_000, 1, 28, 28), generator=generator, dtype=torch.uint8)
    return x, torch.randint(10, (60_000,), generator=generator)


class Block(nn.Module):
    """One layer of examples/char-gpt."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(0.1)
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        heads = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        dropout = 0.1 if self.training else 0.0
        mixed = F.scaled_dot_product_attention(*heads.unbind(), dropout_p=dropout, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.norm2(x))


class CharGPT(nn.Module):
    """The network of examples/char-gpt."""

    def __init__(self, characters: int = 96, context: int = 64, width: int = 96, heads: int = 4) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(characters, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(3)))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, characters))

    def forward(self, x: Tensor) -> Tensor:
        place = self.place(torch.arange(x.shape[1], device=x.device))
        return self.head(self.blocks(self.token(x) + place))


def texts() -> tuple[Tensor]:
    return (torch.randint(96, (20_000, 65), generator=torch.Generator().manual_seed(1)),)


def next_character(model: nn.Module, parts: tuple[Tensor, ...]) -> Tensor:
    text = parts[0]
    return F.cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())


WORKLOADS = {
    "small-mlp": Workload(
        lambda: mlp(128, 384, 384, 10), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9), lambda: vectors(48_000, 128), classify, 192
    ),
    "fashion-cnn": Workload(FashionNet, lambda p: torch.optim.Adam(p, lr=2e-3), pictures, classify, 480),
    "large-mlp": Workload(
        lambda: mlp(784, 2048, 2048, 10), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9), lambda: vectors(12_000, 784), classify, 192
    ),
    "state-100": Workload(
        lambda: mlp(128, *[1015] * 9, 10), lambda p: torch.optim.Adam(p, lr=1e-4), lambda: vectors(12_288, 128), classify, 768
    ),
    "char-gpt": Workload(CharGPT, lambda p: torch.optim.AdamW(p, lr=3e-3), texts, next_character, 48),
}
