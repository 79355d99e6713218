"""What was seen of live processes, as plain data.

Of a process's environment only the marks and two yes-or-no answers leave the edge that read it: the
rest are somebody's secrets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

RUN = "DEVSUP_RUN"
SERVICE = "DEVSUP_SERVICE"
GENERATION = "DEVSUP_GENERATION"

UNIX_SOCKET = 0
"""Stands among the ports of a process for a Unix stream socket on which it listens."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One process for all time: a pid is recycled, a pid with its start is not.

    `started` is in seconds since boot on Linux (elsewhere since 1970): setting the clock does not
    move it. It is for comparing, down to the kernel's tick of 10 ms.
    """

    pid: int
    started: float


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the process table; a zombie has one, too, and is not `alive`."""

    pid: int
    ppid: int
    session: int
    terminal: bool
    alive: bool
    started: float

    @property
    def identity(self) -> Identity:
        """Who it is, whatever becomes of its pid."""
        return Identity(self.pid, self.started)


@dataclass(frozen=True, slots=True)
class Marks:
    """What devsup writes into the environment of whatever it starts; None where absent."""

    run: str | None = None
    service: str | None = None
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A live process with everything that decides whether it is a leftover.

    `cleared`: it was started with an environment that lacks what every process of a user has; only
    then is the parent looked at, and the marks are those of the nearest ancestor that has any. What
    may not be read, or is gone, is None.
    """

    row: Row
    parent: Row | None
    uid: int | None
    marks: Marks
    cleared: bool
    directory: str | None
    command: tuple[str, ...] = field(repr=False)


def is_of(run: str, key: str) -> bool:
    """Whether a run, as a mark names it, is one of the project with this key."""
    return run.partition("-")[0] == key


def marks(environ: Mapping[str, str]) -> Marks:
    """The marks in an environment; a generation that is no number counts as absent."""
    generation = environ.get(GENERATION, "")
    return Marks(
        environ.get(RUN),
        environ.get(SERVICE),
        int(generation) if generation.isascii() and generation.isdecimal() else None,
    )
