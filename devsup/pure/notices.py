"""What is worth telling a person about a run, as data; `report` has the sentences."""

from dataclasses import dataclass
from enum import Enum
from signal import Signals

from devsup.pure.errors import Problem
from devsup.pure.lifecycle import State
from devsup.pure.programs import Ready


class Cause(Enum):
    """Why services are (re)started."""

    LAUNCH = "launch"
    EDIT = "edit"
    SOURCE = "source"
    ASKED = "asked"
    EXIT = "exit"
    READY = "ready"
    """At last, of one that was late."""


@dataclass(frozen=True, slots=True)
class Restarting:
    """Services are about to be stopped, because of an edit or on demand.

    `diff` names the keys and process types that an edit of `file` (or several) changed, `sources`
    are the watched files that changed, in the order in which they were seen; `names` are started
    again, the `idle` ones, which were down, started, and the `removed` ones are not.
    """

    cause: Cause
    file: str
    diff: str
    names: tuple[str, ...]
    generation: int
    sources: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Steady:
    """Every service is where it can be: its state, and by what it was found ready.

    Times in seconds; `processes` were counted by the census, all on the settings that concern them.
    `waiting` are those that are still to be started, each with the one that it comes after.
    """

    cause: Cause
    file: str
    diff: str
    services: tuple[tuple[str, State, str], ...]
    generation: int
    stop: float
    start: float
    verify: float
    processes: int
    sources: tuple[str, ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NotConcerned:
    """An edit changed what no running service has to be restarted for."""

    file: str
    diff: str
    generation: int


@dataclass(frozen=True, slots=True)
class Exited:
    """A service ended though nobody asked; `code` is negative for a signal, None when unseen."""

    name: str
    code: int | None
    generation: int


class Next(Enum):
    """What follows an exit that nobody asked for."""

    WAIT = "wait"
    RESTART = "restart"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Following:
    """What devsup does about a service that is down; `delay` in seconds."""

    name: str
    what: Next
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Blocked:
    """A service is not started, because one that it comes after is not ready and not starting."""

    name: str
    after: str


@dataclass(frozen=True, slots=True)
class Late:
    """A service is not ready after so many seconds; it is still waited for, and left running."""

    name: str
    ready: Ready
    seconds: float


@dataclass(frozen=True, slots=True)
class Signalled:
    """A further step of a stop sequence: the steps before did not end the service."""

    name: str
    signal: Signals


@dataclass(frozen=True, slots=True)
class Killed:
    """The grace period is over (or somebody asked): SIGKILL to every process of the service."""

    name: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """SIGKILL did not end a service; `pids` are those of it that live, as far as they are seen.

    `waiting` are not started before it is gone.
    """

    name: str
    pids: tuple[int, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Swept:
    """Processes of this run outside of their service were found and killed."""

    pids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unverified:
    """Not every process is where it should be, on the settings that it should have."""

    strays: tuple[int, ...]
    stale: tuple[int, ...]
    generation: int


@dataclass(frozen=True, slots=True)
class Broken:
    """The files cannot be understood; the stack keeps the settings of `generation`."""

    problems: tuple[Problem, ...]
    generation: int


@dataclass(frozen=True, slots=True)
class Repaired:
    """The files are fine again, and say what the stack is running on."""

    generation: int


@dataclass(frozen=True, slots=True)
class Quitting:
    """The run ends: these services are being stopped, or killed after so many `interrupts`.

    None of these when there is no terminal to type them in.
    """

    names: tuple[str, ...]
    interrupts: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing of the run is alive, by the kernel's word."""


Notice = (
    Restarting
    | Steady
    | NotConcerned
    | Exited
    | Following
    | Blocked
    | Late
    | Signalled
    | Killed
    | Stuck
    | Swept
    | Unverified
    | Broken
    | Repaired
    | Quitting
    | Ended
)
