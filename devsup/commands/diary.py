"""Writes down what a later devsup needs to find what is left of a run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from devsup.edges import processes
from devsup.edges.rundir import RunDirectory
from devsup.pure.errors import DevsupError
from devsup.pure.record import Daemon, Record, Session


class Diary:
    """The record of the present run, kept up to date; written before anything is started.

    `ports` tells those of all services at the moment. A disk that is full must not end a run:
    `lost` hears once why the record could not be written.
    """

    def __init__(
        self,
        directory: RunDirectory,
        run: str,
        root: str,
        ports: Callable[[], Iterable[int]],
        lost: Callable[[str], None],
    ) -> None:
        self.directory = directory
        self.lost: Callable[[str], None] | None = lost
        self.ports = ports
        self.page = Record(run, root, processes.boot(), processes.own(), (), (*ports(),))
        try:
            directory.write(self.page)
        except OSError as error:
            raise DevsupError(
                f"{directory.record} cannot be written: {error.strerror}",
                hint="nothing was started: without it a later devsup could not find what is left",
            ) from None

    def record(self, leaders: Mapping[str, int]) -> None:
        """These leaders live, each in a session that has its pid as its number."""
        known = {each.leader.pid: each for each in self.page.sessions}
        sessions = [known.get(pid) or session(name, pid) for name, pid in leaders.items()]
        alive = tuple(filter(None, sessions))
        self._write(replace(self.page, sessions=alive, ports=(*self.ports(),)))

    def witness(self, daemons: Iterable[Daemon]) -> None:
        """These live outside of the sessions of their leaders; nobody else was seen there."""
        page = replace(self.page, daemons=(*daemons,))
        if page != self.page:
            self._write(page)

    def _write(self, page: Record) -> None:
        self.page = page
        try:
            self.directory.write(self.page)
        except OSError as error:
            self._lose(str(error.strerror))
        except DevsupError as error:  # somebody has made its directory anew, or opened it
            self._lose(error.message)

    def _lose(self, reason: str) -> None:
        if self.lost:
            self.lost(reason)
            self.lost = None


def session(service: str, pid: int) -> Session | None:
    """The session of a leader; None when it is dead already."""
    who = processes.identity(pid)
    return Session(service, who) if who else None
