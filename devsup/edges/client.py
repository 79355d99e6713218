"""The blocking end of the control socket, for commands; imports neither asyncio nor watchfiles."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from devsup.pure.errors import FAILED, RUNNING, DevsupError
from devsup.pure.protocol import Command, Kind, Reply, Request, dump, load_reply

PATIENCE = 10.0
"""Seconds until a devsup that has nothing to wait for must have begun to answer."""

AT_ONCE = frozenset({Command.STATUS, Command.GLANCE, Command.LOGS, Command.COMPARE})
"""What can be answered without anything having to happen first."""


class NotRunningError(DevsupError):
    """The refusal of every command that needs a run."""

    def __init__(self) -> None:
        super().__init__(
            "nothing is running here", hint="start it with: devsup up", exit_code=RUNNING
        )


def ask(path: Path, request: Request) -> Iterator[Reply]:
    """Each line of the reply to a request, but for the one that ends it.

    Raises:
        DevsupError: nothing is running, it went away before the end of its reply, or it refuses.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connect(connection, path)
        # Not before: with a timeout the kernel refuses at once when many connect at a time.
        is_quick = (request.command in AT_ONCE and not request.follow) or not request.wait
        connection.settimeout(PATIENCE if is_quick else None)
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have refused already
            connection.sendall(dump(request))
        yield from replies(connection)


def connect(connection: socket.socket, path: Path) -> None:
    """Reach the running devsup.

    Raises:
        DevsupError: there is none, or it cannot be reached.
    """
    try:
        connection.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunningError from None
    except OSError as error:
        raise DevsupError(f"devsup cannot be asked: {error.strerror}") from None


def replies(connection: socket.socket) -> Iterator[Reply]:
    """Lines until the reply is complete.

    Raises:
        DevsupError: the other end refuses, says nothing, or hangs up.
    """
    with connection.makefile("rb") as lines:
        while line := next_line(lines):
            connection.settimeout(None)
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
    except TimeoutError:
        raise DevsupError(
            f"devsup does not answer for {PATIENCE:.0f} s: is it stopped?",
            hint="continue it with `fg` in its terminal, or end it: devsup kill",
        ) from None
