"""The latest lines of all services in the order in which they came; pure and bounded."""

from collections import deque
from collections.abc import Callable, Collection
from heapq import merge

BOUND = 256 * 1024
"""Bytes that are kept of each service at most (and one run of lines more): a flood of one does not
wash away what another said."""

Listener = Callable[[str, bytes], None]


class Journal:
    """Remembers runs of whole, prefixed lines, and passes them on to whoever listens."""

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._runs: dict[str, deque[tuple[int, bytes]]] = {}
        self._sizes: dict[str, int] = {}
        self._next = 0
        self._listeners: list[Listener] = []

    def add(self, name: str, lines: bytes) -> None:
        """Lines of a service, with their prefix and the newline of the last."""
        runs = self._runs.setdefault(name, deque())
        runs.append((self._next, lines))
        self._next += 1
        self._sizes[name] = self._sizes.get(name, 0) + len(lines)
        while self._sizes[name] > self._bound and len(runs) > 1:
            self._sizes[name] -= len(runs.popleft()[1])
        for listener in tuple(self._listeners):
            listener(name, lines)

    def tail(self, names: Collection[str], count: int) -> bytes:
        """The latest lines of these services (of all when none is named), in their order."""
        chosen = [runs for name, runs in self._runs.items() if not names or name in names]
        text = b"".join(run for _, run in merge(*chosen))
        # Not splitlines: a progress bar returns its carriage within a line.
        lines = text.split(b"\n")[:-1]
        return b"".join(line + b"\n" for line in lines[max(len(lines) - count, 0) :])

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every run that comes from now on; call the result to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
