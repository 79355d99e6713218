"""The life of one service: states, events, actions, and the table between them.

Pure: `advance(life, event, steps)` returns the next life and what is to be done. A cell that is not
in the table is ignored on purpose. Every entry into a state (and every new wait in it) has an epoch
of its own; a timer or a probe names the epoch that it belongs to, and a late one is ignored.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from signal import SIGTERM, Signals

from devsup.pure.programs import DEFAULT_TIMEOUT, Step, Target

KILL_PATIENCE = 5.0
"""Seconds after SIGKILL until a service counts as stuck (uninterruptible, or of another user)."""


class State(Enum):
    """What a service is doing; the value is the word that people and scripts see."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"
    KILLING = "killing"
    CRASHED = "crashed"
    STUCK = "stuck"


AT_REST = frozenset({State.DOWN, State.CRASHED})
"""States in which the kernel has said that no process of the service is alive."""


class Want(Enum):
    """What was last asked for; an exit is a crash exactly when the service was wanted up."""

    UP = "up"
    DOWN = "down"


class Event(Enum):
    """What happens to a service."""

    START = "start"
    STOP = "stop"
    KILL = "kill"
    TIMER = "timer"
    READY = "ready"
    LEADER_EXITED = "leader exited"
    EMPTY = "group empty"


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start the leader, and find out when it is ready."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Send a signal."""

    number: Signals
    to: Target


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL every process of the service until none is left."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Have TIMER happen after so many seconds, in the life's epoch."""

    delay: float


@dataclass(frozen=True, slots=True)
class Stuck:
    """Say that SIGKILL did not end it."""


Action = Spawn | Signal | Kill | Arm | Stuck


@dataclass(frozen=True, slots=True)
class Life:
    """Where a service is in its life.

    `step` is the next step of the stop sequence. `exit_code` is the leader's (negative: a signal),
    None while it lives or when nobody could see its end.
    """

    state: State = State.DOWN
    want: Want = Want.DOWN
    epoch: int = 0
    step: int = 0
    exit_code: int | None = None

    @property
    def at_rest(self) -> bool:
        """Whether no process of the service is alive."""
        return self.state in AT_REST


Outcome = tuple[Life, tuple[Action, ...]]
Steps = tuple[Step, ...]


def enter(life: Life, state: State, *actions: Action, step: int | None = None) -> Outcome:
    """Enter a state: a new epoch begins."""
    step = life.step if step is None else step
    return replace(life, state=state, epoch=life.epoch + 1, step=step), actions


def spawn(life: Life, _: Steps) -> Outcome:
    """Start it: from now on an exit is a crash."""
    return enter(replace(life, want=Want.UP, exit_code=None), State.STARTING, Spawn(), step=0)


def settle(life: Life, _: Steps) -> Outcome:
    """It is ready; that it is late is no change of its life."""
    return enter(life, State.UP)


def stop(life: Life, steps: Steps) -> Outcome:
    """Begin the stop sequence."""
    return next_step(replace(life, want=Want.DOWN, step=0), steps)


def next_step(life: Life, steps: Steps) -> Outcome:
    """The stop sequence, one step a time; behind the last one comes SIGKILL."""
    if life.step >= len(steps):
        return kill(life, steps)
    step = steps[life.step]
    actions = Signal(step.signal, step.to), Arm(step.grace)
    return enter(life, State.STOPPING, *actions, step=life.step + 1)


def give_up(life: Life, _: Steps) -> Outcome:
    """Nobody waits any longer for a service that is stopping already: it is just not wanted."""
    return replace(life, want=Want.DOWN), ()


def stop_rest(life: Life, steps: Steps) -> Outcome:
    """The leader is gone, asked or not: whoever it left gets TERM and one grace period."""
    grace = steps[0].grace if steps else DEFAULT_TIMEOUT
    return enter(life, State.STOPPING, Signal(SIGTERM, Target.ALL), Arm(grace), step=len(steps))


def kill(life: Life, _: Steps) -> Outcome:
    """The end of every stop sequence."""
    return enter(life, State.KILLING, Kill(), Arm(KILL_PATIENCE))


def kill_now(life: Life, steps: Steps) -> Outcome:
    """No grace: somebody asked for it."""
    return kill(replace(life, want=Want.DOWN), steps)


def stuck(life: Life, _: Steps) -> Outcome:
    """SIGKILL did not help: say so, and wait for the kernel."""
    return enter(life, State.STUCK, Stuck())


def reap(life: Life, _: Steps) -> Outcome:
    """Nothing is left: down if that was asked for or if it ended well, crashed if not."""
    fine = life.want is Want.DOWN or life.exit_code == 0
    return enter(life, State.DOWN if fine else State.CRASHED)


def settle_down(life: Life, _: Steps) -> Outcome:
    """A crashed service that is not wanted any more."""
    return enter(replace(life, want=Want.DOWN), State.DOWN)


Transition = Callable[[Life, Steps], Outcome]

ALIVE: dict[Event, Transition] = {
    Event.STOP: stop,
    Event.KILL: kill_now,
    Event.LEADER_EXITED: stop_rest,
    Event.EMPTY: reap,
}

TABLE: dict[State, dict[Event, Transition]] = {
    State.DOWN: {Event.START: spawn},
    State.STARTING: ALIVE | {Event.READY: settle},
    State.UP: ALIVE,
    State.STOPPING: {
        Event.STOP: give_up,
        Event.KILL: kill_now,
        Event.TIMER: next_step,
        Event.LEADER_EXITED: stop_rest,
        Event.EMPTY: reap,
    },
    State.KILLING: {
        Event.STOP: give_up,
        Event.KILL: kill_now,
        Event.TIMER: stuck,
        Event.EMPTY: reap,
    },
    State.CRASHED: {Event.START: spawn, Event.STOP: settle_down},
    State.STUCK: {Event.STOP: kill_now, Event.KILL: kill_now, Event.EMPTY: reap},
}


def advance(life: Life, event: Event, steps: Steps) -> Outcome:
    """The life after an event, and what is to be done because of it."""
    transition = TABLE[life.state].get(event)
    return transition(life, steps) if transition else (life, ())
