"""What became of a service that somebody asked about, and how long that took; pure."""

from collections.abc import Iterator

from devsup.pure.lifecycle import State, Want
from devsup.pure.report import ending, late
from devsup.pure.unit import Unit
from devsup.pure.words import seconds

SHOWN = 0.05
"""Seconds that a phase must take to be more than `0.0`."""


def outcome(unit: Unit, asked: float) -> str:
    """`web.1 is up (port 8000) on generation 3, restarted in 1.9 s (stop 0.3, start 1.6)`.

    `asked` is the monotonic time from which on it is told what was done.
    """
    done = _done(unit, asked)
    return f"{_standing(unit)}, {done}" if done else _standing(unit)


def _standing(unit: Unit) -> str:
    """Where it is now."""
    name, state = unit.spec.name, unit.life.state
    match state:
        case State.UP:
            return f"{name} is up ({unit.how}) on generation {unit.generation}"
        case State.CRASHED:
            return f"{name} crashed: it {ending(unit.life.exit_code)}"
        case State.STARTING if unit.late:
            return late(name, unit.asked, unit.started_as.ready_timeout)
        case State.DOWN if unit.finished and unit.life.want is Want.UP:
            return f"{name} has finished"
        case _:
            return f"{name} is {state.value}"


def _done(unit: Unit, asked: float) -> str:
    """What was done since; empty when nothing was, or when it did not get there."""
    stopped, started = unit.gone >= asked, unit.started >= asked
    if unit.life.state is State.UP and started:
        return f"{'restarted' if stopped else 'started'} in {_phases(unit, asked)}"
    if unit.life.state is State.DOWN and unit.life.want is Want.DOWN and stopped:
        return f"stopped in {_phases(unit, asked)}"
    return ""


def _phases(unit: Unit, asked: float) -> str:
    """All of the time, and where it went if in more than one phase."""
    took = unit.since - asked
    phases = [*_timed(unit, asked)]
    wait = took - sum(duration for _, duration in phases)
    if wait >= SHOWN:
        phases.insert(0, ("wait", wait))
    named = ", ".join(f"{name} {duration:.1f}" for name, duration in phases)
    return f"{seconds(took)} ({named})" if phases[1:] else seconds(took)


def _timed(unit: Unit, asked: float) -> Iterator[tuple[str, float]]:
    """Its own part; the rest of the time it waited for others."""
    if unit.gone >= asked:
        # It may have been on its way down already.
        yield "stop", unit.gone - max(unit.ending, asked)
    if unit.running:
        yield "start", unit.since - unit.started
