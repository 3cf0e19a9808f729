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

from .act import Absent, Spec
from .volume import clear, folder, mark, name, size_of
from .volume import make as make_file

STEP = re.compile(r"^step-(\d+)$", re.ASCII)


class Damage:
    """`id`, `job`, `how` (`truncate`, `flip`, `delete`), `step` or null for the newest, `part` or null for the largest file, `seed`.

    `keep`: it can be put back. `checkpoint`, `file`: what `look` told, to put it back in another process.
    """

    def __init__(self, spec: Spec) -> None:
        self.job = name(spec["job"])
        self.aside = mark(spec["id"])
        self.spec = spec

    def look(self) -> Spec:
        checkpoint = self.find_checkpoint()
        file, size = self.find_file(checkpoint)
        return {"checkpoint": checkpoint, "file": file, "bytes": size}

    def apply(self, go: Spec) -> Spec:
        checkpoint, file = checkpoint_name(go["checkpoint"]), name(go["file"])
        self.spec = {**self.spec, **go}
        with folder(self.job, checkpoint) as place, folder(self.job) as job:
            if size_of(file, place) is None:
                raise Absent(f"{checkpoint}/{file} was removed meanwhile")
            os.mkdir(self.aside, dir_fd=job)
            with folder(self.job, self.aside) as aside:
                if self.spec["how"] == "delete":
                    os.rename(file, file, src_dir_fd=place, dst_dir_fd=aside)
                else:
                    copy = f"{file}.damaged"
                    where = copied(file, place, copy, aside, str(self.spec["how"]), int(self.spec["seed"]))
                    os.link(file, file, src_dir_fd=place, dst_dir_fd=aside, follow_symlinks=False)
                    os.rename(copy, file, src_dir_fd=aside, dst_dir_fd=place)
                    go = {**go, "at": where}
        if not self.spec["keep"]:
            clear(self.job, self.aside)
        return go

    def hold(self, seconds: float) -> None:
        time.sleep(seconds)

    def revert(self) -> None:
        """Where the checkpoint was removed or set aside meanwhile, the file is of no use."""
        checkpoint, file = self.spec.get("checkpoint"), self.spec.get("file")
        if checkpoint is not None and file is not None:
            checkpoint, file = checkpoint_name(checkpoint), name(file)
            try:
                with folder(self.job, self.aside) as aside, folder(self.job, checkpoint) as place:
                    if size_of(file, aside) is not None:
                        os.replace(file, file, src_dir_fd=aside, dst_dir_fd=place)
            except Absent:
                pass
        clear(self.job, self.aside)

    def find_checkpoint(self) -> str:
        try:
            with folder(self.job) as job:
                names = [entry.name for entry in os.scandir(job) if entry.is_dir(follow_symlinks=False)]
        except Absent:
            names = []
        steps = {int(found[1]): one for one in names if (found := STEP.match(one))}
        if not steps:
            raise Absent("there is no checkpoint yet")
        step = self.spec["step"]
        if step is None:
            return steps[max(steps)]
        if int(step) not in steps:
            raise Absent(f"there is no checkpoint of step {step}; there are {', '.join(map(str, sorted(steps)))}")
        return steps[int(step)]

    def find_file(self, checkpoint: str) -> tuple[str, int]:
        with folder(self.job, checkpoint) as place:
            sizes = [(size, one) for one in os.listdir(place) if (size := size_of(one, place)) is not None]
        files = [(one, size) for size, one in sorted(sizes)]
        part = self.spec["part"]
        named = [f for f in files if part is None or f[0] == part]
        if not named:
            raise Absent(f"{checkpoint} has no file {part or ''}; it has {', '.join(f[0] for f in files) or 'none'}")
        return named[-1]


def checkpoint_name(text: object) -> str:
    found = name(text)
    if STEP.match(found) is None:
        raise Absent(f"{found} is no checkpoint")
    return found


def copied(file: str, place: int, copy: str, aside: int, how: str, seed: int) -> int:
    """Makes a damaged copy, with the mode of the first. Where: the length that is left, or the bit that is flipped."""
    read = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    with os.fdopen(read, "rb") as old, os.fdopen(make_file(copy, aside), "r+b") as new:
        shutil.copyfileobj(old, new)
        was = os.fstat(old.fileno())
        os.fchmod(new.fileno(), was.st_mode & 0o7777)
        new.flush()
        at = spoil(new.fileno(), was.st_size, how, seed)
        os.utime(new.fileno(), ns=(was.st_atime_ns, was.st_mtime_ns))
        return at


def spoil(file: int, size: int, how: str, seed: int) -> int:
    if how == "truncate":
        os.truncate(file, size // 2)
        return size // 2
    bit = random.Random(seed).randrange(max(1, size * 8))
    byte = os.pread(file, 1, bit // 8) or b"\0"
    os.pwrite(file, bytes([byte[0] ^ (1 << bit % 8)]), bit // 8)
    return bit
