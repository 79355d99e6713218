"""What `devsup up` decides: an event and `now` in, effects out.

Pure: no clock, no I/O. It owns the generation of the settings, draining, starting, verifying and
quitting; what happens to a single service is `unit`'s. One rule above all: nothing is started
before everything that has to end is gone by the kernel's word, and what is started then gets the
newest settings.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

from devsup.pure import effects as do
from devsup.pure import events as on
from devsup.pure import notices as tell
from devsup.pure.change import Change
from devsup.pure.declaration import Changes, Declaration
from devsup.pure.effects import Effect
from devsup.pure.errors import FAILED, Problem
from devsup.pure.lifecycle import Event, State, Want
from devsup.pure.notices import Cause, Next, Notice
from devsup.pure.options import OnExit
from devsup.pure.roster import Roster
from devsup.pure.unit import Unit
from devsup.pure.verification import Verification


class Phase(Enum):
    """What the whole run is doing; the value is the word that people and scripts see."""

    STARTING = "starting"
    VERIFYING = "verifying"
    STEADY = "steady"
    DRAINING = "draining"
    QUITTING = "quitting"


class Supervisor:
    """The state of a run, and what to do next."""

    def __init__(self, declared: Declaration) -> None:
        self.roster = Roster(declared.specs)
        self.declared = declared
        self.phase = Phase.STARTING
        self.generation = 1
        self.problems: tuple[Problem, ...] = ()
        self.verification = Verification()
        self.exit_code = 0
        self.asker = on.Asker.ELSEWHERE
        self.change = Change(Cause.LAUNCH, 0.0, declared)
        self._effects: list[Effect] = []

    @property
    def units(self) -> Mapping[str, Unit]:
        """All services by name, as in the Procfile; behind them those that are being removed."""
        return self.roster.units

    @property
    def declared_units(self) -> Mapping[str, Unit]:
        """The services without those that are being removed."""
        return {spec.name: self.units[spec.name] for spec in self.declared.specs}

    @property
    def settings(self) -> Mapping[str, str]:
        """What the env files say."""
        return self.declared.settings

    @property
    def verified(self) -> bool:
        """Whether the last census found every live process on the settings that concern it."""
        return self.phase is Phase.STEADY and self.verification.is_clean

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
        return self.roster.fresh(name, self.settings)

    def handle(self, event: on.Event, now: float) -> tuple[Effect, ...]:
        """Take one event in; `now` is a monotonic time in seconds."""
        self._effects = []
        self._take(event, now)
        self._proceed(now)
        return tuple(self._effects)

    def _take(self, event: on.Event, now: float) -> None:
        match event:
            case on.Launched() if self.phase is not Phase.QUITTING:
                self.change = Change(
                    Cause.LAUNCH, now, self.declared, drained=now, names={*self.units}
                )
                self.roster.launch()
            case on.Edited():
                self._edited(event, now)
            case on.Broke():
                self._broke(event)
            case on.SourceChanged(names, files):
                self._source_changed({*names}, files, now)
            case on.RestartAsked() | on.StartAsked() | on.StopAsked():
                self._asked(event, now)
            case on.BecameReady() | on.TimerFired() | on.LeaderExited() | on.Emptied():
                # A timer or a probe may come after the service is removed and gone.
                if event.name in self.units:
                    self._lived(self.units[event.name], event, now)
            case on.Counted():
                self._counted(event, now)
            case on.Quit(exit_code, asker):
                self._quit(exit_code, asker, now)

    # ---- files

    def _edited(self, edit: on.Edited, now: float) -> None:
        if self.phase is Phase.QUITTING:
            return
        repaired, self.problems = bool(self.problems), ()
        changes = self.declared.changes(edit.declared)
        if changes:
            self._begin(Cause.EDIT, now, edit.files)
        elif repaired:
            self._say(tell.Repaired(self.generation))
        # Without a change, too: the same services may stand in another order.
        names = self._take_over(edit.declared, changes)
        if names or (changes and self.roster.removed):
            self._replace(names)
        elif changes:
            self._say(tell.NotConcerned(" ".join(edit.files), str(changes), self.generation))

    def _take_over(self, declared: Declaration, changes: Changes) -> set[str]:
        """This is what counts from now on; who is to be started because of it."""
        self.declared = declared
        self.generation += bool(changes.settings)
        self.roster.redeclare(declared.specs)
        if not changes:
            return set()
        # Who waits to be started belongs to it, even if it ran on just this (a revert).
        names = self.roster.concerned(declared.settings) | self.roster.pending
        restarts = changes.options and declared.on_exit is OnExit.RESTART
        return names | self.roster.finished if restarts else names

    def _broke(self, event: on.Broke) -> None:
        """Tell it once, and again when another file is edited: its edit has to wait."""
        waits = {*event.files} - {problem.file for problem in event.problems}
        if waits or event.problems != self.problems:
            self.problems = event.problems
            self._say(tell.Broken(event.problems, self.generation))

    def _source_changed(self, names: set[str], files: tuple[str, ...], now: float) -> None:
        """Restart who runs on older sources; who is still to be started will get the newest."""
        names = (names & self.roster.declared) - self.roster.held
        if self.phase is Phase.QUITTING or not names:
            return
        self._begin(Cause.SOURCE, now)
        self.change.sources |= dict.fromkeys(files)
        if names - self.roster.pending:
            self._replace(names - self.roster.pending)

    # ---- changes

    def _begin(self, cause: Cause, now: float, files: tuple[str, ...] = ()) -> None:
        """A change begins, or joins the one that is under way."""
        if self.phase is Phase.STEADY:
            self.change = Change(cause, now, self.declared, files, drained=now)
        elif cause is Cause.EDIT:
            self.change.edited(files)

    def _replace(self, names: set[str]) -> None:
        """Drain what runs of these, and start them all on the newest settings."""
        self.change.idle -= {name for name in names if not self.roster.is_down(name)}
        self.change.idle |= set(filter(self.roster.is_down, names - self.change.names))
        self.roster.replace(names)
        self.change.names |= names
        self.phase = Phase.DRAINING
        kept = self.roster.declared - self.roster.held
        restarted = self.roster.listed(self.change.names & kept)
        removed = self.roster.listed(self.roster.removed)
        self._say(self.change.restarting(restarted, removed, self.declared, self.generation))

    def _asked(self, event: on.Asked, now: float) -> None:
        if self.phase is Phase.QUITTING:
            return
        names = {*event.names} & self.roster.declared
        match event:
            case on.StopAsked():
                self._hold(names, now)
            case on.StartAsked():
                self._renew({name for name in names if not self.roster.stays(name)}, now)
            case on.RestartAsked():
                self._renew(names, now)

    def _renew(self, names: set[str], now: float) -> None:
        if names:
            self.roster.held -= names
            self._begin(Cause.ASKED, now)
            self._replace(names)

    def _hold(self, names: set[str], now: float) -> None:
        self._begin(Cause.ASKED, now)
        self.change.names |= names
        self.phase = Phase.DRAINING
        self._do(self.roster.hold(names, now))

    # ---- lives

    def _lived(self, unit: Unit, event: on.Life, now: float) -> None:
        epoch = unit.life.epoch
        match event:
            case on.BecameReady() if event.epoch == epoch:
                self._became_ready(unit, event.how, now)
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

    def _became_ready(self, unit: Unit, how: str, now: float) -> None:
        """One that was late is a change of its own, which is verified like any other."""
        if unit.late and self.phase is Phase.STEADY:
            self.change = Change(Cause.READY, unit.started, self.declared, drained=unit.started)
        if unit.late and self.phase in {Phase.STEADY, Phase.VERIFYING}:
            self.phase = Phase.STARTING
        self.change.names.add(unit.spec.name)
        self._do(unit.became_ready(how, now))

    def _again(self, name: str, now: float) -> None:
        """The back-off of a service that ended is over."""
        restarts = self.declared.on_exit is OnExit.RESTART and name not in self.roster.held
        if restarts and self.phase is not Phase.QUITTING:
            self._begin(Cause.EXIT, now)
            self.change.names.add(name)
            self.roster.pending.add(name)

    def _follow(self, unit: Unit, now: float) -> None:
        """A service ended and nobody had asked: what now."""
        name = unit.spec.name
        if self.phase is Phase.QUITTING or name in self.roster.pending | self.roster.removed:
            return
        if name in self.roster.held:
            self._do(unit.advance(Event.STOP, now))  # it went before its turn to be stopped
            return
        match self.declared.on_exit:
            case OnExit.WAIT:
                self._say(tell.Following(name, Next.WAIT))
            case OnExit.RESTART:
                self._do(unit.back_off())
                self._say(tell.Following(name, Next.RESTART, unit.backoff))
            case OnExit.STOP:
                self._say(tell.Following(name, Next.STOP))
                self._quit(0 if unit.finished else FAILED, on.Asker.ELSEWHERE, now)

    # ---- phases

    def _proceed(self, now: float) -> None:
        """Go as far as the state allows."""
        if self.phase in (Phase.DRAINING, Phase.QUITTING):
            self._do(self.roster.drain(now))
        if self.phase is Phase.QUITTING:
            self._leave()
            return
        if self.phase is Phase.DRAINING and not self.roster.draining:
            self.change.drained = now
            self.phase = Phase.STARTING
        if self.phase is not Phase.DRAINING:
            self._start(now)
        if self.phase is Phase.STARTING and not self.roster.moving:
            self.phase = Phase.VERIFYING
            self.change.started = now
            self._do(self.verification.begin())

    def _start(self, now: float) -> None:
        effects = [*self.roster.start(self.generation, self.settings, now)]
        spawned = {effect.name for effect in effects if isinstance(effect, do.Spawn)}
        if spawned:
            self.phase = Phase.STARTING
            self.change.names |= spawned
        self._do(effects)

    def _counted(self, count: on.Counted, now: float) -> None:
        if self.phase is not Phase.VERIFYING or count.round != self.verification.round:
            return
        if again := self.verification.sweep(count):
            self._do(again)
            return
        self.verification.end(count)
        self.phase = Phase.STEADY
        if self.verified:
            self._say(self._steady(count.processes, now))
        else:
            self._say(tell.Unverified(count.strays, count.stale, self.generation))

    def _steady(self, processes: int, now: float) -> Notice:
        waiting = self.roster.waiting()
        names = self.roster.listed(self.change.names - dict(waiting).keys())
        units = [self.units[name] for name in names]
        return self.change.steady(units, waiting, self.declared, self.generation, processes, now)

    def _quit(self, exit_code: int, asker: on.Asker, now: float) -> None:
        if self.phase is Phase.QUITTING:
            self._hurry(asker, now)
            return
        self.asker = asker
        self.phase = Phase.QUITTING
        self.exit_code = exit_code
        self.roster.end()
        interrupts = 2 if asker is on.Asker.ELSEWHERE else 1
        self._say(tell.Quitting(self.roster.listed(self.roster.draining), interrupts))

    def _hurry(self, asker: on.Asker, now: float) -> None:
        """Only who has already asked, as the person at the terminal does, means to kill."""
        left = self.roster.listed(self.roster.alive)
        if asker is on.Asker.ELSEWHERE:
            return
        if self.asker is on.Asker.ELSEWHERE:
            self.asker = asker
            self._say(tell.Quitting(left, 1))
            return
        for name in left:
            self._do(self.units[name].advance(Event.KILL, now))

    def _leave(self) -> None:
        left = [self.units[name].life.state for name in self.roster.draining]
        if not left:
            self._say(tell.Ended())
        if all(state is State.STUCK for state in left):
            self._do((do.Exit(FAILED if left else self.exit_code),))

    def _do(self, effects: Iterable[Effect]) -> None:
        self._effects.extend(effects)

    def _say(self, notice: Notice) -> None:
        self._do((do.Say(notice),))
