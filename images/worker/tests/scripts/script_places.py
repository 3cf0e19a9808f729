"""Where a script waits for its test, and what it tells it.

An argument `slice:4:b` makes worker b wait at the place `slice` of step 4 until the file `go` is there; `*` is every worker or step.
Arguments `name=value` are the script's own.
"""

import json
import os
import time
from typing import Any

import torch

import ftc

WORKER = os.environ["FTC_WORKER_ID"]


def options(job: ftc.Job) -> dict[str, str]:
    return dict(word.split("=", 1) for word in job.args if "=" in word)


def wait(job: ftc.Job, place: str) -> None:
    root, step = job.checkpoint_dir.parent, str(job.step_number)
    for rule in job.args:
        if "=" in rule:
            continue
        where, when, who = rule.split(":")
        if where == place and when in ("*", step) and who in ("*", WORKER):
            (root / f"at.{place}.{step}.{WORKER}").touch()
            while not (root / "go").exists():
                time.sleep(0.002)


def stay(job: ftc.Job, place: str) -> None:
    """Until it is killed."""
    (job.checkpoint_dir.parent / f"at.{place}.{job.step_number}.{WORKER}").touch()
    while True:
        time.sleep(60)


def tell(job: ftc.Job, **facts: Any) -> None:
    """A line of JSON in this worker's own file. Floats to the bit."""
    exact = {name: value.hex() if isinstance(value, float) else value for name, value in facts.items()}
    with open(job.checkpoint_dir.parent / f"{WORKER}.facts", "a") as file:
        file.write(json.dumps(exact) + "\n")


def save(job: ftc.Job, model: torch.nn.Module) -> None:
    torch.save(model.state_dict(), job.checkpoint_dir.parent / f"{WORKER}.end")
