"""A home, a name and a cache for whoever the worker runs as: an image knows its own user, and a job may run as another one.

Called before anything else is loaded: torch, for one, looks for its cache's place when it is imported.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import MutableMapping
from pathlib import Path


def settle(env: MutableMapping[str, str] = os.environ) -> None:
    """Sets HOME, USER, LOGNAME and XDG_CACHE_HOME where the job does not, or where nothing could be written there."""
    home = Path(env.get("HOME") or "/")
    if home.parent == home or not os.access(home, os.W_OK) or home == Path(tempfile.gettempdir()):
        home = Path(tempfile.gettempdir()) / "home"
        env["HOME"] = str(home)
    cache = Path(env.setdefault("XDG_CACHE_HOME", str(home / ".cache")))
    for name in ("USER", "LOGNAME"):
        env.setdefault(name, "ftc")
    for path in (home, cache):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError:
            pass  # a script that wants it is told so when it writes there
