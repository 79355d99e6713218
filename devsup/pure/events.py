"""What happens to a run: the input of `supervisor`."""

from dataclasses import dataclass
from enum import Enum

from devsup.pure.declaration import Declaration
from devsup.pure.errors import Problem


@dataclass(frozen=True, slots=True)
class Launched:
    """The run begins."""


@dataclass(frozen=True, slots=True)
class Edited:
    """The files are readable and say this; `files` are those that were touched."""

    declared: Declaration
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Broke:
    """Not all of the files are readable; `files` are those that were touched."""

    problems: tuple[Problem, ...]
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """These `files` changed, and nothing more for the moment; `names` are who watches them."""

    names: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RestartAsked:
    """Somebody wants these services restarted."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StartAsked:
    """Somebody wants these services to run."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Somebody wants these services down, over edits too, until they are asked for."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BecameReady:
    """A probe of this epoch found the service ready; `how` says by what."""

    name: str
    epoch: int
    how: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The time that was asked for in this epoch is over."""

    name: str
    epoch: int


@dataclass(frozen=True, slots=True)
class LeaderExited:
    """The leader ended; `code` is negative for a signal."""

    name: str
    code: int


@dataclass(frozen=True, slots=True)
class Emptied:
    """Nothing of the service is alive: the kernel says so."""

    name: str


@dataclass(frozen=True, slots=True)
class Counted:
    """The census of this round.

    `processes` live in their services, `strays` do not; `stale` ones do, on older settings.
    """

    round: int
    processes: int
    strays: tuple[int, ...] = ()
    stale: tuple[int, ...] = ()


class Asker(Enum):
    """Who wants the run to end."""

    SIGNAL = "a signal: Ctrl-C, SIGTERM"
    ELSEWHERE = "another terminal, a reader that left, a service that ended"


@dataclass(frozen=True, slots=True)
class Quit:
    """The run is to end with this exit code; by a second signal without any grace."""

    exit_code: int
    asker: Asker = Asker.SIGNAL


Asked = RestartAsked | StartAsked | StopAsked
Life = BecameReady | TimerFired | LeaderExited | Emptied
Event = Launched | Edited | Broke | SourceChanged | Asked | Life | Counted | Quit
