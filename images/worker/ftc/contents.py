from typing import Any


def check(state: Any, name: str = "state") -> None:
    pass
