"""What is to be done: the output of `supervisor`. Settings are secrets and stay out of reprs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from signal import Signals

from devsup.pure.notices import Notice
from devsup.pure.programs import Ready, Target


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a service on these settings."""

    name: str
    generation: int
    settings: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Probe:
    """Find out when a service is ready, and say so with this epoch.

    After so many seconds of `patience` it is late: then it is enough to ask seldom.
    """

    name: str
    epoch: int
    ready: Ready
    patience: float


@dataclass(frozen=True, slots=True)
class Arm:
    """Have TimerFired happen with this epoch after `delay` seconds."""

    name: str
    epoch: int
    delay: float


@dataclass(frozen=True, slots=True)
class Signal:
    """Signal a service."""

    name: str
    number: Signals
    to: Target


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL a service until nothing of it is left."""

    name: str


@dataclass(frozen=True, slots=True)
class Count:
    """Kill the processes `sweep`, then take a census and say so (Counted, with this round)."""

    round: int
    sweep: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the person in front of the terminal."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class Exit:
    """Nothing is left to do or to wait for."""

    exit_code: int


Effect = Spawn | Probe | Arm | Signal | Kill | Count | Say | Exit
