"""A service's life: every state meets every event, and what holds whatever happens to it."""

from itertools import product
from signal import SIGINT, SIGQUIT, SIGTERM

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure import lifecycle
from devsup.pure.lifecycle import (
    KILL_PATIENCE,
    Action,
    Arm,
    Event,
    Kill,
    Life,
    Spawn,
    State,
    Steps,
    Stuck,
    Want,
)
from devsup.pure.lifecycle import Signal as Send
from devsup.pure.programs import DEFAULT_TIMEOUT, Step, Target

POLITE = Step(SIGINT, Target.LEADER, 3.0)
FIRM = Step(SIGQUIT, Target.ALL, 1.0)
STEPS = POLITE, FIRM

TERM_REST = Send(SIGTERM, Target.ALL), Arm(POLITE.grace)
KILLED = Kill(), Arm(KILL_PATIENCE)

Answers = dict[Event, tuple[State, tuple[Action, ...]]]

LIVING: Answers = {
    Event.STOP: (State.STOPPING, (Send(SIGINT, Target.LEADER), Arm(3.0))),
    Event.KILL: (State.KILLING, KILLED),
    Event.LEADER_EXITED: (State.STOPPING, TERM_REST),
    Event.EMPTY: (State.CRASHED, ()),
}
"""For a service that is wanted up, its first step not taken yet."""

EXPECTED: dict[State, Answers] = {
    State.DOWN: {Event.START: (State.STARTING, (Spawn(),))},
    State.STARTING: LIVING | {Event.READY: (State.UP, ())},
    State.UP: LIVING,
    State.STOPPING: {
        Event.STOP: (State.STOPPING, ()),
        Event.KILL: (State.KILLING, KILLED),
        Event.TIMER: (State.STOPPING, (Send(SIGINT, Target.LEADER), Arm(3.0))),
        Event.LEADER_EXITED: (State.STOPPING, TERM_REST),
        Event.EMPTY: (State.CRASHED, ()),
    },
    State.KILLING: {
        Event.STOP: (State.KILLING, ()),
        Event.KILL: (State.KILLING, KILLED),
        Event.TIMER: (State.STUCK, (Stuck(),)),
        Event.EMPTY: (State.CRASHED, ()),
    },
    State.CRASHED: {
        Event.START: (State.STARTING, (Spawn(),)),
        Event.STOP: (State.DOWN, ()),
    },
    State.STUCK: {
        Event.STOP: (State.KILLING, KILLED),
        Event.KILL: (State.KILLING, KILLED),
        Event.EMPTY: (State.CRASHED, ()),
    },
}

CELLS = list(product(State, Event))
EMPTY_CELLS = [(state, event) for state, event in CELLS if event not in EXPECTED[state]]
LIVE = [state for state in State if state not in lifecycle.AT_REST]
WAITING = {State.STOPPING, State.KILLING}
ALIVE = {State.STARTING, State.UP}


def names(cell: object) -> str | None:
    return cell.value if isinstance(cell, State | Event) else None


def after(life: Life, *events: Event, steps: Steps = STEPS) -> Life:
    for event in events:
        life, _ = lifecycle.advance(life, event, steps)
    return life


@pytest.mark.parametrize(("state", "event"), CELLS, ids=names)
def test_every_state_has_one_answer_to_every_event(state: State, event: Event) -> None:
    life = Life(state, Want.UP, epoch=7)
    then, actions = lifecycle.advance(life, event, STEPS)
    assert (then.state, actions) == EXPECTED[state].get(event, (state, ()))


@pytest.mark.parametrize(("state", "event"), EMPTY_CELLS, ids=names)
def test_an_empty_cell_changes_nothing_at_all(state: State, event: Event) -> None:
    life = Life(state, Want.UP, epoch=7, step=1, exit_code=3)
    assert lifecycle.advance(life, event, STEPS) == (life, ())


@pytest.mark.parametrize("event", [Event.STOP, Event.KILL], ids=names)
@pytest.mark.parametrize("state", [state for state in State if state is not State.DOWN], ids=names)
def test_whoever_is_asked_to_stop_is_not_wanted_any_more(state: State, event: Event) -> None:
    life = Life(state, Want.UP)
    asked = after(life, event)
    assert asked.want is (Want.DOWN if event in EXPECTED[state] else Want.UP)


def test_the_stop_sequence_goes_step_by_step_and_ends_in_sigkill_and_in_stuck() -> None:
    life = Life(State.UP, Want.UP)
    done: list[Action] = []
    for event in (Event.STOP, Event.TIMER, Event.TIMER, Event.TIMER):
        life, actions = lifecycle.advance(life, event, STEPS)
        done += actions
    assert done == [
        *(Send(SIGINT, Target.LEADER), Arm(3.0)),
        *(Send(SIGQUIT, Target.ALL), Arm(1.0)),
        *(Kill(), Arm(KILL_PATIENCE)),
        Stuck(),
    ]
    assert life.state is State.STUCK


def test_a_second_stop_neither_hurries_nor_prolongs_the_first() -> None:
    stopping = after(Life(State.UP, Want.UP), Event.STOP)
    assert lifecycle.advance(stopping, Event.STOP, STEPS) == (stopping, ())


def test_what_a_leader_leaves_behind_gets_one_grace_period_and_then_sigkill() -> None:
    left = after(Life(State.UP, Want.UP), Event.LEADER_EXITED)
    assert lifecycle.advance(left, Event.TIMER, STEPS)[1] == KILLED


def test_a_leader_that_goes_half_way_leaves_the_other_steps_out() -> None:
    left = after(Life(State.UP, Want.UP), Event.STOP, Event.LEADER_EXITED)
    assert lifecycle.advance(left, Event.TIMER, STEPS)[1] == KILLED


def test_without_any_step_a_stop_kills_and_a_lost_leader_still_has_a_grace_period() -> None:
    up = Life(State.UP, Want.UP)
    assert lifecycle.advance(up, Event.STOP, ())[1] == KILLED
    assert Arm(DEFAULT_TIMEOUT) in lifecycle.advance(up, Event.LEADER_EXITED, ())[1]


@pytest.mark.parametrize("state", LIVE, ids=names)
@pytest.mark.parametrize(
    ("want", "code", "end"),
    [
        (Want.DOWN, 0, State.DOWN),
        (Want.DOWN, -9, State.DOWN),
        (Want.DOWN, None, State.DOWN),
        (Want.UP, 0, State.DOWN),
        (Want.UP, 3, State.CRASHED),
        (Want.UP, -15, State.CRASHED),
        (Want.UP, None, State.CRASHED),
    ],
)
def test_an_end_is_a_crash_when_nobody_asked_and_it_was_no_success(
    state: State, want: Want, code: int | None, end: State
) -> None:
    assert after(Life(state, want, exit_code=code), Event.EMPTY).state is end


def test_a_new_start_forgets_the_last_end_and_begins_the_stop_sequence_anew() -> None:
    crashed = Life(State.CRASHED, Want.DOWN, step=2, exit_code=1)
    started = after(crashed, Event.START)
    assert (started.want, started.exit_code, started.step) == (Want.UP, None, 0)
    assert lifecycle.advance(started, Event.STOP, STEPS)[1][0] == Send(SIGINT, Target.LEADER)


EVENTS = st.lists(st.sampled_from(Event), max_size=30)
SEQUENCES = st.sampled_from([STEPS, (POLITE,), ()])


@given(EVENTS, SEQUENCES)
def test_whatever_happens_every_action_belongs_to_a_new_epoch(
    events: list[Event], steps: Steps
) -> None:
    life = Life()
    for event in events:
        before, (life, actions) = life, lifecycle.advance(life, event, steps)
        entered = actions or life.state is not before.state
        assert life.epoch == before.epoch + (1 if entered else 0)


@given(EVENTS, SEQUENCES)
def test_whatever_happens_a_life_rests_only_between_empty_and_start(
    events: list[Event], steps: Steps
) -> None:
    life, alive = Life(), False
    for event in events:
        before, (life, actions) = life, lifecycle.advance(life, event, steps)
        if Spawn() in actions:
            assert event is Event.START
            assert before.at_rest
        alive = (alive or Spawn() in actions) and event is not Event.EMPTY
        assert life.at_rest is not alive


@given(EVENTS, SEQUENCES)
def test_whatever_happens_sigkill_comes_after_every_grace_period_or_on_demand(
    events: list[Event], steps: Steps
) -> None:
    life, waits = Life(), 0
    for event in events:
        before, (life, actions) = life, lifecycle.advance(life, event, steps)
        if event is Event.STOP and before.state in ALIVE:
            waits = len(steps)
        elif event is Event.LEADER_EXITED:
            waits = 1
        elif event is Event.TIMER:
            waits -= 1
        asked = event is Event.KILL or before.state is State.STUCK
        assert Kill() not in actions or asked or waits == 0


@given(EVENTS, SEQUENCES)
def test_whatever_happened_a_stop_and_enough_timers_end_in_rest_or_stuck(
    events: list[Event], steps: Steps
) -> None:
    life = after(Life(), *events, Event.STOP, *[Event.TIMER] * 5, steps=steps)
    assert life.state is State.STUCK or life.at_rest
    assert after(life, Event.EMPTY, steps=steps).at_rest


@given(EVENTS)
def test_whatever_happens_waiting_states_are_entered_with_a_timer(events: list[Event]) -> None:
    life = Life()
    for event in events:
        before, (life, actions) = life, lifecycle.advance(life, event, STEPS)
        if life.state in WAITING and life.epoch != before.epoch:
            assert isinstance(actions[-1], Arm)
