"""What `[tool.devsup]` says, as data; apart from `config`, which reads it where there is any."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from signal import Signals
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devsup.pure.programs import Ready

EVERY_KEY = ("*",)
"""What `env-restart = true` stands for; `false` stands for no pattern at all."""

READY_TIMEOUT = 60.0
"""Seconds until a service that is not ready yet is no longer waited for by commands."""


class OnExit(Enum):
    """What follows when a service exits unasked."""

    WAIT = "wait"
    RESTART = "restart"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """The table of one process type; None leaves the choice to what is known of its program.

    `env_restart` holds glob patterns of the keys that concern it, `watch` those of files; `pty`
    gives it a terminal.
    """

    stop_signal: Signals | None = None
    stop_timeout: float | None = None
    ready: "Ready | None" = None
    after: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    env_restart: tuple[str, ...] = EVERY_KEY
    pty: bool | None = None
    ready_timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """The whole table; None where it says nothing and the default is not for it to know."""

    procfile: str | None = None
    env_files: tuple[str, ...] | None = None
    on_exit: OnExit = OnExit.WAIT
    stop_timeout: float | None = None
    ready_timeout: float = READY_TIMEOUT
    log_size: int = 10
    services: Mapping[str, ServiceOptions] = field(default_factory=dict)
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict, compare=False, repr=False)
