"""A model whose modes change, as its argument says. All wait before step 7 for the file `go`."""

import torch
from torch import nn

import ftc
from script_places import options, wait


class Counting(nn.Module):
    """Counts its calls, for whoever wants to print that."""

    calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x


def train(job: ftc.Job) -> None:
    kind = options(job)["kind"]
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(112, 8, generator=generator)
    y = (x.sum(1) > 0).long()
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.3), Counting(), nn.Linear(16, 2))
    dropout = model[1]
    assert isinstance(dropout, nn.Dropout)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    job.register(model=model, optimizer=optimizer)
    slices = 0
    for batch in job.batches((x, y), batch_size=24):
        wait(job, "slice")
        slices += 1
        if kind == "each slice":
            model.train()
            dropout.p = 0.3 / (1 + job.step_number)
        if kind == "by slice" and slices % 2:
            model.train(not model.training)
        if not job.step(nn.functional.cross_entropy(model(batch.x), batch.y)):
            continue
        if kind == "eval" and job.step_number == 5:
            model.eval()
        if kind == "p" and job.step_number == 5:
            dropout.p = 0.1
        if kind == "evaluated" and job.step_number % 5 == 0:
            model.eval()
            job.log(right=job.evaluate(lambda batch: int((model(batch.x).argmax(1) == batch.y).sum()), (x, y)))
            model.train()
        if kind == "each slice":
            model.eval()


ftc.run(train)
