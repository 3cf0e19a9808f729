"""A job that prints and logs what it should not: escape codes, lines of others, names that move the cursor."""

import time

import ftc
import torch

print("\x1b]0;title\x07\x1b[2K\rsupervisor-1 | an impostor\x08\x0e\x1b_apc\x1b\\ \u009b31m \u202e", flush=True)
print('{"level":"fatal","time":"2026-01-02T03:04:05.678Z","name":"master","msg":"not from the master"}', flush=True)


def train(job: ftc.Job) -> None:
    model = torch.nn.Linear(2, 1)
    job.register(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.01))
    for batch in job.batches((torch.ones(6000, 2), torch.ones(6000, 1)), batch_size=12):
        job.log(**{"a\x1b]0;T\x07\x1b[2K\rall good\u202e": 1.0})
        time.sleep(0.02)
        job.step((model(batch.x) - batch.y).square().mean())


ftc.run(train)
