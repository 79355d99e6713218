"""Removing processes: TERM first, some patience, then KILL until nobody is left.

A signal goes through a grip behind which the process's identity was checked: it never reaches
somebody else with a recycled pid.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import islice
from signal import SIGCONT, SIGKILL, SIGTERM, Signals

from devsup.commands.chase import chase
from devsup.commands.patience import Patience
from devsup.commands.search import Found, Search
from devsup.edges import processes
from devsup.edges.processes import Grip
from devsup.pure.leftovers import Finding
from devsup.pure.sighting import Identity

TERM_PATIENCE = 2.0
KILL_PATIENCE = 5.0
"""Seconds."""
BATCH = 256
"""Processes signalled between two looks, a descriptor for each; 1024 is a common limit."""


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
                if not alive:
                    return
                if not patience.wait(alive):
                    self.found = self.search.look()
                    return

    def tops(self) -> Iterator[Finding]:
        """Those whose parent is not to be removed."""
        pids = {each.pid for each in self.found.findings}
        return (each for each in self.found.findings if each.ppid not in pids)

    def kill(self) -> tuple[Finding, ...]:
        """SIGKILL until neither a look nor a chase finds anybody; those who are left."""
        patience = Patience(KILL_PATIENCE, self.say_awaited)
        while True:
            left = self.found.findings
            killable = [each for each in left if each.identity not in self.refused]
            if killable and not patience.is_over:
                self.strike(killable[:BATCH], patience)
            elif left or patience.is_over or not chase(self.search, self.found.judged):
                return left
            self.found = self.search.look()

    def strike(self, findings: list[Finding], patience: Patience) -> None:
        """SIGKILL to these, and wait until one of them is dead."""
        with ExitStack() as held:
            killed = (self.signal(each, SIGKILL) for each in findings)
            grips = [held.enter_context(closing(grip)) for grip in killed if grip]
            if grips:
                patience.wait(grips)

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
