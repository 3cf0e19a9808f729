"""Trains like any script, and looks first whether it can read what is none of its business."""

import errno
import os

import torch
import torch.nn.functional as F

import ftc

CANARY = "hunter2" + "canary"  # not as it is written elsewhere: this file is looked at too


def places():
    for top in ("/job", "/opt/ftc", "/run", "/etc/ftc", "/data", "/checkpoints"):
        for folder, _, names in os.walk(top):
            yield from (os.path.join(folder, name) for name in names)
    yield from ("/proc/self/environ", "/proc/1/environ")


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20)
    except OSError:
        return b""


def denied(act, *args):
    try:
        act(*args)
        return "allowed"
    except OSError as error:
        return errno.errorcode[error.errno]


def listed(path):
    """The engine may give what covers a folder the folder's own mode, with which nobody else looks into it."""
    try:
        return os.listdir(path)
    except PermissionError:
        return []


found = sorted(path for path in places() if CANARY.encode() in read(path))
print(f"found: {found}", flush=True)
print(f"empty: {[read(path) for path in ('/job/.env', '/job/keys', '/job/conf/.env.local')]}", flush=True)
print(f"notes: {listed('/job/.ftc')} {denied(os.mkdir, '/job/.ftc/x')} {denied(os.unlink, '/job/.env')}", flush=True)


def train(job: ftc.Job) -> None:
    x = torch.randn(64, 4)
    y = (x.sum(1) > 0).long()
    model = torch.nn.Linear(4, 2)
    job.register(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    for batch in job.batches((x, y), batch_size=16):
        job.step(F.cross_entropy(model(batch.x), batch.y))


ftc.run(train)
