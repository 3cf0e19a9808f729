"""What a script wrote to stderr, as a person would see it: without colours, and without what a progress bar has overwritten."""

from __future__ import annotations

import re

BEGINS = "Traceback (most recent call last):"

RANK = re.compile(r"^\[rank\d+\]: ?")
"""torch puts it before every line of a traceback once there is a process group."""

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of what follows."""

_THREAD = re.compile(r"^(?:Current thread|Thread) 0x[0-9a-f]+.*\(most recent call first\):")
_STANDS = re.compile(r'^(?:  File "|  \.\.\.|  <|$)')

_START = re.compile(r"(?:\[rank\d+\]: ?)?(?<!Original )(?P<group>  \+ Exception Group )?Traceback \(most recent call last\):\s*$")
_MARGIN = re.compile(r"^\s*(?:\|(?: |$)|\+-\+-+ \d+ -+$|\+-+$|\+ Exception Group )")
"""What Python draws before the lines of an exception group and of what is in it."""


def plain(stderr: str) -> list[str]:
    """Its lines. A traceback begins in one of its own, also where a bar without a newline stands before it."""
    lines: list[str] = []
    grouped = False
    for raw in _ESCAPE.sub("", stderr).replace("\r\n", "\n").split("\n"):
        # Of what was written over and over only the last is seen.
        states = [state for state in raw.split("\r") if state.strip()]
        line = states[-1] if states else ""
        start = _START.search(line)
        if start is not None and line[: start.start()].strip():
            lines.append(_safe(line[: start.start()]))
            line = line[start.start() :]
        grouped = grouped or (start is not None and start["group"] is not None)
        line = RANK.sub("", line)
        lines.append(_safe(_MARGIN.sub("", line) if grouped else line))
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def stacks(stderr: str) -> str:
    """Where all threads stood when Python was told to show it last; empty where it was not."""
    lines = plain(stderr)
    last = max((i for i, line in enumerate(lines) if _THREAD.match(line)), default=-1)
    if last == -1:
        return ""
    first, end = last, last + 1
    while first > 0 and (_THREAD.match(lines[first - 1]) or _STANDS.match(lines[first - 1])):
        first -= 1
    while end < len(lines) and _STANDS.match(lines[end]):
        end += 1
    return "\n".join(lines[first:end]).strip()


def _safe(text: str) -> str:
    """Nothing in it moves a terminal's cursor."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)
