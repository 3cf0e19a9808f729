"""Which of two spirals is a point on? Learned from shards that are read on demand; make_shards.py writes them.

The argument in ftc.yaml is where they are: a folder, or s3://bucket/prefix.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ftc


def to_tensors(record: dict) -> tuple[Tensor, int]:
    """One line of JSON as x, float32 of shape (2,), and y."""
    return torch.tensor(record["x"]), record["spiral"]


def train(job: ftc.Job) -> None:
    data = ftc.ShardedDataset(job.args[0], pattern="train-*.jsonl", transform=to_tensors)
    held_back = ftc.ShardedDataset(job.args[0], pattern="test.jsonl", transform=to_tensors)

    model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2)).to(job.device)
    job.register(model=model, optimizer=torch.optim.Adam(model.parameters(), lr=0.01))
    for batch in job.batches(data, batch_size=240):
        job.step(F.cross_entropy(model(batch.x), batch.y))

    x, y = held_back.fetch(torch.arange(len(held_back)))
    with torch.no_grad():
        right = model(x.to(job.device)).argmax(1).cpu() == y
    job.log(accuracy=right.float().mean())


ftc.run(train)
