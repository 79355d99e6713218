"""News of watched source files: who watches each file that differs from what was last seen.

Events of the directories say where to look, and name what to look at, so that a save costs one
`stat` however big the trees are. What causes no event (a write through mmap or another hard link,
on the other end of a network, a new directory in the place of a parent) is found by a patrol: each
PERIOD it compares as many directories as fit into LIMIT, one after the other. A project of fifty
files is seen whole each time, five thousand files within some minutes. While the kernel has no
watch left for some directories, the patrol does more.
"""

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Protocol, TypeAlias

from devsup.edges.tree import ITSELF, Place, Tree

if sys.platform == "linux":
    from devsup.edges.inotify import Directories as _Native
else:
    from devsup.edges.notify import Directories as _Native

PERIOD = 2.0
LIMIT = 0.0005
"""Seconds between two patrols, and for one of them: half a wake-up a second, 0.03 % of a core."""
LIMIT_UNWATCHED = 0.02
"""Likewise while some directories are not watched: 1 % of a core at most."""

Changed: TypeAlias = dict[str, frozenset[str]]
"""Files that differ, each with who watches it."""


class Directories(Protocol):
    """Calls back in the loop with directory and name soon after something happened there."""

    def arm(self, directories: Collection[str]) -> frozenset[str]:
        """Watch these and nothing else; those that no watch is left for."""

    def close(self) -> None:
        """Stop at once, leaving nothing behind."""


_Source: TypeAlias = Callable[
    [asyncio.AbstractEventLoop, Callable[[list[Place]], None]], Directories
]


class SourceWatch:
    """Calls `changed` in the loop with the files that differ.

    `unwatched` hears once how many directories are only compared for want of watches.
    """

    def __init__(
        self,
        tree: Tree,
        changed: Callable[[Changed], None],
        unwatched: Callable[[int], None],
        source: _Source = _Native,
    ) -> None:
        self._tree = tree
        self._tell = changed
        self._tell_unwatched: Callable[[int], None] | None = unwatched
        self._source = source
        self._directories: Directories | None = None
        self._denied: frozenset[str] = frozenset()
        self._round: deque[str] = deque()
        self._next: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """See how everything is; all that differs from now on is told."""
        self._loop = loop
        try:
            self._directories = self._source(loop, self._heard)
        except OSError:  # no more inotify instances for this user: the patrol remains
            self._directories = None
        self._tree.read()
        # What was written between being seen and being watched is as new as all that follows.
        self._look(())
        self._next = loop.call_later(PERIOD, self._patrol)

    def close(self) -> None:
        """No news from now on, and nothing left behind. Harmless before `start` and twice."""
        if self._next:
            self._next.cancel()
        if self._directories:
            self._directories.close()
        self._next = self._directories = None

    def _heard(self, places: list[Place]) -> None:
        """A folder that tells of itself may be another by now, even with the number of the old."""
        known = {*self._tree.folders}
        self._tree.fresh |= {path for path, name in places if name == ITSELF and path in known}
        self._look(places)

    def look_everywhere(self) -> None:
        """Tell of all that differs by now."""
        self._look([(folder, ITSELF) for folder in self._tree.folders])

    def _look(self, places: Iterable[Place]) -> None:
        """Look there, and whatever came to light is watched, and looked at again after that."""
        changed = self._tree.look(places)
        while self._tree.fresh:
            fresh, self._tree.fresh = self._tree.fresh, set()
            self._arm()
            changed |= self._tree.look((path, ITSELF) for path in fresh)
        if changed:
            self._tell(changed)

    def _arm(self) -> None:
        everything = self._tree.places
        self._denied = self._directories.arm(everything) if self._directories else everything
        if self._denied and self._tell_unwatched:
            self._tell_unwatched(len(self._denied))
            self._tell_unwatched = None

    def _patrol(self) -> None:
        """Compare the next directories."""
        self._next = self._loop.call_later(PERIOD, self._patrol)
        until = time.monotonic() + (LIMIT_UNWATCHED if self._denied else LIMIT)
        self._look(self._stations(until))

    def _stations(self, until: float) -> Iterable[Place]:
        """One after the other, until the time is over or all had their turn."""
        if not self._round:
            self._round.extend(self._tree.folders)
        while self._round:
            yield self._round.popleft(), ITSELF
            if time.monotonic() > until:
                return
