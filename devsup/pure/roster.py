"""The services of a run, and what is meant to become of each: to go, to start, to stay down."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from devsup.pure import effects as do
from devsup.pure import notices as tell
from devsup.pure.effects import Effect
from devsup.pure.envfile import diff
from devsup.pure.lifecycle import Event, Life, State
from devsup.pure.order import alive, awaited, listed, to_stop
from devsup.pure.stack import Spec
from devsup.pure.unit import Unit


class Roster:
    """The services by name, as in the Procfile, and behind them those that are removed from it.

    `draining` are those that must be gone before anything is started, `pending` those to be started
    then (as soon as the ones they come after are ready), `blocked` those of them that wait in vain,
    `held` those that were asked down, `removed` those that are no longer declared and not yet gone.
    """

    def __init__(self, specs: Sequence[Spec]) -> None:
        self.units = {spec.name: Unit(spec) for spec in specs}
        self.draining: set[str] = set()
        self.pending: set[str] = set()
        self.held: set[str] = set()
        self.blocked: set[str] = set()
        self.removed: set[str] = set()
        self._epochs: dict[str, int] = {}

    # ---- what is declared

    @property
    def declared(self) -> set[str]:
        """All but those that are removed."""
        return {*self.units} - self.removed

    def redeclare(self, specs: Sequence[Spec]) -> None:
        """These are the services from now on: drain what is no longer there, start what is new."""
        before, self.units = self.units, {spec.name: self._unit(spec) for spec in specs}
        for spec in specs:
            self.units[spec.name].declare(spec)
        gone = before.keys() - self.units.keys()
        self.pending |= self.units.keys() - (before.keys() - self.removed)
        self.pending -= gone
        self.held -= gone
        self.blocked -= gone
        self.removed = gone
        self.draining |= gone
        self.units |= {name: unit for name, unit in before.items() if name in gone}
        self._forget_the_gone()

    def _unit(self, spec: Spec) -> Unit:
        """The unit of this name, also of one that is still being removed: it must be gone first."""
        return self.units.get(spec.name) or Unit(spec, Life(epoch=self._epochs.get(spec.name, 0)))

    def _forget_the_gone(self) -> None:
        self.draining = alive(self.units, self.draining)
        for name in self.removed - self.draining:
            # A timer of this life may still come, and must not be taken for one of another.
            self._epochs[name] = self.units.pop(name).life.epoch + 1
        self.removed &= self.draining

    # ---- how they are

    @property
    def alive(self) -> set[str]:
        """Those of which something is alive, or may be."""
        return alive(self.units, self.units)

    @property
    def moving(self) -> bool:
        """Whether something is awaited of any of them."""
        return any(unit.moving for unit in self.units.values())

    def ports(self) -> set[int]:
        """Those that were given out, and those that will be."""
        return {spec.port for unit in self.units.values() for spec in (unit.spec, unit.started_as)}

    def listed(self, names: Iterable[str]) -> tuple[str, ...]:
        """These services, as in the Procfile."""
        return listed(self.units, {*names})

    def waiting(self) -> tuple[tuple[str, str], ...]:
        """Those that are to be started, each with the first of those that are not ready for it."""
        return tuple(
            (name, awaited(self.units, name, self.pending, self.held)[0])
            for name in self.listed(self.pending - self.blocked)
        )

    def stays(self, name: str) -> bool:
        """Whether it runs, and is not going to be stopped (which may wait for its dependants)."""
        return self.units[name].running and name not in self.draining

    def is_down(self, name: str) -> bool:
        """Whether it is at rest, and not because it crashed."""
        return self.units[name].life.state is State.DOWN

    def fresh(self, name: str, settings: Mapping[str, str]) -> bool:
        """Whether it would be started alike on these settings, as far as they concern it."""
        unit = self.units[name]
        keys = diff(unit.settings, settings).keys
        return name not in self.removed and not unit.outdated and not unit.spec.concerned_by(keys)

    def concerned(self, settings: Mapping[str, str]) -> set[str]:
        """Those that were started on something else, or that wait for an edit."""
        return {
            name
            for name in self.declared - self.held
            if self.units[name].failed or not self.fresh(name, settings)
        }

    @property
    def finished(self) -> set[str]:
        """Those that ended well by themselves."""
        return {name for name in self.declared - self.held if self.units[name].finished}

    # ---- what is meant to become of them

    def launch(self) -> None:
        """Start them all."""
        self.pending |= {*self.units}

    def replace(self, names: set[str]) -> None:
        """Drain what runs of these, and start them all then."""
        for name in names:
            self.units[name].backoff = 0.0
        self.draining |= alive(self.units, names)
        self.pending |= names
        self.blocked -= names

    def hold(self, names: set[str], now: float) -> Iterator[Effect]:
        """Drain these, and keep them down."""
        self.held |= names
        self.pending -= names
        self.blocked -= names
        self.draining |= alive(self.units, names)
        for name in names - self.draining:
            yield from self.units[name].advance(Event.STOP, now)

    def end(self) -> None:
        """Drain everything, and start nothing any more."""
        self.pending.clear()
        self.draining = self.alive

    # ---- doing it

    def drain(self, now: float) -> Iterator[Effect]:
        """Stop what must go, and whose turn it is."""
        self._forget_the_gone()
        for unit in to_stop(self.units, self.draining):
            yield from unit.advance(Event.STOP, now)

    def start(self, generation: int, settings: Mapping[str, str], now: float) -> Iterator[Effect]:
        """Start what is pending and whose predecessors are ready."""
        for name in self.listed(self.pending):
            before = awaited(self.units, name, self.pending, self.held)
            if before:
                yield from self._tell_blocked(name, before[0])
                continue
            self.pending.remove(name)
            self.blocked.discard(name)
            yield from self.units[name].start(generation, settings, now)

    def _tell_blocked(self, name: str, other: str) -> Iterator[Effect]:
        started = other in self.pending and other not in self.blocked
        comes = started or self.units[other].moving or self.units[other].late
        if name not in self.blocked and not comes:
            self.blocked.add(name)
            yield do.Say(tell.Blocked(name, other))
