"""When to believe the env files: hints in, readings out."""

import asyncio
from collections.abc import Callable

from devsup.commands.project import Contents, EnvFiles, Reading
from devsup.edges.files import MISSING
from devsup.pure.errors import Problem

QUIET = 0.01
"""Seconds for which the files must stay as they are: an editor writes in more than one call."""
QUIET_WHEN_EMPTY = 0.15
"""Likewise when one has become empty or missing: the first half of a write in place, or of a save
by deleting and creating, looks just like that."""

RETRY = 1.0
"""Seconds until a file that could not be read is tried again: what was in the way (no descriptors
left, a network) may pass without a trace in the file."""


class Settling:
    """Reads the env files after each hint, and hands on what they say once they stay like that."""

    def __init__(self, env: EnvFiles, take: Callable[[Reading], None]) -> None:
        self._env = env
        self._take = take
        self._latest: Contents = env.last
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Something may have changed."""
        contents = self._env.contents()
        if contents != self._latest:
            self._latest = contents
            self._wait(QUIET_WHEN_EMPTY if self._emptied(contents) else QUIET)
        elif self._timer is None:
            self._look_again()

    def take_now(self) -> None:
        """Believe what is there: somebody asks for it."""
        self.close()
        self._latest = self._env.contents()
        self._take(self._env.take(self._latest))

    def close(self) -> None:
        """Hand on nothing any more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        self.close()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        contents = self._env.contents()
        if contents != self._latest:
            self.look()
            return
        if contents != self._env.last:
            self._take(self._env.take(contents))
        if any(isinstance(each, Problem) for each in contents):
            self._wait(RETRY)

    def _emptied(self, contents: Contents) -> bool:
        pairs = zip(self._env.last, contents, strict=True)
        return any(new in (b"", MISSING) and old not in (b"", MISSING) for old, new in pairs)
