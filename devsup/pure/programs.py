"""What devsup knows of the programs that a Procfile usually starts; as data."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
from pathlib import PurePosixPath
from signal import Signals
from types import MappingProxyType

Words = tuple[str, ...]

DEFAULT_TIMEOUT = 5.0
"""Seconds between the first step of a stop sequence and the next when nobody says otherwise."""


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


@dataclass(frozen=True, slots=True)
class Program:
    """How a program is asked to stop, how long that may take, and how it is known to be ready."""

    name: str
    ready: Ready = SettleReady()
    stop_signal: Signals = Signals.SIGTERM
    then: tuple[Step, ...] = ()
    timeout: float = DEFAULT_TIMEOUT

    def stop(self, timeout: float) -> tuple[Step, ...]:
        """The stop sequence; `timeout` is the grace of its first step, which asks politely."""
        return (Step(self.stop_signal, Target.LEADER, timeout), *self.then)


def stop_steps(
    program: Program | None, stop_signal: Signals | None, timeout: float | None
) -> tuple[Step, ...]:
    """The stop sequence of a service, without the KILL that ends every one.

    A signal that the user names takes the place of the first one. Without a timeout of the user's
    the program's own holds.
    """
    known = program or Program("unknown")
    if stop_signal is not None:
        known = replace(known, stop_signal=stop_signal)
    return known.stop(known.timeout if timeout is None else timeout)


# An open stream outlives TERM; of uvicorn's handlers only the one for INT then drops connections.
# A parent (--reload, --workers) does not pass INT on, so that it goes to all. On Python 3.12 and
# newer only uvicorn's --timeout-graceful-shutdown drops them: after INT, too, it waits for
# Server.wait_closed, which waits for the clients since then.
_DROP_CONNECTIONS = (
    Step(Signals.SIGINT, Target.ALL, 1.0),
    Step(Signals.SIGINT, Target.ALL, 1.0),
)

# QUIT ends gunicorn's workers without waiting for requests. To all, because the masters of older
# versions do not look at signals while they wait. Newer ones kill what is left after 2 s.
_LEAVE_REQUESTS = (Step(Signals.SIGQUIT, Target.ALL, 3.0),)

# QUIT makes celery give back what is acknowledged late (measured: 1.1 s). To the leader only: its
# pool children would die of it and lose the task.
_GIVE_BACK_TASKS = (Step(Signals.SIGQUIT, Target.LEADER, 2.0),)

_SERVERS: Mapping[str, tuple[Program, frozenset[str]]] = MappingProxyType(
    {
        "uvicorn": (Program("uvicorn", then=_DROP_CONNECTIONS), frozenset({"--port"})),
        "fastapi": (Program("fastapi", then=_DROP_CONNECTIONS), frozenset({"--port"})),
        "gunicorn": (Program("gunicorn", then=_LEAVE_REQUESTS), frozenset({"-b", "--bind"})),
        "hypercorn": (Program("hypercorn"), frozenset({"-b", "--bind"})),
        # TERM waits for clients to leave, and a pool of connections never does.
        "postgres": (
            Program("postgres", stop_signal=Signals.SIGINT),
            frozenset({"-p", "--port"}),
        ),
        "redis-server": (Program("redis-server"), frozenset({"--port"})),
        "valkey-server": (Program("valkey-server"), frozenset({"--port"})),
    }
)
"""Programs that listen, and their options that say where."""

# Twice the usual: a task in flight is what must not be lost, and an idle worker on the filesystem
# broker takes 5 to 7 s to leave. Who has none running waits no longer for it.
_CELERY_WORKER = Program("celery worker", then=_GIVE_BACK_TASKS, timeout=10.0)
_CELERY_BEAT = Program("celery beat")

_CELERY_READY = LogReady(r"\S+@\S+ ready\.")

_WRAPPERS: Mapping[str, tuple[str, frozenset[str]]] = MappingProxyType(
    {
        "env": ("", frozenset({"-u", "--unset", "-C", "--chdir"})),
        "nice": ("", frozenset({"-n", "--adjustment"})),
        "nohup": ("", frozenset()),
        "pipenv": ("run", frozenset()),
        "poetry": ("run", frozenset({"-C", "--directory", "-P", "--project"})),
        "uv": (
            "run",
            frozenset(
                {
                    *("--directory", "--project", "--package", "--python", "-p", "--env-file"),
                    *("--with", "-w", "--with-editable", "--with-requirements", "--extra"),
                    *("--group", "--no-group", "--only-group", "--config-file", "--cache-dir"),
                }
            ),
        ),
    }
)
"""Programs that run another: the word that says so, and their options that take a value."""

_RELOADERS = frozenset({"watchfiles", "watchmedo"})
"""Programs that run another anew whenever files change."""

# Compiled when a command line is looked at: many commands look at none, and it takes 2 ms.
_PYTHON = r"(?:python|pypy)[\d.]*"
_PYTHON_OPTIONS = frozenset({"-W", "-X"})
_CELERY_OPTIONS = frozenset(
    {"-A", "--app", "-b", "--broker", "--result-backend", "--loader", "--config", "--workdir"}
)
_ASSIGNMENT = r"[A-Za-z_]\w*="
_ADDRESS = r"(?:.*:)?(?:(?P<number>\d+)|\$PORT|\$\{PORT(?::?-\d*)?\})"
_VERBOSE = frozenset({"INFO", "DEBUG"})


def recognise(words: Words, port: int) -> Program | None:
    """The program that a command line starts, also behind `env`, `python -m`, `uv run` and such.

    `port` is what `$PORT` stands for. A port that the command line does not state may come from
    anywhere (a configuration file, `UVICORN_PORT`): then any port of the service's own counts.
    """
    name, arguments = _unwrap(words)
    if name == "celery":
        return _celery(arguments)
    if name == "fastapi" and arguments[:1] not in {("dev",), ("run",)}:
        return None
    if name not in _SERVERS:
        return None
    program, options = _SERVERS[name]
    return replace(program, ready=ListenReady(_stated_port(arguments, options, port)))


def reloads_itself(words: Words) -> bool:
    """Whether a command line starts a program that restarts itself when its sources change."""
    name, arguments = _unwrap(words)
    if name == "fastapi" and arguments[:1] == ("dev",):
        return "--no-reload" not in arguments
    return name in _RELOADERS or (name in _SERVERS and "--reload" in arguments)


def _unwrap(words: Words) -> tuple[str, Words]:
    """Name and arguments of the innermost program."""
    while words:
        name, arguments = PurePosixPath(words[0]).name, words[1:]
        if name in _WRAPPERS:
            words = _wrapped(arguments, *_WRAPPERS[name])
        elif re.fullmatch(_PYTHON, name):
            # `-m` needs no case of its own: what follows it is the first word that is no option.
            words = _operands(arguments, _PYTHON_OPTIONS)
        else:
            return name, arguments
    return "", ()


def _wrapped(arguments: Words, verb: str, options: frozenset[str]) -> Words:
    """The command line that a wrapper runs; nothing when it does something else."""
    operands = _operands(arguments, options)
    if verb:
        return _operands(operands[1:], options) if operands[:1] == (verb,) else ()
    while operands and re.match(_ASSIGNMENT, operands[0]):
        operands = operands[1:]
    return operands


def _operands(arguments: Words, options: frozenset[str]) -> Words:
    """What follows the options, of which the named ones take the next word as their value."""
    while arguments and arguments[0].startswith("-"):
        arguments = arguments[2 if arguments[0] in options else 1 :]
    return arguments


def _values(arguments: Words, options: frozenset[str]) -> Iterator[str]:
    """What is given for these options, as `--long value`, `--long=value`, `-s value`, `-svalue`."""
    for word, following in pairwise((*arguments, "")):
        name, equals, value = word.partition("=")
        if name in options:
            yield value if equals else following
        elif word[:2] in options:
            yield word[2:]


def _stated_port(arguments: Words, options: frozenset[str], port: int) -> int | None:
    """The TCP port that the command line states; None when it is elsewhere or free to choose."""
    if any(_values(arguments, frozenset({"--uds", "--fd"}))):
        return None
    addresses = filter(None, (re.fullmatch(_ADDRESS, each) for each in _values(arguments, options)))
    for address in addresses:
        return int(address["number"] or port) or None
    return None


def _celery(arguments: Words) -> Program | None:
    command, *own = (*_operands(arguments, _CELERY_OPTIONS), "")
    if command == "beat":
        return _CELERY_BEAT
    if command == "worker":
        return replace(_CELERY_WORKER, ready=_celery_ready(tuple(own)))
    return None


def _celery_ready(arguments: Words) -> Ready:
    """Its `ready.` line is of level INFO, which is not celery's default, and may go to a file."""
    levels = {level.upper() for level in _values(arguments, frozenset({"-l", "--loglevel"}))}
    elsewhere = any(_values(arguments, frozenset({"-f", "--logfile"})))
    return _CELERY_READY if levels & _VERBOSE and not elsewhere else SettleReady()
