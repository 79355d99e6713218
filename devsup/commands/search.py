"""Looking for what is left of a project, again and again, until nothing is."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from devsup.edges import processes
from devsup.edges.rundir import RunDirectory
from devsup.pure.evidence import INIT, Project, proof
from devsup.pure.leftovers import Demand, Finding, Foreign, View, WhyNot, find
from devsup.pure.record import Record, Session
from devsup.pure.sighting import Identity, Sighting


@dataclass(frozen=True, slots=True)
class Scope:
    """The project at hand; `programs` are words of its commands by process type."""

    root: Path
    directory: RunDirectory
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ports: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """Who is to be removed now; `judged` has the pids of everybody alive."""

    findings: tuple[Finding, ...] = ()
    judged: frozenset[int] = frozenset()


class Search:
    """Looks for what is left of a project, and remembers whom it has found.

    Once found is found: when a parent, or the leader of a session, has been killed, the evidence
    for the others is gone with it.
    """

    def __init__(self, scope: Scope, record: Record | None, demand: Demand) -> None:
        self.scope = scope
        self.demand = demand
        self.recorded = record.sessions if record else ()
        self.certain = {each for each in self.recorded if _stands_for_its_leader(each)}
        self.spared = processes.lineage() | {INIT}
        self.known: dict[Identity, Finding] = {}
        self.foreign: tuple[Foreign, ...] = ()
        self.project = Project(
            root=str(scope.root.resolve()),
            key=scope.directory.key,
            uid=os.geteuid(),
            ports=scope.ports | frozenset(record.ports if record else ()),
            programs=scope.programs,
            record=record,
        )

    def look(self) -> Found:
        """Who is to be removed now."""
        self.project = replace(self.project, sessions=dict(self._sessions()))
        everybody = processes.survey()
        asked = everybody if self.demand.strays or self.demand.port else ()
        view = View(everybody, processes.listening(asked), self.spared, self.known)
        findings, self.foreign = find(view, self.project, self.demand)
        self.known |= {each.identity: each for each in findings}
        if self.demand.port and self._is_hidden(view, self.demand.port):
            self.foreign = (Foreign(None, (), WhyNot.HIDDEN),)
        return Found(findings, frozenset(everybody))

    def is_ours(self, seen: Sighting) -> bool:
        """Whether a single process is certainly left over, by what the last look found out."""
        return seen.row.pid not in self.spared and proof(seen, self.project) is not None

    def owns(self, seen: Sighting) -> bool:
        """Whether nobody but ours sits in its session, which it leads, or a recorded leader did.

        A marked process may also have been started in somebody's terminal.
        """
        return seen.row.session in {seen.row.pid, *self.project.sessions}

    def _sessions(self) -> Iterator[tuple[int, tuple[Session, bool]]]:
        """The recorded sessions by number, but those whose number has got another leader."""
        for each in self.recorded:
            row = processes.row(each.leader.pid)
            if row is None or row.identity == each.leader:
                yield each.leader.pid, (each, each in self.certain)

    def _is_hidden(self, view: View, port: int) -> bool:
        """Whether the port is taken, by nobody whom we can see."""
        return not any(view.owns(pid, port) for pid in view.sightings) and processes.is_taken(port)


def _stands_for_its_leader(session: Session) -> bool:
    """Whether the number of a session is still its leader's pid, dead or alive."""
    row = processes.row(session.leader.pid)
    return row is not None and row.identity == session.leader
