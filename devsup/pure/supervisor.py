"""What `devsup up` decides: an event and `now` in, effects out.

Pure: no clock, no I/O. It owns the generation of the settings, draining, starting, verifying and
quitting; what happens to a single service is `unit`'s. One rule above all: nothing is started
before everything that has to end is gone by the kernel's word, and what is started then gets the
newest settings.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from devsup.pure import effects as do
from devsup.pure import events as on
from devsup.pure import notices as tell
from devsup.pure.change import Change
from devsup.pure.config import OnExit
from devsup.pure.effects import Effect
from devsup.pure.envfile import diff
from devsup.pure.errors import FAILED, Problem
from devsup.pure.lifecycle import Event, State, Want
from devsup.pure.notices import Cause, Next, Notice
from devsup.pure.order import alive, awaited, listed, to_stop
from devsup.pure.stack import Spec
from devsup.pure.unit import Unit

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
    started then (as soon as the ones they come after are ready), `blocked` those of them that wait
    in vain, `held` those that were asked down.
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
        self.stale: tuple[int, ...] = ()
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
        return self.phase is Phase.STEADY and not self.strays and not self.stale

    def is_current(self, service: str | None, generation: int | None) -> bool:
        """Whether a live process below a service's guardian is on the settings that concern it.

        Two witnesses: the mark in its environment, and lineage, since what lives below a guardian
        was started after it. Where the mark was written over (None), lineage decides.
        """
        unit = self.units.get(service or "")
        if unit is None or generation not in {None, unit.generation}:
            return False
        return self.fresh(unit.spec.name)

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
                self.change = Change(
                    Cause.LAUNCH, now, self.settings, drained=now, names=everything
                )
                self.pending |= everything
            case on.Edited(settings, file):
                self._edited(settings, file, now)
            case on.Broke(problems):
                self._broke(problems)
            case on.RestartAsked() | on.StartAsked() | on.StopAsked():
                self._asked(event, now)
            case on.BecameReady() | on.TimerFired() | on.LeaderExited() | on.Emptied():
                self._lived(self.units[event.name], event, now)
            case on.Counted():
                self._counted(event, now)
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
        self.draining |= alive(self.units, names)
        self.pending |= names
        self.blocked -= names
        self.change.names |= names
        self.phase = Phase.DRAINING
        restarted = listed(self.units, self.change.names - self.held)
        self._say(self.change.restarting(restarted, self.settings, self.generation))

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
        self.draining |= alive(self.units, names)
        self.change.names |= names
        self.phase = Phase.DRAINING
        for name in names - self.draining:
            self._do(self.units[name].advance(Event.STOP, now))

    # ---- lives

    def _lived(self, unit: Unit, event: on.Life, now: float) -> None:
        epoch = unit.life.epoch
        match event:
            case on.BecameReady() if event.epoch == epoch:
                self._do(unit.became_ready(event.how, now))
            case on.TimerFired() if event.epoch == epoch and unit.life.at_rest:
                self._again(unit.spec.name, now)
            case on.TimerFired() if event.epoch == epoch:
                self._do(unit.timer_fired(now))
            case on.LeaderExited(_, code):
                self._do(unit.leader_exited(code, now))
            case on.Emptied():
                unasked = unit.life.want is Want.UP
                self._do(unit.emptied(now))
                if unasked:
                    self._follow(unit, now)

    def _again(self, name: str, now: float) -> None:
        """The back-off of a service that ended is over."""
        if self.phase is not Phase.QUITTING and name not in self.held:
            self._begin(Cause.EXIT, now)
            self.change.names.add(name)
            self.pending.add(name)

    def _follow(self, unit: Unit, now: float) -> None:
        """A service ended and nobody had asked: what now."""
        name = unit.spec.name
        if self.phase is Phase.QUITTING or name in self.pending:
            return
        if name in self.held:
            self._do(unit.advance(Event.STOP, now))  # it went before its turn to be stopped
            return
        match self.on_exit:
            case OnExit.WAIT:
                self._say(tell.Following(name, Next.WAIT))
            case OnExit.RESTART:
                self._do(unit.back_off())
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
            self.change.started = now
            self._count()

    def _drain(self, now: float) -> None:
        """Stop what must go, and whose turn it is."""
        self.draining = alive(self.units, self.draining)
        for unit in to_stop(self.units, self.draining):
            self._do(unit.advance(Event.STOP, now))

    def _start(self, now: float) -> None:
        """Start what is pending and whose predecessors are ready."""
        for name in listed(self.units, self.pending):
            before = awaited(self.units, name, self.pending, self.held)
            if before:
                self._tell_blocked(name, before[0])
                continue
            self.pending.remove(name)
            self.blocked.discard(name)
            self.phase = Phase.STARTING
            self._do(self.units[name].start(self.generation, self.settings, now))

    def _tell_blocked(self, name: str, other: str) -> None:
        started = other in self.pending and other not in self.blocked
        if name not in self.blocked and not started and not self.units[other].moving:
            self.blocked.add(name)
            self._say(tell.Blocked(name, other))

    def _count(self, sweep: tuple[int, ...] = ()) -> None:
        """Have every live process looked at; answers to older questions no longer count."""
        self.phase = Phase.VERIFYING
        self.round += 1
        self._do((do.Count(self.round, sweep),))

    def _counted(self, count: on.Counted, now: float) -> None:
        if self.phase is not Phase.VERIFYING or count.round != self.round:
            return
        if count.strays and self.sweeps < SWEEPS:
            self.sweeps += 1
            self._say(tell.Swept(count.strays))
            self._count(count.strays)
            return
        self.strays, self.stale = count.strays, count.stale
        self.phase = Phase.STEADY
        if self.verified:
            self._say(self._steady(count.processes, now))
        else:
            self._say(tell.Unverified(count.strays, count.stale, self.generation))

    def _steady(self, processes: int, now: float) -> Notice:
        units = [self.units[name] for name in listed(self.units, self.change.names)]
        return self.change.steady(units, self.settings, self.generation, processes, now)

    def _quit(self, exit_code: int, now: float) -> None:
        left = alive(self.units, self.units)
        if self.phase is Phase.QUITTING:
            for name in listed(self.units, left):
                self._do(self.units[name].advance(Event.KILL, now))
            return
        self.phase = Phase.QUITTING
        self.exit_code = exit_code
        self.pending.clear()
        self.draining = left
        self._say(tell.Quitting(listed(self.units, left)))

    def _leave(self) -> None:
        left = [self.units[name].life.state for name in self.draining]
        if all(state is State.STUCK for state in left):
            self._do((do.Exit(FAILED if left else self.exit_code),))

    def _do(self, effects: Sequence[Effect]) -> None:
        self._effects.extend(effects)

    def _say(self, notice: Notice) -> None:
        self._do((do.Say(notice),))
