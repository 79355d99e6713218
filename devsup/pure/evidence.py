"""Why a live process belongs to a project: what is seen of it in, a reason out.

What devsup started is told by evidence that no stranger has: the mark, the session, the lineage.
What somebody started by hand is told by port or program, and only with the working directory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePath

from devsup.pure.record import Daemon, Record, Session
from devsup.pure.sighting import Sighting, is_of

INIT = 1
WRAPPERS = 2
"""How many words an interpreter may put before a script: `#!/usr/bin/python -u` puts two."""


class Why(Enum):
    """The reason for which a process is removed, in words that follow its name."""

    SUPERVISOR = "is the running devsup"
    SUPERVISED = "is run by devsup"
    MARK = "carries the mark of this project"
    SESSION = "is in a session of the last run"
    SEEN = "was seen in the last run, in a session of its own"
    DAEMON = "is a daemon of the last run that cleared its environment"
    PROGRAM = "is a program of the Procfile, started by hand"
    PORT = "listens on a port of this project"
    CHILD = "was started by one of these"
    FORCED = "listens on the port that was asked for"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, and on behalf of which service where that is known."""

    why: Why
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """What belongs to a project: its directory, its ports and programs, its last run.

    `programs` are the Procfile's commands in words (`shell.program_words`) by process type.
    `record` is None when it is of another boot. `sessions` are the recorded ones by number, each
    with whether the number can only mean that one (its leader is still in the process table, dead
    or alive); those whose number means another session now are left out.
    """

    root: str
    key: str
    uid: int
    ports: frozenset[int] = frozenset()
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    record: Record | None = None
    sessions: Mapping[int, tuple[Session, bool]] = field(default_factory=dict)

    def holds(self, seen: Sighting) -> bool:
        """Whether a process of our user works in the project's directory, or below."""
        return (
            seen.uid == self.uid
            and seen.directory is not None
            and PurePath(seen.directory).is_relative_to(self.root)
        )

    def marked(self, run: str) -> bool:
        """Whether a mark is one of this project's."""
        return is_of(run, self.key)


def proof(seen: Sighting, project: Project) -> Reason | None:
    """Why a process is certainly one that devsup started for this project."""
    if _is_marked(seen, project):
        return Reason(Why.MARK, seen.marks.service)
    if session := _session(seen, project):
        return Reason(Why.SESSION, session.service)
    if daemon := _daemon(seen, project):
        return Reason(Why.SEEN, daemon.service)
    if project.record and _is_daemon(seen, project, project.record):
        return Reason(Why.DAEMON)
    return None


def _is_marked(seen: Sighting, project: Project) -> bool:
    """With the mark of any run, or, when it is another user's, with the very mark of the last run.

    Two users may run the same project; but a service that root started may change its user. The
    guardians, who are no service, end by themselves once their supervisor is dead (a stopped one
    once it is continued).
    """
    run = seen.marks.run
    if run is None or not project.marked(run) or _is_kept(seen):
        return False
    return seen.uid == project.uid or (project.record is not None and run == project.record.run)


def _session(seen: Sighting, project: Project) -> Session | None:
    """The recorded session it sits in.

    A pid is not given away while it is the number of a session. But a session may have emptied, and
    a new one have got the number: where the leader is not there to tell, more has to fit.
    """
    session, is_certain = project.sessions.get(seen.row.session, (None, False))
    return session if is_certain or project.holds(seen) else None


def _daemon(seen: Sighting, project: Project) -> Daemon | None:
    """The recorded daemon that it is."""
    recorded = project.record.daemons if project.record else ()
    return next((each for each in recorded if each.process == seen.row.identity), None)


def _is_daemon(seen: Sighting, project: Project, record: Record) -> bool:
    """Whether it left parent, session and environment behind, in the project and after its start.

    What a user starts has some of the usual variables, or a terminal, or a parent that lives.
    """
    return (
        seen.cleared
        and (seen.marks.run is None or (project.marked(seen.marks.run) and _is_kept(seen)))
        and not seen.row.terminal
        and project.holds(seen)
        and seen.row.started > record.supervisor.started
        and _is_orphan(seen, record)
    )


def _is_kept(seen: Sighting) -> bool:
    """Whether it is a zygote, a guardian, or what cleared its environment right below one."""
    return seen.cleared and seen.marks.service is None


def _is_orphan(seen: Sighting, record: Record) -> bool:
    """Whether its parent is init, or may be a subreaper: older than the run, without a terminal.

    The kernel does not show which processes are subreapers; `systemd --user` is one.
    """
    if seen.parent is None:
        return seen.row.ppid != 0  # 0: the parent is outside of this pid namespace
    if seen.parent.pid == INIT:
        return True
    return not seen.parent.terminal and seen.parent.started < record.supervisor.started


def guess(seen: Sighting, listening: tuple[int, ...], project: Project) -> Reason | None:
    """Why a process in the project's directory is one that somebody started in devsup's place."""
    if not project.holds(seen):
        return None
    if not project.ports.isdisjoint(listening):
        return Reason(Why.PORT)
    for name, words in project.programs.items():
        if is_program(seen.command, words):
            return Reason(Why.PROGRAM, name)
    return None


def is_program(command: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether a live command line is the one of these words, the program by its name.

    A script shows behind its interpreter: `/usr/bin/python /venv/bin/celery worker`. Words that the
    shell expands (`$PORT`) match anything, but never as the program.
    """
    return _is_called(command, words) or any(
        _is_called(command[skipped:], words)
        for skipped in range(1, min(WRAPPERS + 1, len(command)))
        if "/" in command[skipped]
    )


def _is_called(command: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return (
        len(command) == len(words) > 0
        and PurePath(command[0]).name == PurePath(words[0]).name
        and all(
            "$" in word or word == live for live, word in zip(command[1:], words[1:], strict=True)
        )
    )
