"""When to believe the files of a run: hints in, readings out."""

import asyncio
from collections.abc import Callable

from devsup.commands.declarations import Declarations, Reading
from devsup.commands.project import Content, Contents
from devsup.edges.files import MISSING
from devsup.pure.errors import Problem
from devsup.pure.writing import Writer, patience

TOLD_AFTER = 1.0
"""Seconds of waiting for a writer after which a person is told."""

RETRY = 1.0
"""Seconds until a file that could not be read is tried again: what was in the way (no descriptors
left, a network) may pass without a trace in the file."""


class Settling:
    """Reads the files after each hint, and hands on what they say once they stay like that.

    `waits` is called when that takes long, because somebody has one of them open.
    """

    def __init__(
        self, files: Declarations, take: Callable[[Reading], None], waits: Callable[[], None]
    ) -> None:
        self._files = files
        self._take = take
        self._waits = waits
        self._latest: Contents = files.last
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._word: asyncio.TimerHandle | None = None

    def look(self, writer: Writer = Writer.UNKNOWN) -> None:
        """Something may have changed."""
        loop, contents = asyncio.get_running_loop(), self._files.contents()
        if contents != self._latest:
            self._latest, self._since = contents, loop.time()
        elif self._timer is None:
            self._look_again()
            return
        elif writer is Writer.UNKNOWN:
            return  # whoever is waited for is not hurried
        still = patience(writer, cut=self._is_cut(contents))
        self._wait(max(self._since + still - loop.time(), 0.0))
        if writer is Writer.BUSY and self._word is None:
            self._word = loop.call_later(TOLD_AFTER, self._waits)

    def take_now(self) -> None:
        """Believe what is there: somebody asks for it."""
        self.close()
        self._latest = self._files.contents()
        self._take(self._files.take(self._latest))

    def close(self) -> None:
        """Hand on nothing any more."""
        self._stop_waiting()
        if self._word:
            self._word.cancel()
            self._word = None

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        contents = self._files.contents()
        if contents != self._latest:
            self.look()
            return
        self.close()
        if contents != self._files.last:
            self._take(self._files.take(contents))
        if any(isinstance(each, Problem) for each in contents.values()):
            self._wait(RETRY)

    def _is_cut(self, contents: Contents) -> bool:
        last = self._files.last
        changed = (path for path, each in contents.items() if each != last.get(path, MISSING))
        return any(is_cut(self._files.counting(path), contents[path]) for path in changed)


def is_cut(old: Content, new: Content) -> bool:
    """Whether all that happened to a file may be the beginning of its next content."""
    if not isinstance(old, bytes) or old == new:
        return False
    return new is MISSING or (isinstance(new, bytes) and old.startswith(new))
