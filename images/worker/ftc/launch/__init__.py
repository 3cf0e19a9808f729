"""Scripts that know nothing of ftc: run as torchrun runs them, one process a worker and generation. docs/torchrun.md.

Nothing here loads torch: the launcher is up, and connected, long before the script is.
"""

from __future__ import annotations

from ..config import Config
from .launcher import Launcher


def launch(config: Config) -> int:
    """Runs one worker. The exit codes are those of every worker, and 128 + the signal that ended the script from outside."""
    return Launcher(config).run()
