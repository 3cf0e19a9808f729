"""In a process that it has forked, calls what meets other workers, and tells what that said."""

import os

import torch

import ftc
from script_places import tell


def train(job: ftc.Job) -> None:
    model = torch.nn.Linear(8, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    job.register(model=model, optimizer=optimizer)
    x = torch.ones(24, 8)
    for step in job.steps(x, batch_size=24):
        for batch in step:
            loss = model(batch.x).mean()
            calls = {
                "job.register": lambda: job.register(model=model, optimizer=optimizer),
                "job.begin": job.begin,
                "job.batches": lambda: next(job.batches(x)),
                "job.steps": lambda: next(job.steps(x)),
                "job.step": lambda: job.step(loss),
                "job.evaluate": lambda: job.evaluate(len, x),
                "job.once": lambda: job.once(print),
                "job.finish": lambda: job.finish("enough"),
                "job.log": lambda: job.log(a=1.0),
                "the loop over a step's batches": lambda: next(iter(step)),
                "step.backward": lambda: step.backward(loss),
                "step.commit": step.commit,
            }
            pid = os.fork()
            if pid == 0:
                for name, call in calls.items():
                    try:
                        call()
                    except ftc.UsageError as error:
                        tell(job, name=name, said=str(error))
                os._exit(0)
            os.waitpid(pid, 0)
            step.backward(loss)
        step.commit()


ftc.run(train)
