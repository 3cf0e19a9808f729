"""A loop over job.steps, or with loop=batches over job.batches, that trains the same. fault=… leaves something out."""

import torch
from torch import nn

import ftc
from script_places import options, save, tell, wait


def train(job: ftc.Job) -> None:
    told = options(job)
    fault = told.get("fault", "")
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(112, 8, generator=generator)
    y = (x.sum(1) > 0).long()
    torch.manual_seed(2)
    plain = told.get("model") == "plain"
    model: nn.Module = nn.Linear(8, 2)
    if not plain:
        model = nn.Sequential(nn.Linear(8, 17), nn.BatchNorm1d(17), nn.ReLU(), nn.Dropout(0.3), nn.Linear(17, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    job.register(model=model, optimizer=optimizer, clip_norm=None if plain else 0.5)
    data, size, shuffle = (x, y), int(told.get("size", 24)), not plain
    if "begin" in told:
        tell(job, begin=job.begin(), spe=known(lambda: job.steps_per_epoch), total=known(lambda: job.total_steps))
    if told.get("loop") == "batches":
        for batch in job.batches(data, batch_size=size, shuffle=shuffle):
            tell(job, slice=job.step_number)
            wait(job, "slice")
            if job.step(nn.functional.cross_entropy(model(batch.x), batch.y)):
                wait(job, "committed")
    else:
        over_steps(job, model, data, size, shuffle, fault)
    tell(job, ended=job.step_number, spe=job.steps_per_epoch, total=job.total_steps, virtual=job.virtual_ranks)
    save(job, model)


def known(read: object) -> object:
    try:
        return read()  # type: ignore[operator]
    except ftc.UsageError as error:
        return str(error)


def over_steps(job: ftc.Job, model: nn.Module, data: object, size: int, shuffle: bool, fault: str) -> None:
    for step in job.steps(data, batch_size=size, shuffle=shuffle):
        wait(job, "body")
        if fault == "early-commit":
            step.commit()
        if fault == "early-loss":
            step.loss
        for batch in step:
            tell(job, slice=job.step_number)
            wait(job, "slice")
            if fault != "no-backward":
                step.backward(nn.functional.cross_entropy(model(batch.x), batch.y))
        if fault == "double":
            for param in model.parameters():
                assert param.grad is not None
                param.grad.mul_(3)
        wait(job, "reduced")
        told = {"number": step.number, "epoch": step.epoch, "loss": step.loss, "grad_norm": step.grad_norm} if not fault else {}
        if fault != "no-commit":
            assert step.commit()
            tell(job, **told)
        wait(job, "committed")
        if fault == "twice":
            step.commit()


ftc.run(train)
