"""Which changes of files belong together, and when a service that causes them has to wait.

Times are monotonic seconds.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

QUIET = 0.05
"""Seconds without a change that end a burst of a few files: one save, also through a formatter."""
MANY = 5
QUIET_AFTER_MANY = 0.25
"""Files that are no single save any more but a branch switch, and how long it may pause."""
LONGEST = 2.0
"""Seconds after which a burst is taken for over: a tree may never stop changing."""

SOON = 3.0
"""Seconds after the start of a service in which it may be the one who changes its files."""
TOLERATED = 4
"""So often in a row the same file may change soon after a start: a person can be quick, too."""
FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
"""Seconds until the restart after that, doubled each time, and the most."""

Watchers = Mapping[str, frozenset[str]]
"""Who watches each of some files."""


@dataclass(slots=True)
class Burst:
    """Changes from the first one, `began`, to the last so far."""

    began: float
    last: float
    files: dict[str, frozenset[str]] = field(default_factory=dict)

    def add(self, changed: Watchers, now: float) -> None:
        """More of it."""
        for file, watchers in changed.items():
            self.files[file] = self.files.get(file, frozenset()) | watchers
        self.last = now

    @property
    def due(self) -> float:
        """When it is over, should nothing more come."""
        quiet = QUIET if len(self.files) < MANY else QUIET_AFTER_MANY
        return min(self.last + quiet, self.began + LONGEST)


class Pace:
    """How often files changed right after a service had started.

    A service that writes a watched file at each start would be restarted for ever. It is, but with
    growing pauses; a change of another file does not wait.
    """

    def __init__(self) -> None:
        self._times: dict[str, dict[str, int]] = {}

    def wait(self, service: str, files: Collection[str], age: float) -> float:
        """Seconds that the restart of a service has to wait; `age` is how long ago it started."""
        if age > SOON:
            self._times.pop(service, None)
        times = self._times.setdefault(service, {})
        for file in files:
            times[file] = times.get(file, 0) + 1
        seldom = min((times[file] for file in files), default=0)
        excess = seldom - TOLERATED
        return min(FIRST_WAIT * 2.0 ** (excess - 1), LONGEST_WAIT) if excess > 0 else 0.0
