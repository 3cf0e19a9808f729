"""A checkpoint is damaged: a file of it is cut off, has a bit flipped, or is gone.

The file itself is moved aside and a damaged copy takes its place, in one step; what was moved aside goes when nothing is to
be put back.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import time
from pathlib import Path

from .act import Absent, Spec
from .volume import VOLUME, ours

STEP = re.compile(r"^step-(\d+)$")


class Damage:
    """`id`, `job`, `how` (`truncate`, `flip`, `delete`), `step` or null for the newest, `part` or null for the largest file, `seed`.

    `keep`: it can be put back. `checkpoint`, `file`: what `look` told, to put it back in another process.
    """

    def __init__(self, spec: Spec) -> None:
        self.folder = VOLUME / str(spec["job"])
        self.aside = ours(str(spec["job"]), str(spec["id"]))
        self.spec = spec

    def look(self) -> Spec:
        checkpoint = self.find_checkpoint()
        file = self.find_file(checkpoint)
        size = file.stat().st_size
        return {"checkpoint": checkpoint.name, "file": file.name, "bytes": size}

    def apply(self, go: Spec) -> Spec:
        file = self.folder / str(go["checkpoint"]) / str(go["file"])
        if not file.is_file():
            raise Absent(f"{go['checkpoint']}/{go['file']} was removed meanwhile")
        self.spec = {**self.spec, **go}
        self.aside.mkdir()
        if self.spec["how"] == "delete":
            os.rename(file, self.aside / file.name)
        else:
            copy = self.aside / f"{file.name}.damaged"
            shutil.copy2(file, copy)
            where = spoil(copy, str(self.spec["how"]), int(self.spec["seed"]))
            os.link(file, self.aside / file.name)
            os.rename(copy, file)
            go = {**go, "at": where}
        if not self.spec["keep"]:
            shutil.rmtree(self.aside)
        return go

    def hold(self, seconds: float) -> None:
        time.sleep(seconds)

    def revert(self) -> None:
        """Where the checkpoint was removed or set aside meanwhile, the file is of no use."""
        checkpoint, file = self.spec.get("checkpoint"), self.spec.get("file")
        if checkpoint is not None and file is not None:
            kept, place = self.aside / str(file), self.folder / str(checkpoint)
            if kept.exists() and place.is_dir():
                os.replace(kept, place / str(file))
        shutil.rmtree(self.aside, ignore_errors=True)

    def find_checkpoint(self) -> Path:
        names = os.listdir(self.folder) if self.folder.is_dir() else []
        steps = {int(found[1]): name for name in names if (found := STEP.match(name))}
        if not steps:
            raise Absent("there is no checkpoint yet")
        step = self.spec["step"]
        if step is None:
            return self.folder / steps[max(steps)]
        if int(step) not in steps:
            raise Absent(f"there is no checkpoint of step {step}; there are {', '.join(map(str, sorted(steps)))}")
        return self.folder / steps[int(step)]

    def find_file(self, checkpoint: Path) -> Path:
        files = sorted((f for f in checkpoint.iterdir() if f.is_file()), key=lambda f: (f.stat().st_size, f.name))
        part = self.spec["part"]
        named = [f for f in files if part is None or f.name == part]
        if not named:
            raise Absent(f"{checkpoint.name} has no file {part or ''}; it has {', '.join(f.name for f in files) or 'none'}")
        return named[-1]


def spoil(path: Path, how: str, seed: int) -> int:
    """Where: the length that is left, or the bit that is flipped."""
    size = path.stat().st_size
    if how == "truncate":
        os.truncate(path, size // 2)
        return size // 2
    bit = random.Random(seed).randrange(max(1, size * 8))
    with open(path, "r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1) or b"\0"
        file.seek(bit // 8)
        file.write(bytes([byte[0] ^ (1 << bit % 8)]))
    return bit
