"""The services of one run, each with all that is decided about it before it starts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase

from devsup.pure.options import READY_TIMEOUT, Options, ServiceOptions
from devsup.pure.procfile import Service
from devsup.pure.programs import Program, Ready, SettleReady, Step, recognise, stop_steps
from devsup.pure.shell import program_words, with_exec

Concerns = frozenset[str]
"""Glob patterns of the keys whose edits restart a service."""

EVERY_KEY: Concerns = frozenset({"*"})
EXEMPT: Concerns = frozenset()


class ReadyBy(Enum):
    """From where it is known when a service is ready."""

    CONFIG = "its `ready` option"
    PROGRAM = "its program"
    SETTLE = "the settle time"


@dataclass(frozen=True, slots=True)
class Spec:
    """How one service is started, known to be ready, stopped, and which edits concern it.

    `ready_timeout` are the seconds after which it is late.
    `after` names the services that must be ready first; `program` is what devsup took it for.
    `pty` says whether it gets a terminal of its own; None: if devsup has one. `watch` are the
    patterns of the files whose changes restart it. A command line may hold secrets.
    """

    name: str
    type: str
    command: str = field(repr=False)
    shell_line: str = field(repr=False)
    port: int
    steps: tuple[Step, ...]
    ready: Ready
    after: tuple[str, ...] = ()
    concerns: Concerns = EVERY_KEY
    ready_by: ReadyBy = ReadyBy.SETTLE
    program: str | None = None
    ready_timeout: float = READY_TIMEOUT
    pty: bool | None = None
    watch: tuple[str, ...] = ()

    def starts_like(self, other: "Spec") -> bool:
        """Whether a process of the one is a process of the other; how it is stopped is no part."""
        mine, theirs = (self.shell_line, self.port), (other.shell_line, other.port)
        return mine == theirs and self.pty is other.pty

    def concerned_by(self, keys: Iterable[str]) -> bool:
        """Whether an edit of these keys restarts this service."""
        return any(fnmatchcase(key, pattern) for key in keys for pattern in self.concerns)


def build(
    services: Sequence[Service], options: Options, settings: Mapping[str, str] | None = None
) -> tuple[Spec, ...]:
    """A spec for each service, in their order.

    `settings` are those of the env files: a `PORT` in them is the port of every service.
    """
    port = (settings or {}).get("PORT", "")
    return tuple(
        _spec(service, options, services, int(port) if port.isdecimal() else service.port)
        for service in services
    )


def _spec(service: Service, options: Options, services: Iterable[Service], port: int) -> Spec:
    own = options.services.get(service.type, ServiceOptions())
    program = recognise(program_words(service.command), port)
    timeout = options.stop_timeout if own.stop_timeout is None else own.stop_timeout
    ready, ready_by = _readiness(own, program)
    return Spec(
        name=service.name,
        type=service.type,
        command=service.command,
        shell_line=with_exec(service.command),
        port=port,
        steps=stop_steps(program, own.stop_signal, timeout),
        ready=ready,
        after=tuple(other.name for other in services if other.type in own.after),
        concerns=frozenset(own.env_restart),
        ready_by=ready_by,
        program=program.name if program else None,
        pty=own.pty,
        watch=own.watch,
        ready_timeout=options.ready_timeout if own.ready_timeout is None else own.ready_timeout,
    )


def _readiness(own: ServiceOptions, program: Program | None) -> tuple[Ready, ReadyBy]:
    if own.ready is not None:
        return own.ready, ReadyBy.CONFIG
    if program is not None and program.ready != SettleReady():
        return program.ready, ReadyBy.PROGRAM
    return SettleReady(), ReadyBy.SETTLE
