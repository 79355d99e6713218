"""The latest lines of all services in the order in which they came; pure and bounded."""

from collections import deque
from collections.abc import Callable, Collection, Iterable
from heapq import merge
from typing import NamedTuple

BOUND = 256 * 1024
"""Bytes that are kept of each service at most (and one run of lines more): a flood of one does not
wash away what another said."""

Listener = Callable[[str, bytes], None]
Copy = Callable[[bytes, str], None]


class Entry(NamedTuple):
    """A run of lines, and the service that it is about when devsup itself said it.

    A tuple, for a flood makes thousands a second, and they are in order by their number.
    """

    number: int
    lines: bytes
    about: str


class Journal:
    """Remembers runs of whole, prefixed lines, and passes them on to whoever listens.

    What devsup says about a service is found under that service's name, too.
    """

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._entries: dict[str, deque[Entry]] = {}
        self._sizes: dict[str, int] = {}
        self._next = 0
        self._listeners: list[tuple[Collection[str], Listener]] = []
        self._copies: list[Copy] = []
        self._begun: dict[str, int] = {}

    def add(self, name: str, lines: bytes, about: str = "") -> None:
        """Lines of a service, with their prefix and the newline of the last."""
        entries = self._entries.setdefault(name, deque())
        entries.append(Entry(self._next, lines, about))
        self._next += 1
        self._sizes[name] = self._sizes.get(name, 0) + len(lines)
        while self._sizes[name] > self._bound and len(entries) > 1:
            self._sizes[name] -= len(entries.popleft().lines)
        for copy in self._copies:
            copy(lines, about)
        for names, listener in tuple(self._listeners):
            if not names or name in names or about in names:
                listener(name, lines)

    def begin(self, name: str) -> None:
        """A new life of a service begins here."""
        self._begun[name] = self._next

    def tail(self, names: Collection[str], count: int) -> bytes:
        """The latest lines of these services (of all when none is named), in their order."""
        return self._last(names, 0, count)

    def last_life(self, name: str, count: int) -> bytes:
        """The latest lines of one service, and of devsup's about it, since it began."""
        return self._last({name}, self._begun.get(name, 0), count)

    def _last(self, names: Collection[str], since: int, count: int) -> bytes:
        chosen = [self._of(name, names) for name in self._entries]
        text = b"".join(entry.lines for entry in merge(*chosen) if entry.number >= since)
        # Not splitlines: a progress bar returns its carriage within a line.
        lines = text.split(b"\n")[:-1]
        return b"".join(line + b"\n" for line in lines[max(len(lines) - count, 0) :])

    def _of(self, name: str, names: Collection[str]) -> Iterable[Entry]:
        entries = self._entries[name]
        if not names or name in names:
            return entries
        return (entry for entry in entries if entry.about in names)

    def copy_to(self, copy: Copy) -> None:
        """Call `copy` with every run that comes from now on, and whom it is about."""
        self._copies.append(copy)

    def listen(self, listener: Listener, names: Collection[str] = ()) -> Callable[[], None]:
        """Call `listener` with every run of these services that comes from now on, or of all.

        Call the result to end that.
        """
        listening = (names, listener)
        self._listeners.append(listening)
        return lambda: self._listeners.remove(listening)
