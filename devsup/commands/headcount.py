"""Who is alive in a run at this moment: the members of its services, and strays."""

import time
from collections.abc import Iterable, Iterator, Mapping
from signal import SIGKILL

from devsup.edges import processes
from devsup.edges.census import Process, census, listening
from devsup.edges.group import Group
from devsup.pure.record import Daemon
from devsup.pure.sighting import Identity

SWEEP_PATIENCE = 1.0
"""Seconds that one round of killing strays may take."""


class Headcount:
    """Looks at the live processes of a run.

    `groups` and `leaders` are those of the moment, by service.
    """

    def __init__(self, run: str, groups: Mapping[str, Group], leaders: Mapping[str, int]) -> None:
        self.run = run
        self.groups = groups
        self.leaders = leaders

    def members(self) -> tuple[Process, ...]:
        """All of them, strays included."""
        return census(self.run, self._guardians)

    def _guardians(self) -> Mapping[int, str]:
        return {pid: name for name, each in self.groups.items() if (pid := each.guardian)}

    def pids_of(self, name: str) -> tuple[int, ...]:
        """Those of one service."""
        return tuple(each.pid for each in self.members() if each.lineage == name)

    def ports(self, name: str) -> frozenset[int]:
        """What the processes of one service listen on."""
        found = listening(self.pids_of(name)).values()
        return frozenset(port for ports in found for port in ports)

    def take(self) -> tuple[list[Process], set[int]]:
        """Those below a guardian, and the pids of strays."""
        found = self.members()
        if strays := _strays(found):
            # One whose parent died during the look seems to belong nowhere: look again.
            found = self.members()
            strays &= _strays(found)
        return [each for each in found if each.lineage], strays

    def daemons(self, inside: Iterable[Process]) -> Iterator[Daemon]:
        """Those of these members who have left the session of their leader."""
        for each in inside:
            if each.lineage and each.session != self.leaders.get(each.lineage, each.session):
                yield Daemon(each.lineage, Identity(each.pid, each.created))

    def sweep(self, pids: Iterable[int]) -> None:
        """SIGKILL what carries this run's mark, and wait for it to be dead."""
        grips = [held for held in map(processes.grip, pids) if held]
        for held in grips:
            # The grip came first: what carries the mark now is what the signal reaches.
            if processes.marks(held.pid).run == self.run:
                held.send(SIGKILL)
        until = time.monotonic() + SWEEP_PATIENCE
        alive = set(grips)
        while alive and (dead := processes.wait([*alive], until - time.monotonic())):
            alive -= set(dead)
        for held in grips:
            held.close()


def _strays(found: Iterable[Process]) -> set[int]:
    return {each.pid for each in found if each.lineage is None}
