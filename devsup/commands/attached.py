"""Somebody who works in a service's terminal: what devsup does for `devsup attach`."""

import asyncio
from collections import deque

from devsup.commands.terminals import Screen
from devsup.commands.up import Run
from devsup.edges.control import Peer
from devsup.edges.pty import Size
from devsup.pure.errors import FAILED, USAGE, DevsupError
from devsup.pure.protocol import Kind, Reply, Request

MOST_UNSEEN = 64 * 1024
"""Bytes that may wait for somebody attached who does not look; of more, the latest are kept."""


LAST_WORDS = 0.5
"""Seconds at most in which what somebody typed before they left still goes to the service."""


class View:
    """What somebody attached has not been sent yet."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self._unseen: deque[bytes] = deque()
        self._size = 0
        self._missed = 0

    def draw(self, data: bytes) -> None:
        """The service wrote this."""
        self._unseen.append(data)
        self._size += len(data)
        while self._size > MOST_UNSEEN and len(self._unseen) > 1:
            dropped = self._unseen.popleft()
            self._size -= len(dropped)
            self._missed += dropped.count(b"\n")
        self.news.set()

    def send(self, peer: Peer) -> None:
        """Pass on all of it; JSON takes each byte as the character of its number."""
        if self._missed:
            peer.send(Reply(Kind.MISSED, number=self._missed))
        if self._size:
            peer.send(Reply(Kind.DRAWN, b"".join(self._unseen).decode("latin-1")))
        self._unseen.clear()
        self._size = self._missed = 0
        self.news.clear()


async def serve(run: Run, peer: Peer, names: tuple[str, ...], request: Request) -> None:
    """Pass on keys and drawings between a peer and a service, until one of them ends.

    It is over with the process: what somebody types for one must not reach the next, which never
    asked for it.

    Raises:
        DevsupError: the service has no terminal, or the peer sends garbage.
    """
    name = only(names)
    screen = screen_of(run, name)
    peer.send(Reply(Kind.SAY, f"attached to {name}; Ctrl-] leaves it running"))
    view = View()
    parts = (typed(peer, screen), shown(peer, view), left(peer), screen.ended.wait())
    tasks = [asyncio.ensure_future(part) for part in parts]
    with screen.seen_by(view.draw, size_of(request)):
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    if screen.ended.is_set():
        view.send(peer)
        peer.send(Reply(Kind.SAY, f"{name} has ended; when it runs again: devsup attach {name}"))


def only(names: tuple[str, ...]) -> str:
    """The one that is meant."""
    if len(names) == 1:
        return names[0]
    raise DevsupError(
        f"which one: {', '.join(names)}?", hint=f"type: devsup attach {names[0]}", exit_code=USAGE
    )


def screen_of(run: Run, name: str) -> Screen:
    """What a service draws on."""
    screen = run.terminals.screens.get(name)
    if screen:
        return screen
    unit = run.supervisor.units[name]
    if unit.life.at_rest:
        raise DevsupError(f"{name} is not running", hint=f"start it with: devsup start {name}")
    raise DevsupError(
        f"{name} has no terminal",
        hint=f"write `pty = true` under [tool.devsup.services.{unit.spec.type}] in pyproject.toml"
        f" (under [services.{unit.spec.type}] in devsup.toml): devsup restarts it with one",
        exit_code=FAILED,
    )


async def typed(peer: Peer, screen: Screen) -> None:
    """Keys and changes of the window, until the peer hangs up."""
    while frame := await peer.frame():
        await asyncio.sleep(0)  # many may have come at once: everybody else has a turn
        if frame.columns and frame.rows:
            screen.resize(Size(frame.columns, frame.rows))
        if frame.keys:
            await screen.type(frame.keys.encode("latin-1"))


async def left(peer: Peer) -> None:
    """Until the peer is gone for good: a service that reads has all of it soon.

    One that does not would keep everybody else from typing.
    """
    await peer.hung_up()
    await asyncio.sleep(LAST_WORDS)


async def shown(peer: Peer, view: View) -> None:
    """What the service writes, as fast as the peer reads it."""
    while await view.news.wait():
        view.send(peer)
        await peer.drained()


def size_of(request: Request) -> Size:
    """Of the peer's window."""
    if request.columns and request.rows:
        return Size(request.columns, request.rows)
    return Size()
