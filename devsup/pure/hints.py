"""What devsup knows of errors that cost people hours, as data: sign, true cause, cure.

Each pattern is the form in which the library itself says it, so that a line which merely talks
about the error does not match. `literal` is part of every match: looking for it first is what keeps
a flood cheap.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

DISABLE_POOL = "SQLALCHEMY_DISABLE_POOL"
SWITCHES = frozenset({"0", "1", "true", "false", "yes", "no", "on", "off"})
"""Values of a switch, which are no secret; any other value is not shown."""


class Sign(Enum):
    """What the output shows."""

    OTHER_LOOP = "attached to a different loop"
    CLOSED = "connection was closed in the middle of operation"
    GREENLET = "greenlet_spawn has not been called"
    PORT_TAKEN = "address already in use"


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a sign looks in the output."""

    sign: Sign
    literal: bytes
    form: re.Pattern[bytes]


PATTERNS = (
    Pattern(
        Sign.OTHER_LOOP,
        b"attached to a different loop",
        re.compile(rb"got Future <.+> attached to a different loop"),
    ),
    Pattern(
        Sign.CLOSED,
        b"connection was closed in the middle of operation",
        re.compile(rb"ConnectionDoesNotExistError'?>?: connection was closed in the middle of op"),
    ),
    Pattern(
        Sign.GREENLET,
        b"greenlet_spawn has not been called",
        re.compile(rb"MissingGreenlet'?>?: greenlet_spawn has not been called"),
    ),
    Pattern(
        Sign.PORT_TAKEN,
        b"ddress already in use",
        re.compile(
            rb"\[Errno \d+\] (?:Address already in use"
            rb"|error while attempting to bind on address \('[^']*', (?P<port>\d+)[^)]*\): addr)"
        ),
    ),
    Pattern(
        Sign.PORT_TAKEN,
        b"Connection in use: (",
        re.compile(rb"Connection in use: \('[^']*', (?P<port>\d+)\)"),
    ),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A sign in a service's output, with the port that it names, if any."""

    sign: Sign
    port: int | None = None


def signs(lines: bytes) -> Iterator[Seen]:
    """Every sign in a run of lines, once for each pattern."""
    for pattern in PATTERNS:
        if pattern.literal in lines and (match := pattern.form.search(lines)):
            port = match.groupdict().get("port")
            yield Seen(pattern.sign, int(port) if port else None)


def sentence(seen: Seen, service: str, settings: Mapping[str, str], owner: str) -> str:
    """What the sign means, what the live setting is, and what to do.

    `owner` says who holds the port, empty when nobody can be seen.
    """
    match seen.sign:
        case Sign.OTHER_LOOP:
            return f"hint: {_other_loop(service, settings.get(DISABLE_POOL, ''))}"
        case Sign.CLOSED:
            return (
                f"hint: {service}: a connection was ended under a query: the server was restarted,"
                " or a forked child used its parent's socket; call engine.dispose(close=False) in"
                f" worker_process_init. {DISABLE_POOL} does not cure this one"
            )
        case Sign.GREENLET:
            return (
                f"hint: {service}: an attribute was loaded lazily after a commit, or an async"
                " engine was used without await: expire_on_commit=False, or load eagerly."
                f" {DISABLE_POOL} does not cure this one"
            )
        case Sign.PORT_TAKEN:
            return f"hint: {_port_taken(service, seen.port, owner)}"


def _other_loop(service: str, setting: str) -> str:
    cause = "a connection made on one event loop was used on another"
    if setting.lower() in {"1", "true", "yes", "on"}:
        return (
            f"{cause}, and it is not the pool's: {DISABLE_POOL} is {setting} in {service}; look for"
            " another client that is kept from one asyncio.run to the next"
        )
    value = setting if setting.lower() in SWITCHES else "not set" if not setting else "not 1"
    return (
        f"{cause}; {DISABLE_POOL} is {value} in {service}: set it to 1, or use one event loop a"
        " process (asyncio.run in each task makes a new one)"
    )


def _port_taken(service: str, port: int | None, owner: str) -> str:
    if port is None:
        return f"{service}: its port is taken; type: devsup check"
    who = owner or "a process that this user cannot see"
    return f"{service}: port {port} is held by {who}; type: devsup kill --port {port}"
