"""Which services go first: predecessors start first, dependants stop first."""

from collections.abc import Collection, Iterable, Mapping

from devsup.pure.lifecycle import State, Want
from devsup.pure.unit import Unit

Units = Mapping[str, Unit]
"""All services by name, as in the Procfile."""


def listed(units: Units, names: Collection[str]) -> tuple[str, ...]:
    """These services, as in the Procfile."""
    return tuple(name for name in units if name in names)


def alive(units: Units, names: Iterable[str]) -> set[str]:
    """Those of which something is alive, or may be."""
    return {name for name in names if not units[name].life.at_rest}


def to_stop(units: Units, draining: Collection[str]) -> tuple[Unit, ...]:
    """Who is to be stopped now: a worker needs its broker to finish a task, so dependants first.

    A stuck dependant finishes nothing any more, and holds nobody back. One that got stuck unasked
    is asked first, which kills it once more.
    """
    working = (unit for unit in map(units.__getitem__, draining) if not _is_given_up(unit))
    needed = {name for unit in working for name in unit.spec.after}
    free = listed(units, {*draining} - needed)
    return tuple(units[name] for name in free if units[name].life.want is Want.UP)


def _is_given_up(unit: Unit) -> bool:
    return unit.life.state is State.STUCK and unit.life.want is Want.DOWN


def awaited(
    units: Units, name: str, pending: Collection[str], held: Collection[str]
) -> tuple[str, ...]:
    """Which predecessors have to be ready before this one starts; who is held is not waited for."""
    return tuple(
        other
        for other in units[name].spec.after
        if other in pending or not (_lets_start(units[other]) or other in held)
    )


def _lets_start(unit: Unit) -> bool:
    return unit.life.state is State.UP or unit.finished
