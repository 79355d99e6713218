"""Removing processes: TERM first, some patience, then KILL until nobody is left.

Every signal goes through a grip on a process whose identity was checked behind that grip, so none
ever reaches another process with a recycled pid.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from itertools import islice
from signal import SIGCONT, SIGKILL, SIGTERM, Signals

from devsup import processes
from devsup.leftovers import Finding
from devsup.processes import Grip
from devsup.search import Found, Search
from devsup.sighting import Identity

TERM_PATIENCE = 2.0
KILL_PATIENCE = 5.0
SAY_AFTER = 1.0
"""Seconds."""
BATCH = 256
"""Processes signalled between two looks, a descriptor for each; 1024 is a common limit."""
EMPTY_LOOKS = 4
"""In a row; after so many, processes that die before their turn are somebody else's."""


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
        if self.say and not self._wait(grips, min(self.say_at, self.until)):
            self.say()
            self.say = None
        return self._wait(grips, self.until)

    def _wait(self, grips: tuple[Grip, ...], until: float) -> bool:
        return bool(processes.wait(grips, max(0.0, until - time.monotonic())))


class Removal:
    """Removes what a search finds, until it finds nothing more.

    `say` gets a sentence when a wait takes long.
    """

    def __init__(self, search: Search, say: Callable[[str], None]) -> None:
        self.search = search
        self.say = say
        self.found = Found()
        self.refused = set[Identity]()

    def run(self) -> tuple[Finding, ...]:
        """Remove them; those who are left."""
        self.terminate()
        return self.kill()

    def terminate(self) -> None:
        """SIGTERM to everybody whose parent does not get one, and to those who are left by that.

        Not to all at once: a pool child of Celery dies on it with its task, while its parent, asked
        alone, would see that task through.
        """
        patience = Patience(TERM_PATIENCE, self.say_awaited)
        asked = dict[Identity, Grip]()
        with ExitStack() as held:
            while True:
                self.found = self.search.look()
                for each in islice(self.tops(), BATCH):
                    if each.identity not in asked and (grip := self.signal(each, SIGTERM)):
                        asked[each.identity] = held.enter_context(closing(grip))
                left = (each.identity for each in self.found.findings)
                alive = [asked[identity] for identity in left if identity in asked]
                if not alive or not patience.wait(alive):
                    return

    def tops(self) -> Iterator[Finding]:
        """Those whose parent is not to be removed."""
        pids = {each.pid for each in self.found.findings}
        return (each for each in self.found.findings if each.ppid not in pids)

    def kill(self) -> tuple[Finding, ...]:
        """SIGKILL until a look that has not missed anybody finds nobody; those who are left."""
        patience = Patience(KILL_PATIENCE, self.say_awaited)
        empty_looks = 0
        while True:
            missed = self.found.missed
            self.found = self.search.look()
            left = self.found.findings
            empty_looks = 0 if left else empty_looks + 1
            if not left and (self.found.missed <= missed or empty_looks == EMPTY_LOOKS):
                return ()
            killable = [each for each in left if each.identity not in self.refused]
            if patience.is_over or (left and not killable):
                return left
            with ExitStack() as held:
                killed = (self.signal(each, SIGKILL) for each in killable[:BATCH])
                grips = [held.enter_context(closing(grip)) for grip in killed if grip]
                self.strike()
                if grips:
                    patience.wait(grips)

    def strike(self) -> None:
        """One pass of SIGKILL, the newest first, each as soon as it is seen.

        A link of a fork chain does not live as long as a look at everybody takes.
        """
        for pid in processes.pids():
            grip = processes.grip(pid)
            if grip is None:
                continue
            with closing(grip), suppress(PermissionError):
                seen = processes.sight(pid)
                if seen and self.search.is_ours(seen):
                    grip.send(SIGKILL)

    def signal(self, finding: Finding, number: Signals) -> Grip | None:
        """Signal it; a grip on it, to be closed, unless it is dead or not ours to signal."""
        grip = processes.hold(finding.identity)
        if grip is None:
            return None
        try:
            # Whoever is stopped gets SIGTERM only when continued.
            if grip.send(number) and grip.send(SIGCONT):
                return grip
        except PermissionError:
            self.refused.add(finding.identity)
        grip.close()
        return None

    def say_awaited(self) -> None:
        """Tell who has been waited for."""
        pids = " ".join(str(each.pid) for each in self.found.findings)
        self.say(f"waiting for processes to end: {pids}")
