"""The terminals of the services, each as wide as what is left beside the prefix."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from devsup.edges.output import Output
from devsup.edges.pty import Pty, Size, size_of
from devsup.pure.stack import Spec

RECENT = 16 * 1024
"""Bytes that are remembered of what a service draws, for who attaches later."""

Draw = Callable[[bytes], None]


class Screen:
    """What a service draws in its terminal, and who works there.

    Its window is that of who came or changed theirs last, else `usual`.
    """

    def __init__(self, pty: Pty, usual: Callable[[], Size], ask: Callable[[], None]) -> None:
        self.ended = asyncio.Event()
        self._pty = pty
        self._usual = usual
        self._ask = ask
        self._draws: list[Draw] = []
        self._recent = bytearray()
        self._turn = asyncio.Lock()

    def draw(self, data: bytes) -> None:
        """The service wrote this."""
        self._recent += data
        if len(self._recent) > 2 * RECENT:  # not each time: that would move all of it
            del self._recent[:-RECENT]
        for draw in self._draws:
            draw(data)

    def prompted(self) -> None:
        """It waits for somebody to answer; who is there sees it."""
        if not self._draws:
            self._ask()

    @contextmanager
    def seen_by(self, draw: Draw, size: Size) -> Iterator[None]:
        """Somebody works there meanwhile; they see the last screenful first."""
        lines = bytes(self._recent[-RECENT:]).split(b"\n")
        draw(b"\n".join(lines[-size.rows :]))
        self._draws.append(draw)
        self.resize(size)
        try:
            yield
        finally:
            self._draws.remove(draw)
            self.fit()

    def resize(self, size: Size) -> None:
        """Somebody's window has this size."""
        if not self.ended.is_set():
            self._pty.resize(size)

    def fit(self) -> None:
        """Have the usual size, unless somebody works there."""
        if not self._draws:
            self.resize(self._usual())

    async def type(self, data: bytes) -> None:
        """Keys for the service: all of one before those of the next, however long it takes."""
        async with self._turn:
            while data and not self.ended.is_set():
                data = data[self._pty.write(data) :]
                if data:
                    await self._room()

    async def _room(self) -> None:
        """Until the service has read some."""
        loop, room = asyncio.get_running_loop(), asyncio.Event()
        loop.add_writer(self._pty.controller, room.set)
        try:
            await room.wait()
        finally:
            if not self.ended.is_set():
                loop.remove_writer(self._pty.controller)

    def end(self) -> None:
        """Nothing of the service is left."""
        self.ended.set()
        asyncio.get_running_loop().remove_writer(self._pty.controller)
        self._pty.close()


class Terminals:
    """Who has one; `fd` is devsup's own, and `by_default` says whether it is one."""

    def __init__(self, output: Output, fd: int, *, by_default: bool) -> None:
        self.output = output
        self.fd = fd
        self.by_default = by_default
        self.screens: dict[str, Screen] = {}

    def open(self, spec: Spec, seen: Callable[[bytes], None]) -> int:
        """Read a terminal, or a pipe, from now on; the service's end of it, to be closed.

        Raises:
            OSError: no descriptors or no terminals are left.
        """
        if self.by_default and spec.pty is None:
            with suppress(OSError):  # no terminals are left, or none here: nobody asked for one
                return self._terminal(spec.name, seen)
        if spec.pty:
            return self._terminal(spec.name, seen)
        ours, theirs = os.pipe()
        self.output.attach(spec.name, ours, seen)
        return theirs

    def _terminal(self, name: str, seen: Callable[[bytes], None]) -> int:
        pty, ours, theirs = Pty.opened(self.size())
        screen = self.screens[name] = Screen(pty, self.size, partial(self.ask, name))
        self.output.attach(name, ours, seen, screen)
        return theirs

    def end(self, name: str) -> None:
        """Nothing of the service is left."""
        if name in self.screens:
            self.screens.pop(name).end()

    def close(self) -> None:
        """Nothing of the run is left."""
        for name in [*self.screens]:
            self.end(name)

    def fit(self) -> None:
        """Devsup's own terminal has another size."""
        for screen in self.screens.values():
            screen.fit()

    def size(self) -> Size:
        """What the prefix of the lines leaves of devsup's own."""
        return size_of(self.fd).without(self.output.indent)

    def ask(self, name: str) -> None:
        """It waits for an answer that it cannot get from here."""
        self.output.say(f"{name} waits at a prompt: devsup attach {name}", about=name)
