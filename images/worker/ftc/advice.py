"""A sentence behind an error that comes from where a script runs, not from what it does: what to do about it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

NO_VARIABLE = re.compile(r'File "[^"]*\bos(?:\.py|>)?", line \d+, in __getitem__')
KEY = re.compile(r"^KeyError: '([^']+)'$", re.MULTILINE)
READ_ONLY = re.compile(r"\[Errno 30\]|[Rr]ead-only file system|Parent directory \. does not exist")
"""What `torch.save` says of a folder that is read-only is that it does not exist; the one that it is started in does."""

NO_PLACE = re.compile(r"Parent directory \S+ does not exist|File \S+ cannot be opened")
NOT_ALLOWED = re.compile(r"\[Errno 13\]")
FULL = re.compile(r"\[Errno 28\]|No space left on device")


class Advice(NamedTuple):
    text: str
    final: bool
    """Trying again cannot help: the place is the same next time."""


def advised(message: str, traceback: str, env: Mapping[str, str] = os.environ) -> tuple[str, bool]:
    """`message` with the advice behind it, where there is any, and whether trying again cannot help."""
    found = advice(traceback, env)
    return (message, False) if found is None else (f"{message} ({found.text})", found.final)


def advice(traceback: str, env: Mapping[str, str] = os.environ) -> Advice | None:
    """None where there is none to give. `traceback` is the error's, with its last line."""
    missing = KEY.search(traceback[-2000:])
    if missing is not None and NO_VARIABLE.search(traceback[-2000:]):
        text = f"a worker has none of the shell's variables by itself: pass it on with --env {missing[1]}, or name it under environment in the job file"
        return Advice(text, True)
    # What is indented is code, and what stands far above was said of another error.
    said = "\n".join([line for line in traceback.splitlines() if not line.startswith(" ")][-8:])
    if READ_ONLY.search(said):
        return Advice(f"the place is read-only; a worker can write to {places(env)}", True)
    if NO_PLACE.search(said):
        return Advice(f"is it there, and not read-only? A worker can write to {places(env)}", False)
    if NOT_ALLOWED.search(said):
        return Advice(f"a worker runs as user {os.getuid()}, and can write only to {places(env)}", False)
    if FULL.search(said):
        text = "in the job file, resources.tmp is the size of /tmp and shmSize that of /dev/shm, both memory; $CHECKPOINT_DIR and outputs are on disk"
        return Advice(text, False)
    return None


def places(env: Mapping[str, str]) -> str:
    """Where a script may write, in words."""
    outputs = "$OUTPUT_DIR (outputs)" if env.get("OUTPUT_DIR") else "a folder of the host with outputs"
    copy = "its working directory" if env.get("FTC_WORKDIR") else "its own folder with workdir: true (--workdir)"
    return f"$CHECKPOINT_DIR, which outlives it, to /tmp, to {outputs}, and to {copy}"
