"""What the operating system tells about live processes, and the means to signal one for sure.

Edges may build on this one: it is where they all look.
"""

import os
import sys

from devsup.pure import environ, sighting
from devsup.pure.sighting import Identity, Marks, Row, Sighting

if sys.platform == "linux":
    from devsup.edges import pidfd as holding
    from devsup.edges import procfs as kernel
else:
    from devsup.edges import portable as holding
    from devsup.edges import portable as kernel

Grip = holding.Grip
boot = kernel.boot
command = kernel.command
grip = holding.grip
is_stopped = kernel.is_stopped
is_taken = kernel.is_taken
listening = kernel.listening
pids = kernel.pids
row = kernel.row
wait = holding.wait


def table() -> dict[int, Row]:
    """The process table by pid, zombies included.

    The oldest are read first: whoever adopts the children of a parent that dies meanwhile is older
    than both, so every process's parent is in the table as well (but where pids have wrapped).
    """
    return {pid: found for pid in reversed(pids()) if (found := row(pid))}


def identity(pid: int) -> Identity | None:
    """Who has that pid now; None when nobody, a zombie not counting."""
    found = row(pid)
    return found.identity if found and found.alive else None


def own() -> Identity:
    """Who we are."""
    found = identity(os.getpid())
    if found is None:
        raise ProcessLookupError("the process table does not show this very process")
    return found


def is_alive(who: Identity) -> bool:
    """Whether this very process lives, and not merely somebody with its pid."""
    return identity(who.pid) == who


def hold(who: Identity) -> Grip | None:
    """A grip on this very process, to be closed; None when it is dead."""
    grip = holding.grip(who.pid)
    if grip and not is_alive(who):
        grip.close()
        return None
    return grip


def lineage() -> frozenset[int]:
    """This process, its parent, and so on up to init."""
    found: set[int] = set()
    pid = os.getpid()
    while pid not in found and (current := row(pid)):
        found.add(pid)
        pid = current.ppid
    return frozenset(found)


def marks(pid: int) -> Marks:
    """The marks of one process, by a look for them before anything is parsed (1 us, not 25)."""
    data = kernel.environ(pid) or b""
    return sighting.marks(environ.parse(data)[0]) if sighting.RUN.encode() in data else Marks()


def _marks_above(child: Row) -> Marks:
    """Those of the nearest ancestor that has any: it can clear its environment, but not those."""
    passed = {child.pid}
    while child.ppid not in passed and (parent := row(child.ppid)):
        passed.add(parent.pid)
        if (found := marks(parent.pid)).run:
            return found
        child = parent
    return Marks()


def sight(pid: int) -> Sighting | None:
    """Look closely at one process; None when it is dead.

    Again when its parent has died meanwhile: it belongs to whoever has adopted it.
    """
    while (found := row(pid)) and found.alive:
        seen = _sight(found)
        now = row(pid) if seen.cleared else found
        if now and now.ppid == found.ppid:
            return seen
    return None


def _sight(found: Row) -> Sighting:
    pid = found.pid
    data = kernel.environ(pid)
    variables, intact = ({}, False) if data is None else environ.parse(data)
    cleared = environ.is_cleared(variables, intact=intact)
    own = sighting.marks(variables)
    return Sighting(
        row=found,
        parent=row(found.ppid) if cleared else None,
        uid=kernel.uid(pid),
        marks=_marks_above(found) if cleared and own.run is None else own,
        cleared=cleared,
        directory=kernel.directory(pid),
        command=command(pid),
    )


def survey() -> dict[int, Sighting]:
    """Look closely at everybody alive."""
    return {pid: seen for pid in pids() if (seen := sight(pid))}
