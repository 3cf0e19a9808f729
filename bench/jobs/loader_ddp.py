"""Samples that are costly to prepare, under torchrun with DistributedDataParallel. Threads and determinism are as ftc has them."""

import os

import torch
import torch.distributed as dist
import torch.nn.functional as F
import without_libuv  # noqa: F401
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from commits import CommitLog
from decoding import Pictures
from loader_model import BATCH, PROCESSES, model, optimizer


def main() -> None:
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.manual_seed(0)
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    generation = int(os.environ["TORCHELASTIC_RESTART_COUNT"])

    net = DistributedDataParallel(model())
    adam = optimizer(net)
    data = Pictures()
    sampler = DistributedSampler(data)
    loader = DataLoader(data, batch_size=BATCH // world, sampler=sampler, num_workers=PROCESSES, persistent_workers=True)
    log = CommitLog()
    epoch = step = 0
    while True:
        sampler.set_epoch(epoch)
        for x, y in loader:
            adam.zero_grad()
            F.cross_entropy(net(x), y).backward()
            adam.step()
            step += 1
            log.add(step, rank, world, generation)
        epoch += 1


main()
