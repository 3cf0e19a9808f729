"""A job of small steps whose checkpoints are large, for what happens on their way: 24 MB beside a little network. Argument: seconds of pause a step."""

import sys
import time

import ftc
import torch
import torch.nn.functional as F

PAUSE = float(sys.argv[1])


class Ballast:
    """Nothing but bytes."""

    def __init__(self) -> None:
        self.x = torch.zeros(6_000_000)

    def state_dict(self) -> dict[str, torch.Tensor]:
        return {"x": self.x}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        self.x.copy_(state["x"])


def train(job: ftc.Job) -> None:
    x = torch.randn(2400, 32)
    y = (x.sum(1) > 0).long()
    model = torch.nn.Linear(32, 2)
    job.register(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.01), ballast=Ballast())
    for batch in job.batches((x, y), batch_size=48):
        time.sleep(PAUSE)
        job.step(F.cross_entropy(model(batch.x), batch.y))


ftc.run(train)
