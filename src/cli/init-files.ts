/** What `ftc init` writes. */

/** @param schema path or address of the JSON Schema */
export function jobFile(name: string, schema: string): string {
  return `# yaml-language-server: $schema=${schema}
# Every key is optional; "ftc config" shows what comes of it.
name: ${name}
script: train.py
workers: 3
# Slices of every batch. They decide the result; how many workers carry them decides only the speed.
virtualRanks: 12
seed: 0
steps: 1500
checkpoint:
  every: 50
  keep: 3
recovery:
  heartbeat: 5s
# Who hears when it fails, recovers or succeeds: a URL (kept secret), or a command that runs while "ftc up" does.
# hooks:
#   onFailure: { urlEnv: WEBHOOK_URL }
#   onSuccess: notify-send "$FTC_HOOK_TEXT"
`;
}

export const trainingScript = `"""Learns to tell two spirals apart. Nothing in it is about failure: ftc sees to that."""

import ftc
import torch
import torch.nn.functional as F
from torch import nn


def spirals(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points in the plane, count x 2, and which spiral each is on."""
    random = torch.Generator().manual_seed(seed)
    turn = torch.rand(count, generator=random).sqrt() * 3 * torch.pi
    which = torch.randint(2, (count,), generator=random)
    angle = turn + which * torch.pi
    points = torch.stack([turn * angle.cos(), turn * angle.sin()], dim=1) / 10
    return points + 0.02 * torch.randn(count, 2, generator=random), which


def train(job: ftc.Job) -> None:
    torch.manual_seed(job.seed)
    model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))

    # One slice of a batch at a time. A slice comes again when its step was lost with a worker.
    for batch in job.batches(spirals(6000, seed=1), batch_size=240):
        job.step(F.cross_entropy(model(batch.x), batch.y))

    with torch.no_grad():
        points, which = spirals(1000, seed=2)
        accuracy = (model(points).argmax(1) == which).float().mean().item()
    job.log(accuracy=accuracy)
    print(f"accuracy {accuracy:.1%}")


ftc.run(train)
`;
