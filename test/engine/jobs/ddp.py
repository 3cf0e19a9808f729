"""As written for torchrun on one machine: DDP, local rank 0 saves and prepares for all, nothing of ftc.

Writes a line of JSON to `starts` at each start of a rank. It ends at step END, and waits before it, at step HOLD, until the
file `go` is beside the script. An argument makes rank 1 raise that text instead.
"""

import json
import os
import sys
import time
from pathlib import Path

started = time.time()

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

HOLD, END, EVERY = 60, 100, 10
folder = Path(os.environ["CHECKPOINT_DIR"])
checkpoint = folder / "model.pt"

prepared = [Path("/tmp/prepared"), Path("/dev/shm/prepared")]
found = [path.exists() for path in prepared]
local_rank = int(os.environ["LOCAL_RANK"])
dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
if local_rank == 0:
    for path in prepared:
        path.touch()
dist.barrier()
assert all(path.exists() for path in prepared)
if sys.argv[1:] and rank == 1:
    raise ValueError(sys.argv[1])
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
step = 0
if checkpoint.exists():
    saved = torch.load(checkpoint, weights_only=True)
    model.load_state_dict(saved["model"])
    step = saved["step"]
line = {"at": started, "rank": rank, "world": world, "step": step, "restarts": os.environ["TORCHELASTIC_RESTART_COUNT"], "found": all(found)}
with (folder / "starts").open("a") as file:
    file.write(json.dumps(line) + "\n")

parallel = DistributedDataParallel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
while step < END:
    while step == HOLD and not Path(__file__).with_name("go").exists():
        time.sleep(0.05)
    optimizer.zero_grad()
    parallel(torch.full((8, 4), float(rank))).square().mean().backward()
    optimizer.step()
    step += 1
    if local_rank == 0 and step % EVERY == 0:
        aside = checkpoint.with_suffix(".new")
        torch.save({"model": model.state_dict(), "step": step}, aside)
        aside.replace(checkpoint)
        print(f"saved step {step}", flush=True)
dist.barrier()
dist.destroy_process_group()
