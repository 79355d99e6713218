"""What is known of whoever writes a file, and how long that makes it unwise to believe the file."""

from enum import Enum
from types import MappingProxyType


class Writer(Enum):
    """As the kernel tells of it, where it does."""

    UNKNOWN = "nothing is heard of one"
    BUSY = "has written, and has the file open"
    DONE = "has closed the file, or moved a whole one there"


PATIENCE = MappingProxyType(
    {
        (Writer.UNKNOWN, False): 0.005,
        (Writer.UNKNOWN, True): 0.15,
        (Writer.BUSY, False): 1.0,
        (Writer.BUSY, True): 5.0,
        (Writer.DONE, False): 0.001,
        (Writer.DONE, True): 0.15,
    }
)
"""Seconds for which the files must stay as they are, by their writer and by whether one of them is
cut: missing, empty, or without the end that it had.

A cut file may be the first half of a write in place or of a save by deleting and creating; a
program that fetches secrets for `> .env` takes its time with the second. Otherwise it is a script
that writes in more than one call, or a save of two files, which belong together.
"""


def patience(writer: Writer, *, cut: bool) -> float:
    """Seconds for which the files must stay as they are before they are believed."""
    return PATIENCE[writer, cut]
