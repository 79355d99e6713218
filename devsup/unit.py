"""What the supervisor knows of one service, and of the change that is under way."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from devsup.lifecycle import Life, State, Want
from devsup.notices import Cause
from devsup.stack import Spec

MOVING = frozenset({State.STARTING, State.STOPPING, State.KILLING})
"""States that a service leaves by itself or by a timer: something is awaited."""

RUNNING = frozenset({State.STARTING, State.UP})
"""States in which the leader is meant to live."""


@dataclass(slots=True)
class Unit:
    """One service: its life, and the settings that it was last started on.

    `since` is when it entered its state (monotonic seconds), `backoff` the seconds before its last
    restart after an exit that nobody asked for (0 once that is made good by a long life or by a
    start on demand), `how` says by what it was last found ready, `started` when that
    last start was.
    """

    spec: Spec
    life: Life = field(default_factory=Life)
    generation: int = 0
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    starts: int = 0
    backoff: float = 0.0
    how: str = ""
    since: float = 0.0
    started: float = 0.0

    @property
    def finished(self) -> bool:
        """Down because it ended well by itself, as a migration does."""
        return self.life.state is State.DOWN and self.life.exit_code == 0

    @property
    def running(self) -> bool:
        """Starting or up."""
        return self.life.state in RUNNING

    @property
    def failed(self) -> bool:
        """Crashed, or about to: its leader is gone unasked, and what it left is being ended."""
        return self.life.want is Want.UP and not self.running and self.life.exit_code != 0

    @property
    def moving(self) -> bool:
        """Neither up nor at rest nor stuck."""
        return self.life.state in MOVING


@dataclass(slots=True)
class Change:
    """What brought the run out of its last steady phase.

    Times are monotonic seconds; `before` are the settings of that steady phase, so that the report
    of several edits in a row names what is different in the end.
    """

    cause: Cause
    began: float
    before: Mapping[str, str] = field(repr=False)
    file: str = ""
    drained: float = 0.0
    names: set[str] = field(default_factory=set)
