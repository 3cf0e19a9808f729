"""torch before 2.6 runs code that a made-up file brings along, also with weights_only=True (CVE-2025-32434).

Seals and hashes are no help: whoever can write a checkpoint can write those, too.
"""

from __future__ import annotations

import re

from ..errors import FtcError

FIRST_WITHOUT = (2, 6)


def has_hole(version: str) -> bool:
    """Of torch, such as "2.5.1+cu124". A version that says nothing is taken for a new one."""
    match = re.match(r"(\d+)\.(\d+)", version)
    return match is not None and (int(match[1]), int(match[2])) < FIRST_WITHOUT


def warning(version: str, *, outside: bool) -> str | None:
    """Before a checkpoint is loaded. None where nothing is wrong. `outside`: others than this job's containers may have written it.
    Raises FtcError there."""
    if not has_hole(version):
        return None
    what = f"torch {version} of this image runs code that a made-up checkpoint brings along (CVE-2025-32434)"
    if outside:
        raise FtcError(
            f"{what}, and this job's checkpoints may come from elsewhere (checkpoint.s3 or checkpoint.dir): none is loaded. "
            "Use an image with torch 2.6 or newer: base in the job file"
        )
    return f"{what}: keep the job's volume to yourself, or use an image with torch 2.6 or newer"
