"""The blocking end of the control socket, for commands; imports neither asyncio nor watchfiles."""

import socket
from collections.abc import Iterator
from pathlib import Path

from devsup.errors import RUNNING, DevsupError
from devsup.protocol import Kind, Reply, Request, dump, load_reply


def ask(path: Path, request: Request) -> Iterator[Reply]:
    """Each line of the reply to a request.

    Raises:
        DevsupError: nothing is running, it went away in the middle, or it refuses.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise not_running() from None
        connection.sendall(dump(request))
        yield from replies(connection)


def replies(connection: socket.socket) -> Iterator[Reply]:
    """Lines until the reply is complete or the other end hangs up."""
    with connection.makefile("rb") as lines:
        for line in lines:
            reply = load_reply(line)
            if reply.kind is Kind.REFUSED:
                raise DevsupError(reply.text, hint=reply.hint, exit_code=reply.number)
            yield reply
            if reply.kind is Kind.DONE:
                return


def not_running() -> DevsupError:
    """The refusal of every command that needs a run."""
    return DevsupError(
        "nothing is running here", hint="start it with: devsup up", exit_code=RUNNING
    )
