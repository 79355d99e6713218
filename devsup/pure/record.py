"""What a run writes down about itself, so that a later devsup can find what is left of it."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from devsup.pure.sighting import Identity


@dataclass(frozen=True, slots=True)
class Session:
    """A service's session; its number is the leader's pid."""

    service: str
    leader: Identity


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process of a service that has left the session of its leader."""

    service: str
    process: Identity


@dataclass(frozen=True, slots=True)
class Record:
    """One run: who supervises it, which sessions it started, which ports are its own.

    `daemons` are those that the last census has seen.

    `boot` tells whether these pids mean anything here and now (`processes.boot`).
    """

    run: str
    root: str
    boot: str
    supervisor: Identity
    sessions: tuple[Session, ...] = ()
    ports: tuple[int, ...] = ()
    daemons: tuple[Daemon, ...] = ()


def dumps(record: Record) -> str:
    """A record as JSON."""
    return json.dumps(asdict(record))


def loads(text: str) -> Record | None:
    """The record in a text that `dumps` wrote; None when anything in it is not as it should be."""
    try:
        return _record(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _record(data: Any) -> Record:
    return Record(
        run=_text(data["run"]),
        root=_text(data["root"]),
        boot=_text(data["boot"]),
        supervisor=identity(data["supervisor"]),
        sessions=tuple(
            Session(_text(each["service"]), identity(each["leader"])) for each in data["sessions"]
        ),
        ports=tuple(_number(port) for port in data["ports"]),
        daemons=tuple(
            Daemon(_text(each["service"]), identity(each["process"]))
            for each in data.get("daemons", ())  # which an older devsup did not write down
        ),
    )


def identity(data: Any) -> Identity:
    """An identity out of JSON.

    Raises:
        TypeError, ValueError, KeyError: it is none.
    """
    started = data["started"]
    if not isinstance(started, float):
        raise TypeError("a start is a number of seconds")
    return Identity(_number(data["pid"]), started)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or value <= 0:
        raise ValueError("not a positive number")
    return value
