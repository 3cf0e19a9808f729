"""What others wrote, safe to print: a server's words, a file's name, the master's reason."""

from __future__ import annotations

import unicodedata

MOST = 2000
"""Characters; a server may say as much as it likes."""

HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs"}
"""Unicode's categories of what a terminal obeys and a reader does not see: controls, bidi, separators, halves of pairs."""

NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, most: int = MOST) -> str:
    """One line of at most `most` characters, in which nothing moves a cursor or turns the direction of text."""
    short = text if len(text) <= most else f"{text[: most - 1]}…"
    return "".join(_escaped(c) if unicodedata.category(c) in HIDDEN else c for c in short)


def _escaped(character: str) -> str:
    code = ord(character)
    if character in NAMED:
        return NAMED[character]
    return f"\\x{code:02x}" if code < 0x20 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
