"""What a script finds when it starts: torchrun's environment, for one process a worker, and a folder of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..config import Config
from ..errors import FtcError
from ..messages import Generation
from ..script import enter

PORTS_FROM, PORTS = 20_000, 9_000
"""Where a generation's port is taken from: below the ports that a system gives away by itself, and without torchrun's 29500."""


def port_of(generation: Generation) -> int:
    """Where rank 0 serves the script's store: another port in every generation, so that nobody meets what is left of the last.

    It starts at what rank 0's launcher announced, which each process chooses by chance.
    """
    announced = generation.members[0].store_port
    return PORTS_FROM + (announced + generation.generation) % PORTS


def environment(base: Mapping[str, str], config: Config, generation: Generation, rank: int, error_file: Path | None) -> dict[str, str]:
    """`base` and torchrun's variables for `rank` in `generation`."""
    world, rank_text = str(len(generation.members)), str(rank)
    local, local_world, group, groups = (rank_text, world, "0", "1") if config.one_node else ("0", "1", rank_text, world)
    env = dict(base)
    env.update(
        RANK=rank_text,
        WORLD_SIZE=world,
        LOCAL_RANK=local,
        LOCAL_WORLD_SIZE=local_world,
        GROUP_RANK=group,
        GROUP_WORLD_SIZE=groups,
        ROLE_NAME="default",
        ROLE_RANK=rank_text,
        ROLE_WORLD_SIZE=world,
        MASTER_ADDR=generation.members[0].host,
        MASTER_PORT=str(port_of(generation)),
        TORCHELASTIC_RESTART_COUNT=str(generation.generation - 1),
        TORCHELASTIC_MAX_RESTARTS=env.pop("MAX_RESTARTS", "100"),
        TORCHELASTIC_RUN_ID=config.job,
        TORCHELASTIC_USE_AGENT_STORE="False",
        OMP_NUM_THREADS=str(config.threads),
        CHECKPOINT_DIR=str(config.script_dir),
        DATASET_DIR=str(config.dataset_dir),
    )
    if error_file is not None:
        env["TORCHELASTIC_ERROR_FILE"] = str(error_file)
    # SIGABRT, and a crash in native code, show where every thread stood.
    env.setdefault("PYTHONFAULTHANDLER", "1")
    env.setdefault("TORCH_NCCL_ASYNC_ERROR_HANDLING", "1")
    # Debian's torch has no libuv, which `init_process_group` would ask for otherwise.
    env.setdefault("USE_LIBUV", "0")
    return env


def fresh_error_file(config: Config) -> Path | None:
    """Where torch's `@record` puts the error of the script's next run; None where no such file can be.

    Workers may share the folder for temporary files, so each has its own; one that was killed uses it again.
    """
    file = Path(tempfile.gettempdir()) / f"ftc-{config.worker}" / "error.json"
    try:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.unlink(missing_ok=True)
    except OSError:
        return None
    return file


def prepare(config: Config) -> None:
    """Raises FtcError where the script cannot be run."""
    enter(config)
    try:
        config.script_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FtcError(f"the script's folder {config.script_dir} cannot be made: {error.strerror}") from None
