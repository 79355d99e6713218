"""The supervisor's end of the control socket: requests in, replies out, and nobody can do harm.

A peer gets one request; who attaches goes on with frames. Whoever is of another user, silent,
garbled or endless is sent away; for whoever does not read, lines are dropped and counted, so that
nothing grows, not even with many of them: what waits for all peers together is bounded, too.
"""

import asyncio
import contextlib
import os
import select
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence

from devsup.edges.credentials import credentials
from devsup.pure.errors import USAGE, DevsupError
from devsup.pure.protocol import (
    LONGEST_REQUEST,
    Command,
    Frame,
    Kind,
    Reply,
    Request,
    dump,
    load_frame,
    load_request,
)

MOST_PEERS = 256
"""Connections at a time; a further one is refused."""
PATIENCE = 5.0
"""Seconds in which a peer has to say what it wants."""
LAST_PATIENCE = 1.0
"""Seconds in which a peer has to read what is left for it when the run is over."""
MOST_WAITING = 1024 * 1024
ALL_WAITING = 32 * MOST_WAITING
"""Bytes that may wait for one peer that does not read, and for all of them; lines that come then
are dropped and counted."""

DROPPED = frozenset({Kind.LINES, Kind.DRAWN, Kind.WAITING})
"""What there is ever more of, and nobody needs who does not read."""


class Peer:
    """Somebody who asks, and who may not read the answer."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, room: Callable[[], int]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._room = room
        self._missed = 0
        # What its socket does not take yet. From Python 3.12 on the transport keeps every write
        # apart, and adds up their sizes with each further one: it gets few and large ones.
        self._waiting = bytearray()
        self._passing: asyncio.Task[None] | None = None
        writer.transport.set_write_buffer_limits(0)  # so that `drain` waits until it has nothing

    @property
    def is_behind(self) -> bool:
        """Whether so much waits for it that more would be dropped."""
        return len(self._waiting) + self._unsent > self._room()

    @property
    def _unsent(self) -> int:
        return self._writer.transport.get_write_buffer_size()

    def send(self, reply: Reply) -> None:
        """Send a line of the reply; output is dropped while it is behind."""
        if self._writer.transport.is_closing():
            return  # it hung up: asyncio would complain on stderr, in the middle of a line
        if reply.kind in DROPPED and self.is_behind:
            self._missed += reply.text.count("\n")
            return
        if self._missed:
            self._write(dump(Reply(Kind.MISSED, number=self._missed)))
            self._missed = 0
        self._write(dump(reply))

    def _write(self, line: bytes) -> None:
        if not (self._waiting or self._unsent):
            self._writer.write(line)
            return
        self._waiting += line
        if not self._passing or self._passing.done():
            self._passing = asyncio.ensure_future(self._pass_on())

    async def _pass_on(self) -> None:
        with contextlib.suppress(OSError):  # it hung up
            while self._waiting:
                await self.drained()

    def flush(self) -> None:
        """Leave all that waits to the transport, which keeps it also when it is being closed."""
        waiting, self._waiting = self._waiting, bytearray()
        self._writer.write(waiting)

    def end(self) -> None:
        """Pass nothing on any more."""
        if self._passing:
            self._passing.cancel()

    async def frame(self) -> Frame | None:
        """What it sends after its request; None when it has hung up. No more is read meanwhile.

        Raises:
            DevsupError: garbage.
        """
        try:
            return load_frame(await self._reader.readuntil(b"\n"))
        except asyncio.IncompleteReadError:
            return None
        except asyncio.LimitOverrunError:
            raise DevsupError("too much at once", exit_code=USAGE) from None

    async def hung_up(self) -> None:
        """Until it is gone, however much of what it sent is still to be read.

        Raises:
            DevsupError: no descriptors are left.
        """
        gone = asyncio.Event()
        if self._writer.transport.is_closing():
            return
        with told_of_end(self._writer.get_extra_info("socket"), gone.set):
            await gone.wait()

    async def drained(self) -> None:
        """Until its socket has taken all that waits for it now."""
        await self._writer.drain()
        self.flush()
        await self._writer.drain()


Handle = Callable[[Request, Peer], Awaitable[None]]


class Control:
    """Serves those who connect to the control socket, and has their requests handled."""

    def __init__(self, listeners: Sequence[socket.socket], handle: Handle) -> None:
        self._listeners = listeners
        self._servers: list[asyncio.Server] = []
        self._handle = handle
        self._peers: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Serve whoever connects."""
        for listener in self._listeners:
            server = await asyncio.start_unix_server(
                self._connected, sock=listener, limit=LONGEST_REQUEST
            )
            self._servers.append(server)

    async def close(self) -> None:
        """Hang up on everybody; what was sent is still delivered to those who read it."""
        for server in self._servers:
            server.close()
        if self._peers:
            await asyncio.wait(self._peers, timeout=LAST_PATIENCE)
        for task in self._peers:
            task.cancel()
        await asyncio.gather(*self._peers, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task  # noqa: S101  start_unix_server runs this as a task of its own
        self._peers.add(task)
        peer = Peer(reader, writer, self._room)
        try:
            await self._serve(peer, reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # it hung up, or we do
        finally:
            self._peers.discard(task)
            peer.end()
            writer.close()
            if writer.transport.get_write_buffer_size():
                # A mere close would keep what is left for whoever never reads it, uncounted.
                writer.transport.abort()

    async def _serve(
        self, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            self._check(writer)
            request = await self._request(reader)
            answer = self._handle(request, peer)
            if request.command is Command.ATTACH:  # it reads on by itself
                await answer
            else:
                await self._until_hung_up(reader, answer)
        except DevsupError as error:
            peer.send(Reply(Kind.REFUSED, error.message, error.hint, error.exit_code))
        peer.flush()
        writer.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await writer.wait_closed()

    def _room(self) -> int:
        return min(MOST_WAITING, ALL_WAITING // max(len(self._peers), 1))

    def _check(self, writer: asyncio.StreamWriter) -> None:
        if len(self._peers) > MOST_PEERS:
            raise DevsupError("too many commands ask at once", hint="try again")
        peer = credentials(writer.get_extra_info("socket"))
        if peer and peer.uid not in {0, os.getuid()}:
            raise DevsupError("this devsup belongs to another user", exit_code=USAGE)

    async def _request(self, reader: asyncio.StreamReader) -> Request:
        try:
            async with asyncio.timeout(PATIENCE):
                return load_request(await reader.readuntil(b"\n"))
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            raise DevsupError("no request came", exit_code=USAGE) from None

    async def _until_hung_up(self, reader: asyncio.StreamReader, answer: Awaitable[None]) -> None:
        """Answer, and stop when the peer is gone: nobody wants to know any more."""
        answering = asyncio.ensure_future(answer)
        hanging_up = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({answering, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
        finally:
            answering.cancel()
            hanging_up.cancel()
            await asyncio.gather(answering, hanging_up, return_exceptions=True)


@contextlib.contextmanager
def told_of_end(connection: socket.socket, tell: Callable[[], None]) -> Iterator[None]:
    """Call this when the other end is gone: a read would find that only behind all that was sent.

    Only Linux says so; elsewhere a peer is gone when it cannot be sent to.
    """
    if sys.platform != "linux":
        yield
        return
    loop = asyncio.get_running_loop()
    with polled() as poll:
        poll.register(connection, 0)  # that it hung up is told unasked
        loop.add_reader(poll.fileno(), tell)
        try:
            yield
        finally:
            loop.remove_reader(poll.fileno())


def polled() -> "select.epoll":
    """A selector of our own: the loop's, which reads this connection, would not let us ask."""
    try:
        return select.epoll()
    except OSError as error:
        raise DevsupError(f"devsup cannot attach to anything: {error.strerror}") from None
