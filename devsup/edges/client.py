"""The blocking end of the control socket, for commands; imports neither asyncio nor watchfiles."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import inf
from time import monotonic
from typing import BinaryIO

from devsup.edges.credentials import credentials, is_ours
from devsup.pure.errors import FAILED, RUNNING, DevsupError
from devsup.pure.protocol import Command, Kind, Reply, Request, dump, load_reply

PATIENCE = 10.0
"""Seconds until a devsup that has nothing to wait for must have begun to answer."""
SILENCE = 1.0
"""Seconds until it is looked whether it is stopped, and between two looks."""

AT_ONCE = frozenset({Command.STATUS, Command.GLANCE, Command.LOGS, Command.COMPARE})
"""What can be answered without anything having to happen first."""


class NotRunningError(DevsupError):
    """The refusal of every command that needs a run."""

    def __init__(self) -> None:
        super().__init__(
            "nothing is running here", hint="start it with: devsup up", exit_code=RUNNING
        )


def ask(addresses: Sequence[str], request: Request) -> Iterator[Reply]:
    """Each line of the reply to a request, but for the one that ends it.

    Raises:
        DevsupError: nothing is running, it went away before the end of its reply, or it refuses.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connect(connection, addresses)
        # Not before: with a timeout the kernel refuses at once when many connect at a time.
        connection.settimeout(SILENCE)
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have refused already
            connection.sendall(dump(request))
        await_word(connection, request)
        yield from replies(connection)


def connect(connection: socket.socket, addresses: Sequence[str]) -> None:
    """Reach the running devsup by the first of its addresses behind which it is.

    Raises:
        DevsupError: there is none, or it cannot be reached.
    """
    try:
        if not any(reaches(connection, address) for address in addresses):
            raise NotRunningError
    except OSError as error:
        raise DevsupError(f"devsup cannot be asked: {error.strerror}") from None


def reaches(connection: socket.socket, address: str) -> bool:
    """Connect; False when nobody is there, or somebody else.

    Anybody may have an abstract name, and take no connections: that is not waited for.
    """
    is_abstract = address.startswith("\0")
    connection.settimeout(0 if is_abstract else None)
    try:
        connection.connect(address)
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except (BlockingIOError, PermissionError):
        if is_abstract:
            return False
        raise
    connection.settimeout(None)
    return is_ours(connection)


def await_word(connection: socket.socket, request: Request) -> None:
    """Until the other end says the first word, or hangs up.

    Raises:
        DevsupError: it is stopped, or silent for too long.
    """
    is_quick = (request.command in AT_ONCE and not request.follow) or not request.wait
    until = monotonic() + (PATIENCE if is_quick else inf)
    while not has_word(connection):
        if is_stopped(connection):
            raise stopped(request)
        if monotonic() >= until:
            raise silent()
    connection.settimeout(None)


def has_word(connection: socket.socket) -> bool:
    """Whether there is something to read, or the end, within the connection's timeout."""
    try:
        with suppress(ConnectionResetError):
            connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return False
    return True


def is_stopped(connection: socket.socket) -> bool:
    """Whether the process that listens at the other end is stopped, where the kernel says whose.

    One that is merely busy, however long, is not.
    """
    from devsup.edges import processes  # noqa: PLC0415  an answer is seldom missing

    listener = credentials(connection)
    return listener is not None and processes.is_stopped(listener.pid)


def stopped(request: Request) -> DevsupError:
    """The refusal when nobody hears us; the request lies there, and a change is still made."""
    then = "" if request.command in AT_ONCE else ", which then does it"
    return DevsupError(
        "the running devsup is stopped, as by Ctrl-Z",
        hint=f"continue it with `fg` in its terminal{then}, or end it: devsup kill",
    )


def silent() -> DevsupError:
    """The refusal when it lives, as far as the kernel tells, and says nothing."""
    return DevsupError(
        f"the running devsup does not answer for {PATIENCE:.0f} s",
        hint="it may be very busy: try again, or end it: devsup kill",
    )


def replies(connection: socket.socket) -> Iterator[Reply]:
    """Lines until the reply is complete.

    Raises:
        DevsupError: the other end refuses, or hangs up.
    """
    with connection.makefile("rb") as lines:
        while line := next_line(lines):
            reply = load_reply(line)
            if reply.kind is Kind.REFUSED:
                raise DevsupError(reply.text, hint=reply.hint, exit_code=reply.number)
            if reply.kind is Kind.DONE:
                return
            yield reply
    raise DevsupError(
        "devsup ended before its answer did", hint="see: devsup logs", exit_code=FAILED
    )


def next_line(lines: BinaryIO) -> bytes:
    """A line of the reply; empty at its end."""
    try:
        return lines.readline()
    except ConnectionResetError:
        return b""
