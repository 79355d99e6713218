"""What brought a run out of its last steady phase, and what is to be told of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from devsup.pure.envfile import diff
from devsup.pure.notices import Cause, Restarting, Steady
from devsup.pure.unit import Unit


@dataclass(slots=True)
class Change:
    """One or several edits, exits or requests, until the run is steady again.

    Times are monotonic seconds: it `began`, everything old was gone (`drained`), everything new was
    ready (`started`); `before` are the settings of the last steady phase, so that the
    report of several edits in a row names what is different in the end. `names` are the services
    that it concerns.
    """

    cause: Cause
    began: float
    before: Mapping[str, str] = field(repr=False)
    file: str = ""
    drained: float = 0.0
    started: float = 0.0
    names: set[str] = field(default_factory=set)

    def restarting(
        self, names: tuple[str, ...], settings: Mapping[str, str], generation: int
    ) -> Restarting:
        """These services are about to be stopped and started."""
        changed = str(diff(self.before, settings))
        return Restarting(self.cause, self.file, changed, names, generation)

    def steady(
        self,
        units: Sequence[Unit],
        settings: Mapping[str, str],
        generation: int,
        processes: int,
        now: float,
    ) -> Steady:
        """It is over, and every process was counted."""
        return Steady(
            cause=self.cause,
            file=self.file,
            diff=str(diff(self.before, settings)),
            services=tuple((unit.spec.name, unit.life.state, unit.how) for unit in units),
            generation=generation,
            stop=self.drained - self.began,
            start=self.started - self.drained,
            verify=now - self.started,
            processes=processes,
        )
