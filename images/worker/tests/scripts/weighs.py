"""A loss over the tokens that a mask leaves, weighed by their number. fault=… gives other weights; own=steps uses step.backward."""

import torch
from torch import nn

import ftc
from script_places import WORKER, options, save, tell

generator = torch.Generator().manual_seed(3)
X = torch.randn(96, 6, 8, generator=generator)
MASK = (torch.rand(96, 6, generator=generator) < torch.rand(96, 1, generator=generator)).float()
MASK[::5] = 0


def loss_of(model: nn.Module, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """NaN where the mask leaves nothing."""
    out = model(x).square().mean(2)
    loss: torch.Tensor = (out * mask).sum() / mask.sum()
    return loss


def train(job: ftc.Job) -> None:
    told = options(job)
    fault = told.get("fault", "")
    torch.manual_seed(2)
    model = nn.Linear(8, 2)
    job.register(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.05))

    def weight(mask: torch.Tensor) -> object:
        if fault and job.step_number == 2:
            if fault == "zeros":
                return 0
            if fault == "mixed" and bool(mask[0].sum() > 2):
                return None
            if fault == "apart" and WORKER == "b":
                return None
            if fault in ("-1", "nan", "inf"):
                return float(fault)
        return mask.sum() if told.get("kind") == "tensor" else int(mask.sum())

    if told.get("own") == "steps":
        for step in job.steps((X, MASK), batch_size=24, shuffle=False):
            for batch in step:
                step.backward(loss_of(model, batch.x, batch.y), weight=weight(batch.y))
            tell(job, loss=step.loss)
            step.commit()
    else:
        for batch in job.batches((X, MASK), batch_size=24, shuffle=False):
            job.step(loss_of(model, batch.x, batch.y), weight=weight(batch.y))
    save(job, model)


if __name__ == "__main__":
    ftc.run(train)
