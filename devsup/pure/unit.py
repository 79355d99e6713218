"""One service of a run: its life, what it was started on, and the effects of what happens to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from devsup.pure import effects as do
from devsup.pure import lifecycle
from devsup.pure import notices as tell
from devsup.pure.effects import Effect
from devsup.pure.lifecycle import AT_REST, Event, Life, State, Want
from devsup.pure.programs import ListenReady, Ready, SettleReady
from devsup.pure.stack import Spec

SETTLE_TIME = 0.5
"""Seconds that a leader must live to count as ready when nothing better is known of it."""
SETTLE_PATIENCE = 2 * SETTLE_TIME
"""Seconds at least until one that only has to live for so long counts as late."""
BACKOFF_FIRST = 0.5
BACKOFF_LIMIT = 30.0
"""Seconds before the first restart of a service that ended, doubled each time, and the most."""

MOVING = frozenset({State.STARTING, State.STOPPING, State.KILLING})
"""States that a service leaves by itself or by a timer."""

RUNNING = frozenset({State.STARTING, State.UP})
"""States in which the leader is meant to live."""

Effects = tuple[Effect, ...]


@dataclass(slots=True)
class Unit:
    """One service: its life, and what it was last started from.

    `spec` is how it is declared now, `started_as` how it was when it was last started, with what a
    live process can take over. Times are monotonic seconds: `since` is when it entered its state,
    `started` when it was last started, `ending` when it last left off running and `gone` when
    nothing of it was alive after that. `backoff` are the seconds before its last restart after an
    exit that nobody asked for (0 once that is made good by a long life or by a start on demand),
    `how` says by what it was last found ready, `late_epoch` in which epoch it was last found late.
    """

    spec: Spec
    life: Life = field(default_factory=Life)
    started_as: Spec = field(init=False)
    generation: int = 0
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    starts: int = 0
    backoff: float = 0.0
    how: str = ""
    late_epoch: int | None = None
    since: float = 0.0
    started: float = 0.0
    ending: float = 0.0
    gone: float = 0.0

    def __post_init__(self) -> None:
        self.started_as = self.spec

    # ---- how it is

    @property
    def outdated(self) -> bool:
        """Whether it would be started in another way now.

        One that is not ready yet may have said what it is asked for now before anybody listened.
        """
        asked = self.life.state is State.STARTING and self.spec.ready != self.started_as.ready
        return asked or not self.spec.starts_like(self.started_as)

    @property
    def finished(self) -> bool:
        """Down because it ended well by itself, as a migration does."""
        return self.life.state is State.DOWN and self.life.want is Want.UP

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
        """Neither up nor at rest nor stuck nor late: something is awaited."""
        return self.life.state in MOVING and not self.late

    @property
    def late(self) -> bool:
        """Starting for so long that nobody should wait for it."""
        return self.life.state is State.STARTING and self.late_epoch == self.life.epoch

    @property
    def asked(self) -> Ready:
        """What tells that it is ready."""
        ready = self.started_as.ready
        if ready != ListenReady(self.started_as.port):
            return ready
        return ListenReady(self.port or None)

    @property
    def port(self) -> int:
        """The PORT that it was given: a file's overrules the Procfile's; 0 for what is none."""
        given = self.settings.get("PORT", "")
        if not given:
            return self.started_as.port
        return int(given) if given.isdecimal() and len(given) <= len("65535") else 0

    # ---- what happens to it

    def declare(self, spec: Spec) -> None:
        """It is declared like this from now on.

        What runs is stopped as its own program needs it, and a stop that has begun ends as it
        began.
        """
        self.spec = spec
        if not self.starts or (self.running and not self.outdated):
            self.started_as = spec

    def start(self, generation: int, settings: Mapping[str, str], now: float) -> Effects:
        """Start it, which is at rest, on these settings."""
        self.started_as = self.spec
        self.generation, self.settings, self.started = generation, settings, now
        self.starts += 1
        return self.advance(Event.START, now)

    def became_ready(self, how: str, now: float) -> Effects:
        """Its probe says so."""
        self.how = how
        return self.advance(Event.READY, now)

    def timer_fired(self, now: float) -> Effects:
        """The wait of its state is over."""
        if self.life.state is not State.STARTING:
            return self.advance(Event.TIMER, now)
        self.late_epoch = self.life.epoch
        spec = self.started_as
        return (do.Say(tell.Late(spec.name, self.asked, spec.ready_timeout)),)

    def leader_exited(self, code: int, now: float) -> Effects:
        """Its leader is gone; what it leaves behind is ended next."""
        self.life = replace(self.life, exit_code=code)
        if self.life.state is State.UP and now - self.since > BACKOFF_LIMIT:
            self.backoff = 0.0
        return self._remark() + self.advance(Event.LEADER_EXITED, now)

    def emptied(self, now: float) -> Effects:
        """Nothing of it is alive."""
        remark = self._remark() if self.life.exit_code is None else ()
        return remark + self.advance(Event.EMPTY, now)

    def back_off(self) -> Effects:
        """Have the next restart wait, twice as long as the last."""
        self.backoff = min(2 * self.backoff or BACKOFF_FIRST, BACKOFF_LIMIT)
        return (do.Arm(self.spec.name, self.life.epoch, self.backoff),)

    def advance(self, event: Event, now: float) -> Effects:
        """Go on in its life."""
        before = self.life.state
        self.life, actions = lifecycle.advance(self.life, event, self.started_as.steps)
        if self.life.state is not before:
            self._moved(before, now)
        return tuple(effect for action in actions for effect in self._effects(action))

    def _moved(self, before: State, now: float) -> None:
        """It is in another state now."""
        self.since = now
        if before in RUNNING and not self.running:
            self.ending = now
        if before not in AT_REST and self.life.at_rest:
            self.gone = now

    def _remark(self) -> Effects:
        """Tell of an exit that nobody asked for."""
        if self.life.want is Want.DOWN:
            return ()
        return (do.Say(tell.Exited(self.spec.name, self.life.exit_code, self.generation)),)

    def _effects(self, action: lifecycle.Action) -> Iterator[Effect]:
        name, epoch = self.spec.name, self.life.epoch
        match action:
            case lifecycle.Spawn():
                yield do.Spawn(name, self.generation, self.settings)
                yield from self._ask_whether_ready()
            case lifecycle.Signal(number, to):
                yield do.Signal(name, number, to)
                if self.life.step > 1 and self.life.exit_code is None:
                    yield do.Say(tell.Signalled(name, number))
            case lifecycle.Arm(delay):
                yield do.Arm(name, epoch, delay)
            case lifecycle.Kill():
                yield do.Kill(name)
                yield do.Say(tell.Killed(name))
            case lifecycle.Stuck():
                yield do.Say(tell.Stuck(name))

    def _ask_whether_ready(self) -> Iterator[Effect]:
        name, epoch, patience = self.spec.name, self.life.epoch, self.spec.ready_timeout
        if isinstance(self.asked, SettleReady):
            patience = max(patience, SETTLE_PATIENCE)
        yield do.Probe(name, epoch, self.asked, patience)
        yield do.Arm(name, epoch, patience)
