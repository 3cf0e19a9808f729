"""What goes out is shaped: one queueing discipline at the root of the interface, and the one before put back."""

from __future__ import annotations

import time

from .act import Absent, Cannot, Spec, run, succeeds, words

DEVICE = "eth0"
KERNEL_OWN = ("noqueue", "mq", "pfifo_fast", "fq_codel", "pfifo")
"""What the kernel puts there by itself comes back when ours is deleted."""


FIRST, LAST = 0x1000, 0x8000
"""Handles of ours; the kernel counts its own from 0x8001."""


class Shape:
    """`id`, `qdisc`: words such as `tbf rate 1mbit …`; `before`: what `look` told, to put it back in another process."""

    def __init__(self, spec: Spec) -> None:
        self.qdisc = words(spec["qdisc"])
        self.handle = handle_of(str(spec["id"]))
        self.before: list[str] | None = spec.get("before")

    def look(self) -> Spec:
        self.before = root_of(run("tc", "qdisc", "show", "dev", DEVICE))
        if self.before and is_ours(self.before[1]):
            raise Absent("another fault shapes what it sends already: one at a time")
        return {"qdisc": self.before}

    def apply(self, go: Spec) -> Spec:
        run("tc", "qdisc", "replace", "dev", DEVICE, "root", "handle", f"{self.handle}:", *self.qdisc)
        return {"qdisc": self.qdisc}

    def hold(self, seconds: float) -> None:
        time.sleep(seconds)

    def revert(self) -> None:
        shown = run("tc", "qdisc", "show", "dev", DEVICE)
        if f" {self.handle}: " not in shown:
            return  # never there, or another has taken its place
        if self.before:
            run("tc", "qdisc", "replace", "dev", DEVICE, "root", *self.before)
        elif not succeeds("tc", "qdisc", "del", "dev", DEVICE, "root"):
            raise Cannot(f"the queueing discipline of {DEVICE} cannot be deleted")


def handle_of(fault: str) -> str:
    """A number that only this fault has: hexadecimal, below the kernel's own."""
    run_part, _, number = fault.partition("-")
    return f"{(int(run_part, 36) * 31 + int(number)) % (LAST - FIRST) + FIRST:x}"


def is_ours(handle: str) -> bool:
    return FIRST <= int(handle.rstrip(":") or "0", 16) < LAST


def root_of(shown: str) -> list[str] | None:
    """The words that make the root discipline again; None where it is the kernel's own choice.

    `qdisc tbf 8001: root refcnt 2 rate 1Mbit burst 4Kb lat 400ms` is `tbf rate 1Mbit burst 4Kb lat 400ms`.
    """
    for line in shown.splitlines():
        words_of = line.split()
        if len(words_of) < 4 or words_of[0] != "qdisc" or words_of[3] != "root":
            continue
        kind, rest = words_of[1], words_of[4:]
        if kind in KERNEL_OWN:
            return None
        if rest[:1] == ["refcnt"]:
            rest = rest[2:]
        return ["handle", words_of[2], kind, *rest]
    return None
