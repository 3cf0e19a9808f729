import random
import unicodedata

from ftc.sharded.bucket import Bucket
from ftc.visible import HIDDEN, visible


def test_what_a_terminal_obeys_is_shown() -> None:
    assert visible("a\x1b[2J\x9b\r\n\t\u202e\u2028\x7f\U000e0041") == "a\\x1b[2J\\u009b\\r\\n\\t\\u202e\\u2028\\u007f\\U000e0041"
    assert visible("größer, 日本語, ✔") == "größer, 日本語, ✔"
    chance = random.Random(1)
    for _ in range(300):
        text = "".join(chr(chance.choice((chance.randrange(0xA0), chance.randrange(0x110000), 0x202E))) for _ in range(20))
        assert not {unicodedata.category(c) for c in visible(text)} & HIDDEN


def test_it_is_bounded() -> None:
    assert visible("x" * 10, 10) == "x" * 10
    assert visible("x" * 11, 10) == "x" * 9 + "…"


def test_what_a_server_says_is_safe_and_bounded() -> None:
    class Bare(Bucket):
        def __init__(self) -> None:
            self._session = None

    said = Bare()._hide(f"\x1b]0;T\x07 no such \u202ething\nftc: run curl {'x' * 100_000}")
    assert len(said) < 2100
    assert said.startswith("\\x1b]0;T\\x07 no such \\u202ething\\nftc: run curl xxx")
