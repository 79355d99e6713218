"""What is known of whoever writes a file, and how long that makes it unwise to believe the file."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType


class Writer(Enum):
    """As the kernel tells of it, where it does."""

    UNKNOWN = "nothing is heard of one"
    BUSY = "has written, and has the file open"
    DONE = "has closed the file, or moved a whole one there"


LONGEST = 5.0
"""Seconds of silence after which a writer that has the file open is not waited for any more."""

PATIENCE = MappingProxyType(
    {
        (Writer.UNKNOWN, False): 0.005,
        (Writer.UNKNOWN, True): 0.15,
        (Writer.BUSY, False): LONGEST,
        (Writer.BUSY, True): LONGEST,
        (Writer.DONE, False): 0.005,
        (Writer.DONE, True): 0.15,
    }
)
"""Seconds for which the files must stay as they are, by their writer and by whether one of them is
cut: missing, empty, or without the end that it had.

A cut file may be the first half of a write in place or of a save by deleting and creating. Who has
it open, as a program that fetches secrets for `> .env` does, takes as long as it takes. Otherwise
it is a script that writes in more than one call, or a save of two files, which belong together.
"""


def patience(writer: Writer, *, cut: bool) -> float:
    """Seconds for which the files must stay as they are before they are believed."""
    return PATIENCE[writer, cut]


Name = tuple[int, str]
"""Of a file: the number of its directory, and its name there."""


@dataclass(slots=True)
class Writers:
    """Who has a file open that they have begun to write, by its name; `since` their last word.

    Not everybody who writes has a file open (`truncate`), so who is silent is forgotten.
    """

    since: dict[Name, float] = field(default_factory=dict)

    def wrote(self, name: Name, now: float) -> None:
        """Something was written under this name, or a file made to write to."""
        self.since[name] = now

    def left(self, name: Name) -> None:
        """Nobody has it open any more, or not under this name."""
        self.since.pop(name, None)

    def keep(self, names: Collection[Name]) -> None:
        """Nothing is heard of any others from now on."""
        self.since = {name: at for name, at in self.since.items() if name in names}

    def busy(self, now: float) -> bool:
        """Whether somebody is still at it."""
        self.since = {name: at for name, at in self.since.items() if now - at < LONGEST}
        return bool(self.since)
