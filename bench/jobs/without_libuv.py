"""Imported by torchrun and by its workers where torch was built without libuv, which Debian's is (torch 2.6).

There, the default of torch's own stores is one that cannot be made. This is the default that works, and nothing else.
"""

import sys
from typing import Any

import torch.distributed as dist
from torch.distributed.elastic.rendezvous import c10d_rendezvous_backend


class Store(dist.TCPStore):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "use_libuv": False})


# torch.distributed.rendezvous is a module and, under the same name, a function of torch.distributed.
for module in (dist, sys.modules["torch.distributed.rendezvous"], c10d_rendezvous_backend):
    module.TCPStore = Store  # type: ignore[attr-defined]
