"""Trains with what kind=… names: several optimizers and schedulers, schedule by epoch, a plateau, a GradScaler, autocast."""

from typing import Any

import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import lr_scheduler

import ftc
from script_places import options, save, tell, wait


class Blowing(torch.autograd.Function):
    """Passes its input on. Its gradient is infinite where the flag is set."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, blow: bool) -> torch.Tensor:
        ctx.blow = blow
        return x.clone()

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:  # type: ignore[override]
        return grad * float("inf") if ctx.blow else grad, None


def blowing(x: torch.Tensor, blow: bool) -> torch.Tensor:
    out: torch.Tensor = Blowing.apply(x, blow)  # type: ignore[no-untyped-call]
    return out


def made(kind: str, model: nn.Sequential) -> dict[str, Any]:
    adam = torch.optim.Adam(model.parameters(), lr=0.02)
    if kind == "lists":
        first, second = torch.optim.Adam(model[0].parameters(), lr=0.02), torch.optim.SGD(model[2].parameters(), lr=0.1, momentum=0.9)
        return {"optimizer": [first, second], "scheduler": [lr_scheduler.ExponentialLR(first, 0.9), lr_scheduler.CosineAnnealingLR(second, 6)]}
    if kind == "epoch":
        return {"optimizer": adam, "scheduler": lr_scheduler.StepLR(adam, 1, 0.5), "schedule": "epoch"}
    if kind == "plateau":
        return {"optimizer": adam, "scheduler": lr_scheduler.ReduceLROnPlateau(adam, patience=0, threshold=0.2)}
    if kind == "scaler":
        return {"optimizer": adam, "scaler": GradScaler("cpu", init_scale=1024.0, growth_interval=3), "clip_norm": 1.0}
    return {"optimizer": adam}


def rates(optimizer: Any) -> list[float]:
    return [group["lr"] for one in (optimizer if isinstance(optimizer, list) else [optimizer]) for group in one.param_groups]


def train(job: ftc.Job) -> None:
    kind = options(job)["kind"]
    x = torch.randn(96, 8, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(8, 17), nn.Tanh(), nn.Linear(17, 2))
    given = made(kind, model)
    job.register(model=model, **given)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=kind == "autocast"):
        for batch in job.batches(x, batch_size=24, shuffle=False):
            wait(job, "slice")
            out = model(batch.x)
            if kind == "scaler":
                out = blowing(out, job.step_number == 3 and 72 in batch.indices.tolist() or job.step_number == 4)
            if job.step(out.float().square().mean()):
                scale = given["scaler"].get_scale() if "scaler" in given else 1.0
                tell(job, step=job.step_number, rates=rates(given["optimizer"]), scale=scale, w=model[0].weight.sum().item())
    save(job, model)


ftc.run(train)
