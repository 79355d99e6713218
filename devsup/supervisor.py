"""What `devsup up` decides: an event and `now` in, effects out.

Pure: no clock, no I/O. It owns the generation of the settings, draining, starting, verifying and
quitting; each service's own life is `lifecycle`'s. One rule above all: nothing is started before
everything that has to end is gone by the kernel's word, and what is started then gets the newest
settings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum

from devsup import effects as do
from devsup import events as on
from devsup import lifecycle
from devsup import notices as tell
from devsup.config import OnExit
from devsup.effects import Effect
from devsup.envfile import diff
from devsup.errors import FAILED, Problem
from devsup.lifecycle import State, Want
from devsup.notices import Cause, Next, Notice
from devsup.programs import SettleReady
from devsup.stack import Spec
from devsup.unit import Change, Unit

SETTLE_TIME = 0.5
"""Seconds that a service must live to count as ready when nothing better is known of it."""
BACKOFF_FIRST = 0.5
BACKOFF_LIMIT = 30.0
"""Seconds before the first restart of a service that ended, doubled each time, and the most."""
SWEEPS = 5
"""How often strays are swept before the run counts as not verified."""


class Phase(Enum):
    """What the whole run is doing; the value is the word that people and scripts see."""

    STARTING = "starting"
    VERIFYING = "verifying"
    STEADY = "steady"
    DRAINING = "draining"
    QUITTING = "quitting"


class Supervisor:
    """The state of a run, and what to do next.

    `draining` are the services that must be gone before anything is started, `pending` those to be
    started then (as soon as the ones they come after are ready), `held` those that were asked down.
    """

    def __init__(
        self,
        specs: Sequence[Spec],
        settings: Mapping[str, str],
        on_exit: OnExit = OnExit.WAIT,
    ) -> None:
        self.units = {spec.name: Unit(spec) for spec in specs}
        self.settings = settings
        self.on_exit = on_exit
        self.phase = Phase.STARTING
        self.generation = 1
        self.problems: tuple[Problem, ...] = ()
        self.strays: tuple[int, ...] = ()
        self.draining: set[str] = set()
        self.pending: set[str] = set()
        self.held: set[str] = set()
        self.blocked: set[str] = set()
        self.round = 0
        self.sweeps = 0
        self.exit_code = 0
        self.change = Change(Cause.LAUNCH, 0.0, settings)
        self._effects: list[Effect] = []

    @property
    def verified(self) -> bool:
        """Whether the last census found every live process on the settings that concern it."""
        return self.phase is Phase.STEADY and not self.strays

    def fresh(self, name: str) -> bool:
        """Whether a service was started on what the files say, as far as that concerns it."""
        unit = self.units[name]
        return not unit.spec.concerned_by(diff(unit.settings, self.settings).keys)

    def handle(self, event: on.Event, now: float) -> tuple[Effect, ...]:
        """Take one event in; `now` is a monotonic time in seconds."""
        self._effects = []
        self._take(event, now)
        self._proceed(now)
        return tuple(self._effects)

    def _take(self, event: on.Event, now: float) -> None:
        match event:
            case on.Launched():
                everything = set(self.units)
                self.change = Change(Cause.LAUNCH, now, self.settings, "", now, everything)
                self.pending |= everything
            case on.Edited(settings, file):
                self._edited(settings, file, now)
            case on.Broke(problems):
                self._broke(problems)
            case on.RestartAsked() | on.StartAsked() | on.StopAsked():
                self._asked(event, now)
            case on.BecameReady() | on.TimerFired() | on.LeaderExited() | on.Emptied():
                self._lived(self.units[event.name], event, now)
            case on.Counted(round_, processes, strays):
                self._counted(round_, processes, strays, now)
            case on.Quit(exit_code):
                self._quit(exit_code, now)

    # ---- settings

    def _edited(self, settings: Mapping[str, str], file: str, now: float) -> None:
        if self.phase is Phase.QUITTING:
            return
        repaired, self.problems = bool(self.problems), ()
        changed = diff(self.settings, settings)
        if not changed:
            if repaired:
                self._say(tell.Repaired(self.generation))
            return
        self._begin(Cause.EDIT, now, file)
        self.generation += 1
        self.settings = settings
        # Who waits to be started belongs to it, even if it ran on just these settings (a revert).
        names = self._concerned() | self.pending
        if names:
            self._replace(names)
        else:
            self._say(tell.NotConcerned(file, str(changed), self.generation))

    def _concerned(self) -> set[str]:
        """Services that were started on other settings, or that wait for an edit."""
        return {
            name
            for name, unit in self.units.items()
            if name not in self.held and (unit.failed or not self.fresh(name))
        }

    def _broke(self, problems: tuple[Problem, ...]) -> None:
        if problems != self.problems:
            self.problems = problems
            self._say(tell.Broken(problems, self.generation))

    # ---- changes

    def _begin(self, cause: Cause, now: float, file: str = "") -> None:
        """A change begins, or joins the one that is under way."""
        if self.phase is Phase.STEADY:
            self.change = Change(cause, now, self.settings, file, drained=now)
        elif cause is Cause.EDIT:
            self.change.cause, self.change.file = cause, file

    def _replace(self, names: set[str]) -> None:
        """Drain what runs of these, and start them all on the newest settings."""
        for name in names:
            self.units[name].backoff = 0.0
        self.draining |= self._alive(names)
        self.pending |= names
        self.blocked -= names
        self.change.names |= names
        self.phase = Phase.DRAINING
        changed = str(diff(self.change.before, self.settings))
        restarted = self._in_order(self.change.names - self.held)
        cause, file = self.change.cause, self.change.file
        self._say(tell.Restarting(cause, file, changed, restarted, self.generation))

    def _asked(self, event: on.Asked, now: float) -> None:
        if self.phase is Phase.QUITTING:
            return
        names = set(event.names)
        match event:
            case on.StopAsked():
                self._hold(names, now)
            case on.StartAsked():
                self._renew({name for name in names if not self._stays(name)}, now)
            case on.RestartAsked():
                self._renew(names, now)

    def _stays(self, name: str) -> bool:
        """Whether it runs, and is not going to be stopped (which may wait for its dependants)."""
        return self.units[name].running and name not in self.draining

    def _renew(self, names: set[str], now: float) -> None:
        if names:
            self.held -= names
            self._begin(Cause.ASKED, now)
            self._replace(names)

    def _hold(self, names: set[str], now: float) -> None:
        self._begin(Cause.ASKED, now)
        self.held |= names
        self.pending -= names
        self.draining |= self._alive(names)
        self.change.names |= names
        self.phase = Phase.DRAINING
        for name in names - self.draining:
            self._advance(self.units[name], lifecycle.Event.STOP, now)

    # ---- lives

    def _lived(self, unit: Unit, event: on.Life, now: float) -> None:
        match event:
            case on.BecameReady(_, epoch, how):
                self._settled(unit, epoch, how, now)
            case on.TimerFired(_, epoch):
                if epoch == unit.life.epoch:
                    self._timer_fired(unit, now)
            case on.LeaderExited(_, code):
                self._leader_exited(unit, code, now)
            case on.Emptied():
                self._emptied(unit, now)

    def _advance(self, unit: Unit, event: lifecycle.Event, now: float) -> None:
        before = unit.life.state
        unit.life, actions = lifecycle.advance(unit.life, event, unit.spec.steps)
        if unit.life.state is not before:
            unit.since = now
            unit.started = now if unit.life.state is State.STARTING else unit.started
        for action in actions:
            self._act(unit, action)

    def _act(self, unit: Unit, action: lifecycle.Action) -> None:
        name, epoch = unit.spec.name, unit.life.epoch
        match action:
            case lifecycle.Spawn():
                self._spawn(unit)
            case lifecycle.Signal(number, to):
                self._effects.append(do.Signal(name, number, to))
                if unit.life.step > 1 and unit.life.exit_code is None:
                    self._say(tell.Signalled(name, number))
            case lifecycle.Arm(delay):
                self._effects.append(do.Arm(name, epoch, delay))
            case lifecycle.Kill():
                self._effects.append(do.Kill(name))
                self._say(tell.Killed(name))
            case lifecycle.Stuck():
                self._say(tell.Stuck(name))

    def _spawn(self, unit: Unit) -> None:
        name, epoch, ready = unit.spec.name, unit.life.epoch, unit.spec.ready
        unit.generation, unit.settings = self.generation, self.settings
        unit.starts += 1
        self._effects.append(do.Spawn(name, self.generation, self.settings))
        if isinstance(ready, SettleReady):
            self._effects.append(do.Arm(name, epoch, SETTLE_TIME))
        else:
            self._effects.append(do.Probe(name, epoch, ready))

    def _settled(self, unit: Unit, epoch: int, how: str, now: float) -> None:
        if epoch == unit.life.epoch:
            unit.how = how
            self._advance(unit, lifecycle.Event.READY, now)

    def _timer_fired(self, unit: Unit, now: float) -> None:
        if unit.life.at_rest:
            self._again(unit.spec.name, now)
        elif unit.life.state is State.STARTING:
            self._settled(unit, unit.life.epoch, "settled", now)
        else:
            self._advance(unit, lifecycle.Event.TIMER, now)

    def _again(self, name: str, now: float) -> None:
        """The back-off of a service that ended is over."""
        if self.phase is not Phase.QUITTING and name not in self.held:
            self._begin(Cause.EXIT, now)
            self.change.names.add(name)
            self.pending.add(name)

    def _leader_exited(self, unit: Unit, code: int, now: float) -> None:
        unit.life = replace(unit.life, exit_code=code)
        if unit.life.want is Want.UP:
            self._say(tell.Exited(unit.spec.name, code, unit.generation))
        if unit.life.state is State.UP and now - unit.since > BACKOFF_LIMIT:
            unit.backoff = 0.0
        self._advance(unit, lifecycle.Event.LEADER_EXITED, now)

    def _emptied(self, unit: Unit, now: float) -> None:
        unasked = unit.life.want is Want.UP
        if unasked and unit.life.exit_code is None:
            self._say(tell.Exited(unit.spec.name, None, unit.generation))
        self._advance(unit, lifecycle.Event.EMPTY, now)
        if unasked:
            self._follow(unit, now)

    def _follow(self, unit: Unit, now: float) -> None:
        """A service ended and nobody had asked: what now."""
        name = unit.spec.name
        if self.phase is Phase.QUITTING or name in self.pending:
            return
        if name in self.held:
            self._advance(unit, lifecycle.Event.STOP, now)  # it went before its turn to be stopped
            return
        match self.on_exit:
            case OnExit.WAIT:
                self._say(tell.Following(name, Next.WAIT))
            case OnExit.RESTART:
                unit.backoff = min(2 * unit.backoff or BACKOFF_FIRST, BACKOFF_LIMIT)
                self._effects.append(do.Arm(name, unit.life.epoch, unit.backoff))
                self._say(tell.Following(name, Next.RESTART, unit.backoff))
            case OnExit.STOP:
                self._say(tell.Following(name, Next.STOP))
                self._quit(0 if unit.finished else FAILED, now)

    # ---- phases

    def _proceed(self, now: float) -> None:
        """Go as far as the state allows."""
        if self.phase in (Phase.DRAINING, Phase.QUITTING):
            self._drain(now)
        if self.phase is Phase.QUITTING:
            self._leave()
            return
        if self.phase is Phase.DRAINING and not self.draining:
            self.change.drained = now
            self.phase = Phase.STARTING
        if self.phase is not Phase.DRAINING:
            self._start(now)
        if self.phase is Phase.STARTING and not any(unit.moving for unit in self.units.values()):
            self.sweeps = 0
            self._count()

    def _drain(self, now: float) -> None:
        """Stop what must go, dependants first: a worker needs its broker to finish a task."""
        self.draining = self._alive(self.draining)
        needed = {
            name
            for dependant in self.draining
            if self.units[dependant].life.state is not State.STUCK
            for name in self.units[dependant].spec.after
        }
        for name in self._in_order(self.draining - needed):
            if self.units[name].life.want is Want.UP:
                self._advance(self.units[name], lifecycle.Event.STOP, now)

    def _start(self, now: float) -> None:
        """Start what is pending and whose predecessors are ready."""
        for name in self._in_order(self.pending):
            waits_for = [other for other in self.units[name].spec.after if self._awaits(other)]
            if waits_for:
                self._tell_blocked(name, waits_for[0])
                continue
            self.pending.remove(name)
            self.blocked.discard(name)
            self.phase = Phase.STARTING
            self._advance(self.units[name], lifecycle.Event.START, now)

    def _awaits(self, name: str) -> bool:
        """Whether a service that comes after this one has to wait (not for one that was held)."""
        unit = self.units[name]
        ready = unit.life.state is State.UP or unit.finished or name in self.held
        return name in self.pending or not ready

    def _tell_blocked(self, name: str, other: str) -> None:
        hopeless = other not in self.pending and not self.units[other].moving
        if hopeless and name not in self.blocked:
            self.blocked.add(name)
            self._say(tell.Blocked(name, other))

    def _count(self, sweep: tuple[int, ...] = ()) -> None:
        """Have every live process looked at; answers to older questions no longer count."""
        self.phase = Phase.VERIFYING
        self.round += 1
        self._effects.append(do.Count(self.round, sweep))

    def _counted(self, round_: int, processes: int, strays: tuple[int, ...], now: float) -> None:
        if self.phase is not Phase.VERIFYING or round_ != self.round:
            return
        if strays and self.sweeps < SWEEPS:
            self.sweeps += 1
            self._say(tell.Swept(strays))
            self._count(strays)
            return
        self.strays = strays
        self.phase = Phase.STEADY
        self._say(tell.Unverified(strays) if strays else self._steady(processes, now))

    def _steady(self, processes: int, now: float) -> Notice:
        change = self.change
        names = change.names or set(self.units)
        return tell.Steady(
            cause=change.cause,
            file=change.file,
            diff=str(diff(change.before, self.settings)),
            services=tuple(
                (name, self.units[name].life.state, self.units[name].how)
                for name in self._in_order(names)
            ),
            generation=self.generation,
            stop=change.drained - change.began,
            start=now - change.drained,
            processes=processes,
        )

    def _quit(self, exit_code: int, now: float) -> None:
        alive = self._alive(self.units)
        if self.phase is Phase.QUITTING:
            for name in self._in_order(alive):
                self._advance(self.units[name], lifecycle.Event.KILL, now)
            return
        self.phase = Phase.QUITTING
        self.exit_code = exit_code
        self.pending.clear()
        self.draining = alive
        self._say(tell.Quitting(self._in_order(alive)))

    def _leave(self) -> None:
        left = [self.units[name].life.state for name in self.draining]
        if all(state is State.STUCK for state in left):
            self._effects.append(do.Exit(FAILED if left else self.exit_code))

    # ---- words

    def _alive(self, names: Iterable[str]) -> set[str]:
        return {name for name in names if not self.units[name].life.at_rest}

    def _in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        """As in the Procfile."""
        chosen = set(names)
        return tuple(name for name in self.units if name in chosen)

    def _say(self, notice: Notice) -> None:
        self._effects.append(do.Say(notice))
