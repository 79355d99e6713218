"""What goes over the control socket: one JSON line a request, one or more a reply.

Pure data. Values of settings never go over it; keys, pids and lines of output do.
"""

import json
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from devsup.pure.errors import USAGE, DevsupError

LONGEST_REQUEST = 64 * 1024
"""Bytes of a request line at most."""
LONGEST_SIDE = 0xFFFF
"""Columns or rows of a window at most, which is what the kernel has room for."""

_GARBAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class Command(Enum):
    """What can be asked of a running supervisor."""

    STATUS = "status"
    GLANCE = "glance"
    """The status without a look at any process: for who only asks which files and services."""
    RESTART = "restart"
    START = "start"
    STOP = "stop"
    DOWN = "down"
    LOGS = "logs"
    READY = "ready"
    ATTACH = "attach"
    """Who asks for this goes on sending frames, one JSON line each."""
    COMPARE = "compare"
    """By service, pid and key: where a live process differs from the settings in force."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command. `wait`: answer when it is done; `follow`: go on answering; `lines`: how many.

    To `follow` a change is to hear meanwhile who is awaited. Only who asks for that gets a reply of
    this kind: to a devsup that was installed before there was one it would be garbage.
    `columns` and `rows` are those of the window of who attaches.
    """

    command: Command
    services: tuple[str, ...] = ()
    wait: bool = True
    follow: bool = False
    lines: int = 0
    columns: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """From who is attached: their window, or keys (each byte as the character of its number)."""

    keys: str = ""
    columns: int = 0
    rows: int = 0


class Kind(Enum):
    """What a line of a reply is."""

    STATUS = "status"
    SAY = "say"
    LINES = "lines"
    WAITING = "waiting"
    DRAWN = "drawn"
    MISSED = "missed"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """One line of a reply: its kind, and for each kind one thing.

    STATUS: `status`. SAY and LINES: `text`. WAITING: `text` in the place of the one before, empty
    while nobody is awaited. DRAWN: `text`, bytes as in a frame. MISSED: `number` of lines. DONE:
    `number` is the exit code, and the end. REFUSED: `text` and `hint`, with the exit code, and the
    end.
    """

    kind: Kind
    text: str = ""
    hint: str = ""
    number: int = 0
    status: dict[str, Any] = field(default_factory=dict)


def dump(message: Request | Frame | Reply) -> bytes:
    """One line, without what is at its default."""
    named = {
        each.name: value.value if isinstance(value := getattr(message, each.name), Enum) else value
        for each in fields(message)
    }
    return json.dumps({key: value for key, value in named.items() if value}).encode() + b"\n"


def load_request(line: bytes) -> Request:
    """A request out of whatever a peer has sent.

    Raises:
        DevsupError: it is none.
    """
    try:
        data = json.loads(line)
        return Request(
            Command(data["command"]),
            tuple(map(_text, data.get("services", ()))),
            wait=data.get("wait", False) is True,
            follow=data.get("follow", False) is True,
            lines=_count(data.get("lines", 0)),
            columns=_side(data.get("columns", 0)),
            rows=_side(data.get("rows", 0)),
        )
    except _GARBAGE:
        raise DevsupError("this is no request that devsup knows", exit_code=USAGE) from None


def load_frame(line: bytes) -> Frame:
    """A frame out of whatever a peer has sent.

    Raises:
        DevsupError: it is none.
    """
    try:
        data = json.loads(line)
        keys = _text(data.get("keys", ""))
        keys.encode("latin-1")
        return Frame(keys, _side(data.get("columns", 0)), _side(data.get("rows", 0)))
    except _GARBAGE:
        raise DevsupError("this is nothing that one can type", exit_code=USAGE) from None


def load_reply(line: bytes) -> Reply:
    """A line of a supervisor's reply.

    Raises:
        DevsupError: it is none.
    """
    try:
        data = json.loads(line)
        return Reply(**{**data, "kind": Kind(data["kind"])})
    except (ValueError, TypeError, KeyError):
        raise another_version() from None


def another_version() -> DevsupError:
    """Devsup was updated since the running one was started: what else could send such a reply?"""
    return DevsupError(
        "the running devsup is of another version", hint="start it anew: devsup kill; devsup up"
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a count")
    return value


def _side(value: object) -> int:
    side = _count(value)
    if side > LONGEST_SIDE:
        raise ValueError("no window")
    return side
