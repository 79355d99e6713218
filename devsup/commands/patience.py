"""Waiting for processes to die, for a limited time and not in silence."""

import time
from collections.abc import Callable, Iterable

from devsup.edges import processes
from devsup.edges.processes import Grip

SAY_AFTER = 1.0
"""Seconds."""


class Patience:
    """A limited wait that says once, after a second, whom it waits for."""

    def __init__(self, seconds: float, say: Callable[[], None]) -> None:
        now = time.monotonic()
        self.until = now + seconds
        self.say_at = now + SAY_AFTER
        self.say: Callable[[], None] | None = say

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.until

    def wait(self, grips: Iterable[Grip]) -> bool:
        """Until one of them is dead; False when the time is up."""
        grips = tuple(grips)
        if self.say:
            if self._wait(grips, min(self.say_at, self.until)):
                return True
            self.say()
            self.say = None
        return self._wait(grips, self.until)

    def _wait(self, grips: tuple[Grip, ...], until: float) -> bool:
        return bool(processes.wait(grips, max(0.0, until - time.monotonic())))
