"""Values that no registered object holds, and that slices use. kind=mask: drawn when it is first needed. =noise: the
same, within a slice. =copy: the weights as they are after
job.begin. =mean: over the slices that this worker has carried. =attribute: a tensor of a layer that forward moves, and no buffer. =calls: how
often forward was called. =hook: the same, in the gradients alone. =fixed: a table made when it is first needed, the same in every process.
=seeded: a mask from a seed of the script's own. =step: a number from job.step_number.
api=steps: a loop over job.steps.
"""

import torch
from torch import nn

import ftc
from script_places import options, wait


class Moved(nn.Linear):
    center: torch.Tensor | float = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.center = 0.9 * self.center + 0.1 * x.detach().mean()
        return super().forward(x - self.center)


class Warm(nn.Linear):
    calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return super().forward(x) * min(1.0, 0.1 + self.calls / 1000)


def train(job: ftc.Job) -> None:
    kind = options(job)["kind"]
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(112, 8, generator=generator)
    y = (x.sum(1) > 0).long()
    torch.manual_seed(2)
    model = nn.Sequential({"attribute": Moved, "calls": Warm}.get(kind, nn.Linear)(8, 16), nn.ReLU(), nn.Linear(16, 2))
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    job.begin()
    mask = first = table = None
    mean, calls = 0.0, 0
    if kind == "copy":
        first = [p.detach().clone() for p in model.parameters()]
    if kind == "seeded":
        mask = (torch.rand(8, generator=torch.Generator().manual_seed(3)) > 0.3).float()

    def counted(grad: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return grad * (1 + calls / 1000)

    if kind == "hook":
        model[2].bias.register_hook(counted)

    def loss_of(batch: ftc.Batch) -> torch.Tensor:
        nonlocal mask, table, mean
        wait(job, "slice")
        if kind == "mask" and mask is None:
            mask = (torch.rand(8) > 0.3).float()
        if kind == "fixed" and table is None:
            table = torch.arange(8).float().sin()
        inputs = batch.x
        if kind == "noise" and mask is None:
            mask = (torch.rand(8) > 0.3).float()
        inputs = inputs if mask is None else inputs * mask
        loss = nn.functional.cross_entropy(model(inputs if table is None else inputs + table), batch.y)
        if first is not None:
            loss = loss + sum((p - q).square().sum() for p, q in zip(model.parameters(), first))
        if kind == "mean":
            mean = 0.9 * mean + 0.1 * float(loss)
            loss = loss * (1 + mean)
        if kind == "step":
            loss = loss * (1 + job.step_number)
        return loss

    if options(job).get("api") == "steps":
        for step in job.steps((x, y), batch_size=24):
            for batch in step:
                step.backward(loss_of(batch))
            step.commit()
            wait(job, "tail")
        return
    for batch in job.batches((x, y), batch_size=24):
        if job.step(loss_of(batch)):
            wait(job, "tail")


ftc.run(train)
