"""What is left of a project, out of everybody alive: a look at the processes in, findings out."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice, takewhile

from devsup.pure.evidence import Project, Reason, Why, guess, proof
from devsup.pure.sighting import Identity, Sighting


class WhyNot(Enum):
    """The reason for which the owner of a port is left alone, in words that follow its name."""

    ELSEWHERE = "works outside of this project"
    ANOTHER_USER = "belongs to another user"
    ANOTHER_PROJECT = "is run by devsup for another project"
    OURSELVES = "is what this very command runs in"
    HIDDEN = "cannot be seen by this user"


@dataclass(frozen=True, slots=True)
class Finding:
    """A process to remove. `command` may hold secrets: it is not for printing as it is."""

    identity: Identity
    ppid: int
    service: str | None
    why: Why
    ports: tuple[int, ...]
    command: tuple[str, ...] = field(repr=False)

    @property
    def pid(self) -> int:
        """Its pid."""
        return self.identity.pid


@dataclass(frozen=True, slots=True)
class Foreign:
    """An owner of the port asked for, who stays; without a pid when nobody is to be seen."""

    pid: int | None
    command: tuple[str, ...] = field(repr=False)
    why: WhyNot


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be removed, and which owners of the port would stay."""

    findings: tuple[Finding, ...] = ()
    foreign: tuple[Foreign, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was removed, which owners of the port stayed, and who could not be killed."""

    removed: tuple[Finding, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    survivors: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """Everybody alive, what they listen on, who is never to be touched, and who is known."""

    sightings: Mapping[int, Sighting]
    listening: Mapping[int, tuple[int, ...]]
    spared: frozenset[int]
    known: Mapping[Identity, Finding] = field(default_factory=dict)

    def lineage(self, pid: int) -> Iterator[Sighting]:
        """The process and those above it, as far as they are in view."""
        passed: set[int] = set()
        while pid in self.sightings and pid not in passed:
            passed.add(pid)
            yield self.sightings[pid]
            pid = self.sightings[pid].row.ppid

    def top(self, pid: int, tops: Collection[int]) -> int | None:
        """Which of `tops` is the nearest above it, with nobody between who is spared."""
        above = (each.row.pid for each in islice(self.lineage(pid), 1, None))
        unspared = takewhile(lambda each: each not in self.spared, above)
        return next((each for each in unspared if each in tops), None)

    def owns(self, pid: int, port: int | None) -> bool:
        """Whether it listens on a port."""
        return port in self.listening.get(pid, ())

    def is_another_project(self, pid: int, project: Project) -> bool:
        """Whether it or anybody above it carries the mark of another project."""
        runs = (each.marks.run for each in self.lineage(pid))
        return any(run is not None and not project.marked(run) for run in runs)


@dataclass(frozen=True, slots=True)
class Demand:
    """What to look for beside what is proven to be left over.

    The running supervisor with all that is below it; strays of the project; the owners of a port,
    with `force` wherever they work.
    """

    supervisor: Identity | None = None
    strays: bool = False
    port: int | None = None
    force: bool = False


Reasons = dict[int, Reason]


def find(
    view: View, project: Project, demand: Demand
) -> tuple[tuple[Finding, ...], tuple[Foreign, ...]]:
    """Who is to be removed, by pid, and which owners of the port stay."""
    reasons: Reasons = {}
    rules: tuple[Callable[[int], Reason | None], ...] = (
        lambda pid: _known(pid, view),
        lambda pid: _supervised(pid, view, demand),
        lambda pid: proof(view.sightings[pid], project),
        lambda pid: _stray(pid, view, project, demand),
        lambda pid: _owner(pid, view, project, demand),
        lambda pid: _child(pid, view, reasons),
        lambda pid: _forced(pid, view, project, demand),
    )
    for rule in rules:
        others = view.sightings.keys() - view.spared - reasons.keys()
        reasons |= {pid: reason for pid in others if (reason := rule(pid))}
    found = tuple(_finding(view, pid, reasons[pid]) for pid in sorted(reasons))
    return found, tuple(_foreign(view, project, demand, reasons))


def _known(pid: int, view: View) -> Reason | None:
    found = view.known.get(view.sightings[pid].row.identity)
    return Reason(found.why, found.service) if found else None


def _supervised(pid: int, view: View, demand: Demand) -> Reason | None:
    """The supervisor, and what is below its zygote, which carries a mark that is not its own.

    A shell that became devsup by `exec` may have had children, which are none of these. Of which
    project a mark is does not count: that may have been moved.
    """
    if demand.supervisor is None:
        return None
    if pid == demand.supervisor.pid:
        return Reason(Why.SUPERVISOR)
    if (top := view.top(pid, {demand.supervisor.pid})) is None:
        return None
    own = view.sightings[top].marks.run
    below = takewhile(lambda each: each.row.pid != top, view.lineage(pid))
    marks = [each.marks for each in below if each.marks.run not in {None, own}]
    services = [each.service for each in marks if each.service]
    return Reason(Why.SUPERVISED, services[-1] if services else None) if marks else None


def _stray(pid: int, view: View, project: Project, demand: Demand) -> Reason | None:
    if not demand.strays or view.is_another_project(pid, project):
        return None
    return guess(view.sightings[pid], view.listening.get(pid, ()), project)


def _owner(pid: int, view: View, project: Project, demand: Demand) -> Reason | None:
    """The owner of the port, when it works in the project."""
    if not view.owns(pid, demand.port) or view.is_another_project(pid, project):
        return None
    return Reason(Why.PORT) if project.holds(view.sightings[pid]) else None


def _child(pid: int, view: View, reasons: Reasons) -> Reason | None:
    """Whoever one of these started, but for the supervisor itself: see there."""
    tops = {each for each, reason in reasons.items() if reason.why is not Why.SUPERVISOR}
    top = view.top(pid, tops)
    return None if top is None else Reason(Why.CHILD, reasons[top].service)


def _forced(pid: int, view: View, project: Project, demand: Demand) -> Reason | None:
    """The owner of the port, wherever it works; not what it started."""
    if not demand.force or not view.owns(pid, demand.port):
        return None
    return Reason(Why.FORCED) if view.sightings[pid].uid == project.uid else None


def _finding(view: View, pid: int, reason: Reason) -> Finding:
    seen = view.sightings[pid]
    return Finding(
        identity=seen.row.identity,
        ppid=seen.row.ppid,
        service=reason.service,
        why=reason.why,
        ports=view.listening.get(pid, ()),
        command=seen.command,
    )


def _foreign(view: View, project: Project, demand: Demand, reasons: Reasons) -> Iterator[Foreign]:
    for pid, seen in sorted(view.sightings.items()):
        if view.owns(pid, demand.port) and pid not in reasons:
            yield Foreign(pid, seen.command, _why_not(seen, view, project))


def _why_not(seen: Sighting, view: View, project: Project) -> WhyNot:
    if seen.row.pid in view.spared:
        return WhyNot.OURSELVES
    if seen.uid != project.uid:
        return WhyNot.ANOTHER_USER
    if view.is_another_project(seen.row.pid, project):
        return WhyNot.ANOTHER_PROJECT
    return WhyNot.ELSEWHERE
