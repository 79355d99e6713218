"""Which live processes are ours, of which service and generation, and what they listen on.

Two witnesses: lineage (below a guardian, which a process cannot leave without dying) and the marks
in the environment (which a process can write over, and a child can be started without).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from devsup.edges import processes
from devsup.edges.processes import listening
from devsup.pure.sighting import Marks, Row

__all__ = ["Process", "census", "listening"]


@dataclass(frozen=True, slots=True)
class Process:
    """A live process of this run; zombies are not alive.

    `created` counts as in `sighting.Identity`. `run`, `service` and `generation` are what its marks
    say, if they are of this run; `lineage` is the service whose guardian is an ancestor. None: that
    witness is silent.
    """

    pid: int
    ppid: int
    session: int
    created: float
    service: str | None
    generation: int | None
    run: str | None
    lineage: str | None
    command: tuple[str, ...] = field(repr=False)


def census(run: str, who_guards: Callable[[], Mapping[int, str]]) -> tuple[Process, ...]:
    """Every live process of a run: below a guardian, or with the run's mark.

    `who_guards` gives the pids of all guardians with the service of each; neither they nor their
    ancestors count. It is asked behind the look at the process table: a process that has just been
    started is not to be seen before its guardian is known.
    """
    rows = processes.table()
    guardians = who_guards()
    passed_over = {above for pid in guardians for above in _ancestry(pid, rows)}
    others = (row for row in rows.values() if row.alive and row.pid not in passed_over)
    found = ((row, _marks(row.pid, run), _lineage(row, rows, guardians)) for row in others)
    return tuple(
        _process(row, marks, lineage) for row, marks, lineage in found if lineage or marks.run
    )


def _marks(pid: int, run: str) -> Marks:
    """What it says of this run; a service may be a devsup of its own, whose runs count for them."""
    found = processes.marks(pid)
    return found if found.run == run else Marks()


def _process(row: Row, marks: Marks, lineage: str | None) -> Process:
    return Process(
        pid=row.pid,
        ppid=row.ppid,
        session=row.session,
        created=row.started,
        service=marks.service,
        generation=marks.generation,
        run=marks.run,
        lineage=lineage,
        command=processes.command(row.pid),
    )


def _lineage(row: Row, rows: Mapping[int, Row], guardians: Mapping[int, str]) -> str | None:
    above = _ancestry(row.pid, rows)
    return next((guardians[pid] for pid in above if pid in guardians), None)


def _ancestry(pid: int, rows: Mapping[int, Row]) -> Iterator[int]:
    """The process itself and those above it, as far as the table goes."""
    seen: set[int] = set()
    while pid in rows and pid not in seen:
        yield pid
        seen.add(pid)
        pid = rows[pid].ppid
