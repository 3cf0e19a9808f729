"""A large part that never changes, and a small one that is trained."""

import torch
from torch import nn

import ftc


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(10_000, 64)
        self.table.requires_grad_(False)
        self.top = nn.Linear(64, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.top(self.table(x))
        return found


def train(job: ftc.Job) -> None:
    x = torch.arange(1200) * 8
    model = Model()
    optimizer = torch.optim.Adam(model.top.parameters(), lr=0.01)
    job.register(model=model, optimizer=optimizer)
    for batch in job.batches((x, x % 3 == 0), batch_size=24):
        job.step(nn.functional.cross_entropy(model(batch.x), batch.y.long()))


ftc.run(train)
