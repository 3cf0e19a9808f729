"""An exception of the user's code as a message: what it was, where, and whether trying again can help."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path
from types import TracebackType

from .advice import advised
from .errors import FtcError, UsageError
from .messages import Failed

LIMIT = 16 * 1024
"""Bytes of traceback that are sent."""

OURS = str(Path(__file__).parent)
LIBRARIES = tuple(
    {path for key in ("stdlib", "platstdlib", "purelib", "platlib") if (path := sysconfig.get_path(key))}
    | {"/usr/lib/python3/", "<frozen"}
)


def describe(error: BaseException, step: int) -> Failed:
    """The fingerprint is equal for equal errors: its type and the innermost line of the user's own code."""
    text = "".join(traceback.format_exception(type(error), error, trimmed(error.__traceback__)))
    if isinstance(error, FtcError):
        text = _where(error)
    message = "".join(traceback.format_exception_only(type(error), error)).strip()
    if isinstance(error, FtcError):
        message = str(error)
    message, final = advised(message, text)
    return Failed(
        fatal=final or isinstance(error, (FtcError, SyntaxError)),
        fingerprint=f"{type(error).__name__} {_place(error)}",
        message=message[:4000],
        traceback=text.encode()[-LIMIT:].decode(errors="ignore"),
        step=step,
    )


def trimmed(trace: TracebackType | None) -> TracebackType | None:
    """Without the frames of ftc and of the interpreter's start that surround the user's."""
    while trace is not None and (_file(trace).startswith(OURS) or _file(trace).startswith("<frozen")):
        trace = trace.tb_next
    return trace


def _where(error: FtcError) -> str:
    """The user's own lines where they used ftc wrongly; nothing where the script is not to blame."""
    if not isinstance(error, UsageError):
        return ""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith((OURS, "<frozen"))]
    lines = traceback.format_list(frames)
    return "".join(["Traceback (most recent call last):\n", *lines, f"{error}\n"]) if lines else ""


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    place, trace = "", error.__traceback__
    last = ""
    while trace is not None:
        last = f"{_file(trace)}:{trace.tb_lineno}"
        if not _file(trace).startswith((OURS, *LIBRARIES)):
            place = last
        trace = trace.tb_next
    return place or last


def _file(trace: TracebackType) -> str:
    return trace.tb_frame.f_code.co_filename
