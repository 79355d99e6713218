"""What brought a run out of its last steady phase, and what is to be told of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from devsup.pure.declaration import Declaration
from devsup.pure.notices import Cause, Restarting, Steady
from devsup.pure.unit import Unit


@dataclass(slots=True)
class Change:
    """One or several edits, exits or requests, until the run is steady again.

    Times are monotonic seconds: it `began`, everything old was gone (`drained`), everything new was
    ready (`started`); `before` is what the files said in the last steady phase, so that the report
    of several edits in a row names what is different in the end. `names` are the services that it
    concerns, `idle` those of them that were down before, `files` those that were edited, `sources`
    the watched files that changed meanwhile.
    """

    cause: Cause
    began: float
    before: Declaration
    files: tuple[str, ...] = ()
    drained: float = 0.0
    started: float = 0.0
    names: set[str] = field(default_factory=set)
    idle: set[str] = field(default_factory=set)
    sources: dict[str, None] = field(default_factory=dict)

    def edited(self, files: tuple[str, ...]) -> None:
        """An edit joins what is under way."""
        self.cause = Cause.EDIT
        self.files = tuple(dict.fromkeys((*self.files, *files)))

    def restarting(
        self,
        names: tuple[str, ...],
        removed: tuple[str, ...],
        declared: Declaration,
        generation: int,
    ) -> Restarting:
        """These services are about to be stopped and started, those stopped and removed."""
        return Restarting(
            cause=self.cause,
            file=" ".join(self.files),
            diff=str(self.before.changes(declared)),
            names=tuple(name for name in names if name not in self.idle),
            generation=generation,
            sources=tuple(self.sources),
            removed=removed,
            idle=tuple(name for name in names if name in self.idle),
        )

    def steady(
        self,
        units: Sequence[Unit],
        waiting: tuple[tuple[str, str], ...],
        declared: Declaration,
        generation: int,
        processes: int,
        now: float,
    ) -> Steady:
        """It is over, and every process was counted."""
        return Steady(
            cause=self.cause,
            file=" ".join(self.files),
            diff=str(self.before.changes(declared)),
            services=tuple((unit.spec.name, unit.life.state, unit.how) for unit in units),
            generation=generation,
            stop=self.drained - self.began,
            start=self.started - self.drained,
            verify=now - self.started,
            processes=processes,
            sources=tuple(self.sources),
            waiting=waiting,
        )
