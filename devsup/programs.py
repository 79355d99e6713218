"""What devsup knows of the programs that a Procfile usually starts; as data."""

from dataclasses import dataclass
from enum import Enum
from signal import Signals

DEFAULT_TIMEOUT = 5.0
"""Seconds between the stop signal and the next step when nobody says otherwise."""


class Target(Enum):
    """Whom a step of a stop sequence signals."""

    LEADER = "leader"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Step:
    """One signal of a stop sequence, and the seconds that it is given to work."""

    signal: Signals
    to: Target
    grace: float


@dataclass(frozen=True, slots=True)
class LogReady:
    """Ready when a line of output matches this regular expression (searched, not anchored)."""

    pattern: str


@dataclass(frozen=True, slots=True)
class PortReady:
    """Ready when this TCP port of the machine accepts a connection, whoever listens on it."""

    port: int


@dataclass(frozen=True, slots=True)
class HttpReady:
    """Ready when a GET of this URL is answered with a status below 400."""

    url: str


@dataclass(frozen=True, slots=True)
class ListenReady:
    """Ready when a process of the service itself listens on this port (None: on any)."""

    port: int | None


@dataclass(frozen=True, slots=True)
class SettleReady:
    """Ready when it is still alive after the settle time: nothing better is known."""


Ready = LogReady | PortReady | HttpReady | ListenReady | SettleReady
