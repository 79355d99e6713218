"""`devsup attach`: the user's terminal in the place of a service's."""

import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

from devsup.commands import remote
from devsup.edges import client
from devsup.edges.pty import size_of
from devsup.edges.raw import changes, raw
from devsup.pure.errors import FAILED, USAGE, DevsupError
from devsup.pure.protocol import Command, Frame, Kind, Reply, Request, dump, load_reply

DETACH = b"\x1d"
"""Ctrl-]"""
READ = 4096
"""Keys, or bytes that were pasted, in one frame at most."""
LAST_WORDS = 1.0
"""Seconds at most in which devsup takes what was typed last."""


def attach(service: str, procfile: str | None) -> None:
    """Pass on keys and window to a service, and show what it draws, until either side ends it.

    Raises:
        DevsupError: there is no terminal, here or there, or devsup went away.
    """
    keys, screen = sys.stdin.fileno(), sys.stdout.fileno()
    if not (os.isatty(keys) and os.isatty(screen)):
        raise DevsupError(
            "attach needs a terminal on its input and output",
            hint="without one: devsup logs -f",
            exit_code=USAGE,
        )
    size = size_of(screen)
    request = Request(Command.ATTACH, (service,), columns=size.columns, rows=size.rows)
    with socket.socket(socket.AF_UNIX) as connection:
        client.connect(connection, remote.directory(procfile).addresses)
        connection.settimeout(client.PATIENCE)
        connection.sendall(dump(request))
        with changes() as changed, raw(keys, screen):
            Attachment(connection, keys, screen, changed).run()


class Attachment:
    """Between the user and the running devsup."""

    def __init__(self, connection: socket.socket, keys: int, screen: int, changed: int) -> None:
        self.connection = connection
        self.keys = keys
        self.screen = screen
        self.changed = changed
        self.received = b""

    def run(self) -> None:
        """Until the user detaches or devsup ends it."""
        while True:
            sources: list[int | socket.socket] = [self.keys, self.connection, self.changed]
            ready, _, _ = select.select(sources, [], [])
            if self.changed in ready:
                self.resize()
            if self.connection in ready and not all(map(self.take, self.replies())):
                return
            if self.keys in ready and not self.pass_on(os.read(self.keys, READ)):
                self.say("detached; the service runs on")
                self.leave()
                return

    def replies(self) -> Iterator[Reply]:
        """What came from devsup."""
        try:
            received = self.connection.recv(1 << 16)
        except ConnectionError:
            received = b""
        if not received:
            raise DevsupError(
                "devsup is gone, and the service with it", hint="see: devsup logs", exit_code=FAILED
            )
        *lines, self.received = (self.received + received).split(b"\n")
        return map(load_reply, lines)

    def take(self, reply: Reply) -> bool:
        """Show what it brings; False at the end of all."""
        match reply.kind:
            case Kind.DRAWN:
                self.show(reply.text.encode("latin-1"))
            case Kind.SAY:
                self.say(reply.text)
            case Kind.MISSED:
                self.say(f"{reply.number} lines missed: they came faster than they were shown")
            case Kind.REFUSED:
                raise DevsupError(reply.text, hint=reply.hint, exit_code=reply.number)
        return reply.kind is not Kind.DONE

    def pass_on(self, typed: bytes) -> bool:
        """Send keys; False when the user wants to leave (or has no terminal any more)."""
        keys, detach, _ = typed.partition(DETACH)
        if keys:
            self.send(Frame(keys=keys.decode("latin-1")))
        return bool(keys) and not detach

    def leave(self) -> None:
        """Hang up so that what was typed last arrives: closing over an unread echo discards it."""
        until = time.monotonic() + LAST_WORDS
        with suppress(OSError):  # devsup is gone, or the service takes no more input
            self.connection.shutdown(socket.SHUT_WR)
            while (seconds := until - time.monotonic()) > 0:
                self.connection.settimeout(seconds)
                if not self.connection.recv(1 << 16):
                    return

    def resize(self) -> None:
        """The window has another size now."""
        with suppress(BlockingIOError):
            os.read(self.changed, READ)
        size = size_of(self.screen)
        self.send(Frame(columns=size.columns, rows=size.rows))

    def send(self, frame: Frame) -> None:
        """To devsup; that it is gone shows when its answer is read."""
        try:
            self.connection.sendall(dump(frame))
        except TimeoutError:
            raise DevsupError("the service takes no more input: detached") from None
        except ConnectionError:
            return

    def say(self, text: str) -> None:
        """A sentence of devsup's between what the service draws."""
        self.show(f"\x1b[0m\r\ndevsup: {text}\r\n".encode(errors="backslashreplace"))

    def show(self, data: bytes) -> None:
        """All of it, however long the terminal takes."""
        while data:
            data = data[os.write(self.screen, data) :]
