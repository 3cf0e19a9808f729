"""A workload under torchrun with DistributedDataParallel. Arguments: its name, steps between checkpoints (0: none).

Threads, deterministic algorithms and access to the data are as ftc has them; everything else is DDP's default.
"""

import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
import without_libuv  # noqa: F401
from torch.nn.parallel import DistributedDataParallel

from commits import CommitLog
from workloads import WORKLOADS


def main(name: str, every: int) -> None:
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.manual_seed(0)
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    generation = int(os.environ["TORCHELASTIC_RESTART_COUNT"])

    workload = WORKLOADS[name]
    data = workload.data()
    samples, share = len(data[0]), workload.batch // world
    model = DistributedDataParallel(workload.model())
    optimizer = workload.optimizer(model.parameters())
    checkpoint = Path(os.environ["CHECKPOINT_DIR"]) / "ddp.pt"
    step = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.module.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]

    log = CommitLog()
    a_epoch = samples // workload.batch
    order = torch.empty(0, dtype=torch.int64)
    epoch = -1
    while True:
        if step // a_epoch != epoch:
            epoch = step // a_epoch
            order = torch.randperm(samples, generator=torch.Generator().manual_seed(epoch))
        start = step % a_epoch * workload.batch + rank * share
        indices = order[start : start + share]
        optimizer.zero_grad()
        workload.loss(model, tuple(tensor[indices] for tensor in data)).backward()
        optimizer.step()
        step += 1
        log.add(step, rank, world, generation)
        if every and rank == 0 and step % every == 0:
            temporary = checkpoint.with_suffix(".tmp")
            torch.save({"model": model.module.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, temporary)
            os.replace(temporary, checkpoint)


main(sys.argv[1], int(sys.argv[2]))
