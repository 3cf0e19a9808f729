"""torchrun, with stores that work where torch was built without libuv."""

import without_libuv  # noqa: F401
from torch.distributed.run import main

main()
