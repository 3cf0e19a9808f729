"""Two spirals, told apart by a small network: plain DistributedDataParallel, as for torchrun. It knows nothing of ftc."""

import os
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

STEPS, EVERY, BATCH = 3000, 50, 64
CHECKPOINT = Path(os.environ["CHECKPOINT_DIR"]) / "spirals.pt"


def spirals(count: int, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Points on two spirals that wind around each other, and which of the two each is on."""
    y = torch.randint(2, (count,), generator=draw)
    t = torch.rand(count, generator=draw).sqrt() * 3 * torch.pi
    angle = t + torch.pi * y
    x = torch.stack([t * angle.cos(), t * angle.sin()], dim=1) / 10
    return x + 0.01 * torch.randn(count, 2, generator=draw), y


def main() -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.003)
    step = 0
    if CHECKPOINT.exists():
        saved = torch.load(CHECKPOINT, weights_only=True)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    model = DistributedDataParallel(net)
    if rank == 0:
        print(f"{dist.get_world_size()} ranks, from step {step}", flush=True)

    while step < STEPS:
        x, y = spirals(BATCH, torch.Generator().manual_seed(step * 1000 + rank))
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if rank == 0 and step % EVERY == 0:
            # Aside first, then in one act into place: whoever is killed here leaves the one before it whole.
            aside = CHECKPOINT.with_suffix(".new")
            torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, aside)
            aside.replace(CHECKPOINT)
            print(f"step {step}  loss {loss.item():.3f}", flush=True)

    if rank == 0:
        x, y = spirals(1000, torch.Generator().manual_seed(-1))
        print(f"accuracy {(net(x).argmax(1) == y).float().mean().item():.3f}", flush=True)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
