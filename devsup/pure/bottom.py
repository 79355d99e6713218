"""One line at the bottom of a terminal, below all others: its bytes, cut to the width; pure.

The cursor waits at its beginning. So when the terminal is made narrower and wraps it, erasing from
the cursor on takes all of it away, and a shell that is left alone with it writes over it.
"""

from enum import Enum

RESET = b"\x1b[0m"
ERASE = b"\r\x1b[J"
"""From the beginning of the line to the end of the screen."""


class Layer(Enum):
    """What may want to be at the bottom, and how it is rendered (SGR); the first covers the other.

    The reset comes first in it: a colour that a service left open must not leak into this.
    """

    PROMPT = "0;1"
    PROGRESS = "0;2"


def fitting(text: str, columns: int) -> str:
    """As much of `text` as goes into so many columns and never wraps; an ellipsis for the rest.

    What is not ASCII may be two columns wide, and counts as that; what cannot be printed is left
    out, for it could move the cursor.
    """
    shown = "".join(filter(str.isprintable, text))
    if _width(shown) < columns:
        return shown
    shown = shown[:columns]
    while shown and _width(f"{shown}…") >= columns:
        shown = shown[:-1]
    return shown and f"{shown}…"


def _width(text: str) -> int:
    return sum(1 if character.isascii() else 2 for character in text)


def drawn(layer: Layer, text: str, columns: int) -> bytes:
    """The bytes that show it where the cursor is, at the beginning of a line."""
    return f"\x1b[{layer.value}m{fitting(text, columns)}".encode() + RESET + b"\r"
