"""What can go wrong, by who has to act on it."""

from __future__ import annotations


class FtcError(Exception):
    """A mistake that trying again cannot mend. The text is for a person: what, which value, what to do."""


class ConfigError(FtcError):
    """The environment that the container was started with is wrong. Exit code 2."""


class UsageError(FtcError):
    """The script uses the interface in a way that cannot work."""


class ProtocolError(Exception):
    """A line on the control link that cannot be understood."""


class Broken(Exception):
    """A collective, or the meeting before it, failed. Never reaches the user's code: the step is repeated.

    Raise it outside of any `except` block and keep it no longer than needed: a traceback that lives on keeps the
    frames of the failed call, they keep the old group, and its sockets stay open.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Leave(BaseException):
    """This worker stops, as asked by SIGTERM or by the master. Passes through `except Exception` in a script."""


class StartAnew(BaseException):
    """This worker has to run its script from the beginning. Passes through `except Exception` in a script. Its text says why."""
