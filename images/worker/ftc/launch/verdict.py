"""What a script that ended with an error says about itself: the last traceback on its stderr, or just how it ended."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

from ..advice import advised
from ..failure import LIBRARIES, LIMIT
from ..messages import Failed
from .lines import BEGINS, plain

FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Signals that somebody sends (memory that ran out, too). Any other is the script's own doing."""

FRAME = re.compile(r'^[ >]+File "(?P<file>[^"]+)", line (?P<line>\d+)')
BOX = re.compile(r"^[╭┌+][─━═-]* *Traceback \(most recent call last\) *[─━═-]*[╮┐+]$")
"""How rich begins a traceback that it draws in a box."""
BOX_END = re.compile(r"^[╰└+][─━═-]+[╯┘+]$")
BOX_FRAME = re.compile(r"^[│┃|] *(?P<file>/[^:]+):(?P<line>\d+) in ")
RAISED = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?::|$)")
NO_CAUSE = re.compile(r"^(Exception ignored |--- Logging error ---)")
"""What is printed above a traceback of which Python thinks no more."""
ORIGINAL = f"Original {BEGINS}"
"""torch, of an error in a process of a DataLoader: the error that counts follows."""
WARNING = re.compile(r"^(\[rank\d+\]:)?\[[WI]\d* |.*Warning: ")

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
    kind = message.split(":")[0].split("\n")[0]
    fingerprint = f"{kind} {place} after {reached}"
    if not traceback and code > 0:
        message += _last_words(stderr)
    message, final = advised(message, traceback)
    return Failed(
        fatal=final or fingerprint == before,
        fingerprint=fingerprint,
        message=message[:4000],
        traceback=(traceback or _lines(stderr)).encode()[-LIMIT:].decode(errors="ignore"),
        step=0,
    )


def recorded(file: Path, limit: int = 1 << 20) -> str:
    """The traceback in a file that torch's `@record` has written; empty where there is none."""
    try:
        with file.open("rb") as stream:
            found = json.loads(stream.read(limit))["message"]["extraInfo"]["py_callstack"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""


def peer_gone(stderr: str) -> bool:
    """The script may have failed only because another one did."""
    return PEER_GONE.search(last_traceback(stderr) or _lines(stderr)) is not None


def last_traceback(stderr: str) -> str:
    """The last one, whole with the errors that led to it; empty where there is none. What was written after it is left out."""
    lines = plain(stderr)
    starts = [i for i, line in enumerate(lines) if _begins(lines, i)]
    if not starts:
        # A syntax error shows its place without that line.
        bad = [i for i, line in enumerate(lines) if re.match(r"^(SyntaxError|IndentationError|TabError):", line)]
        return "\n".join(lines[max(0, bad[-1] - 3) : bad[-1] + 1]) if bad else ""
    end = _end(lines, starts[-1])
    if lines[end + 1 : end + 2] == [ORIGINAL]:
        end = _end(lines, end + 1)
    # The error's own text may go on over lines until something else is written: its first has to do.
    return "\n".join(lines[starts[0] if _chained(lines, starts) else starts[-1] : end + 1])


def _begins(lines: list[str], at: int) -> bool:
    if lines[at].rstrip() != BEGINS and BOX.match(lines[at].rstrip()) is None:
        return False
    return at == 0 or NO_CAUSE.match(lines[at - 1]) is None


def _end(lines: list[str], start: int) -> int:
    """Where the traceback that begins there says what was raised."""
    end = start + 1
    if BOX.match(lines[start].rstrip()):
        while end < len(lines) and not BOX_END.match(lines[end].rstrip()):
            end += 1
        end += 1
    while end < len(lines) and (lines[end].startswith((" ", ">")) or not lines[end]):
        end += 1
    return end


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
    """Each of them led to the next, as Python says between them; an exception group holds its own."""
    between = [line for line in lines[starts[0] : starts[-1]] if line]
    said = ("During handling of the above exception", "The above exception was the direct cause")
    linked = sum(line.startswith(said) for line in between)
    held = any(re.match(r"^\w*ExceptionGroup: ", line) for line in between)
    return linked == len(starts) - 1 or held


def _read(traceback: str) -> tuple[str, str]:
    """The error in words, and the innermost line of the user's own code."""
    lines = traceback.splitlines()
    frames = [m for m in (FRAME.match(line) or BOX_FRAME.match(line) for line in lines) if m]
    own = [m for m in frames if not m["file"].startswith((*LIBRARIES, "<"))]
    place = f"{(own or frames)[-1]['file']}:{(own or frames)[-1]['line']}" if frames else ""
    return (lines[-1] if RAISED.match(lines[-1]) else "the script raised"), place


def _ended(code: int) -> str:
    return f"the script was ended by {signal_name(-code)}" if code < 0 else f"the script ended with exit code {code}"


def _last_words(stderr: str) -> str:
    """What it said before it ended by itself, as `sys.exit("…")` and argparse do."""
    said = [line.strip() for line in plain(stderr) if line.strip() and not WARNING.match(line)]
    return f": {said[-1][:500]}" if said else ""


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _lines(stderr: str) -> str:
    return "\n".join(plain(stderr)[-20:])
