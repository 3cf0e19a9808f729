"""What a script that ended with an error says about itself: the last traceback on its stderr, or just how it ended."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from ..advice import advised
from ..failure import LIBRARIES, LIMIT
from ..messages import Failed

FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Signals that somebody sends (memory that ran out, too). Any other is the script's own doing."""

TRACEBACK = "Traceback (most recent call last):"
FRAME = re.compile(r'^ +File "(?P<file>[^"]+)", line (?P<line>\d+)')
RANK = re.compile(r"^\[rank\d+\]: ?")
"""torch puts it before every line of a traceback once there is a process group."""
RAISED = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?::|$)")

SHORT = 30.0
"""Seconds in which nothing is achieved that is worth another try."""

PEER_GONE = re.compile(r"gloo/|NCCL|Dist(Backend|Network|Store)Error|Connection (closed|reset|refused)|Broken pipe")
"""What gloo, NCCL and torch's store say when another rank has left."""


def judge(code: int, stderr: str, reached: str, before: str | None) -> Failed:
    """`code` as `subprocess` tells it. `reached` is what `progress` said: an error is the same as one before only if nothing
    was saved between. `before` is the fingerprint of this launcher's last failure; the same again is fatal.
    """
    traceback = last_traceback(stderr)
    message, place = _read(traceback) if traceback else (_ended(code), "")
    kind = message.split(":")[0].split("\n")[0] if traceback else message
    fingerprint = f"{kind} {place} after {reached}"
    message, final = advised(message, traceback)
    return Failed(
        fatal=final or fingerprint == before,
        fingerprint=fingerprint,
        message=message[:4000],
        traceback=(traceback or _lines(stderr)).encode()[-LIMIT:].decode(errors="ignore"),
        step=0,
    )


def peer_gone(stderr: str) -> bool:
    """The script may have failed only because another one did."""
    return PEER_GONE.search(last_traceback(stderr) or _lines(stderr)) is not None


def last_traceback(stderr: str) -> str:
    """The last one, whole with the errors that led to it; empty where there is none. What was written after it is left out."""
    lines = [RANK.sub("", line) for line in stderr.splitlines()]
    starts = [i for i, line in enumerate(lines) if line == TRACEBACK]
    if not starts:
        # A syntax error shows its place without that line.
        bad = [i for i, line in enumerate(lines) if re.match(r"^(SyntaxError|IndentationError|TabError):", line)]
        return "\n".join(lines[max(0, bad[-1] - 3) : bad[-1] + 1]) if bad else ""
    end = starts[-1] + 1
    while end < len(lines) and (lines[end].startswith(" ") or not lines[end]):
        end += 1
    # The error's own text, which may go on over lines until something else is written.
    return "\n".join(lines[starts[0] if _chained(lines, starts) else starts[-1] : end + 1])


def progress(folder: Path, seconds: float) -> str:
    """Names how far a script came that ran for so long: the last change to files in `folder`, which is all that can be seen.

    A short run made none, whatever it wrote: logs and settings are written at every start.
    """
    if seconds < SHORT:
        return "its start"
    newest = 0
    for path, _folders, files in os.walk(folder):
        for name in files:
            try:
                newest = max(newest, os.stat(os.path.join(path, name)).st_mtime_ns)
            except OSError:
                pass  # it was just removed
    return f"change {newest}"


def _chained(lines: list[str], starts: list[int]) -> bool:
    between = lines[starts[0] : starts[-1]]
    said = ("During handling of the above exception", "The above exception was the direct cause")
    return sum(line.startswith(said) for line in between) == len(starts) - 1


def _read(traceback: str) -> tuple[str, str]:
    """The error in words, and the innermost line of the user's own code."""
    lines = traceback.splitlines()
    frames = [m for m in map(FRAME.match, lines) if m]
    own = [m for m in frames if not m["file"].startswith((*LIBRARIES, "<"))]
    place = f"{(own or frames)[-1]['file']}:{(own or frames)[-1]['line']}" if frames else ""
    return (lines[-1] if RAISED.match(lines[-1]) else "the script raised"), place


def _ended(code: int) -> str:
    return f"the script was ended by {signal_name(-code)}" if code < 0 else f"the script ended with exit code {code}"


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _lines(stderr: str) -> str:
    return "\n".join(stderr.splitlines()[-20:])
