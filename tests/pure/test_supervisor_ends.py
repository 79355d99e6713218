"""How services end, told as histories: in order, step by step, and unasked."""

from signal import SIGINT, SIGQUIT, SIGTERM

import pytest
from history import GRACE, TERM, History, spec

from devsup.pure import effects as do
from devsup.pure import notices as tell
from devsup.pure.config import OnExit
from devsup.pure.lifecycle import KILL_PATIENCE, State
from devsup.pure.notices import Cause, Next
from devsup.pure.programs import Step, Target
from devsup.pure.unit import BACKOFF_FIRST, BACKOFF_LIMIT

WEB, WORKER = spec("web"), spec("worker")


def pair() -> History:
    """web and worker, steady on KEY=1."""
    return History(WEB, WORKER, KEY="1").steady()


def chain() -> History:
    """web after app after db, in the Procfile the other way round; steady on KEY=1."""
    return History(spec("web", "app"), spec("app", "db"), spec("db"), KEY="1").steady()


# ---- the order of stopping


def test_dependants_are_stopped_first_since_a_worker_needs_its_broker_to_finish() -> None:
    run = chain()
    assert run.edit(KEY="2") == ["TERM web"]
    assert run.ends("web") == ["TERM web and its rest", "TERM app"]
    assert run.ends("app") == ["TERM app and its rest", "TERM db"]
    assert run.ends("db") == ["TERM db and its rest", "spawn db on 2"]


def test_a_dependant_that_stays_up_holds_nobody_back() -> None:
    run = chain()
    assert run.restart("db") == ["TERM db"]


def test_a_stuck_dependant_holds_nobody_back() -> None:
    run = chain()
    run.edit(KEY="2")
    assert run.timer("web") == ["kill web"]
    assert run.timer("web") == ["TERM app"]
    assert run.states["web"] is State.STUCK


def test_who_ends_before_its_turn_is_not_stopped_and_starts_with_the_others() -> None:
    run = chain()
    run.edit(KEY="2")
    run.ends("db", 1)
    run.ends("web")
    assert run.ends("app")[1:] == ["spawn db on 2"]


# ---- the stop sequence


def test_a_stop_that_takes_longer_is_shown_step_by_step() -> None:
    steps = TERM, Step(SIGQUIT, Target.LEADER, 2.0), Step(SIGINT, Target.ALL, 1.0)
    run = History(spec("web", steps=steps), KEY="1").steady()
    assert (run.edit(KEY="2"), run.armed("web")) == (["TERM web"], GRACE)
    assert not [notice for notice in run.notices if isinstance(notice, tell.Signalled)]
    assert (run.timer("web"), run.armed("web")) == (["QUIT web"], 2.0)
    assert run.said(tell.Signalled) == tell.Signalled("web", SIGQUIT)
    assert (run.timer("web"), run.armed("web")) == (["INT web and its rest"], 1.0)
    assert (run.timer("web"), run.armed("web")) == (["kill web"], KILL_PATIENCE)
    assert run.said(tell.Killed) == tell.Killed("web")
    assert run.timer("web") == []
    assert run.said(tell.Stuck) == tell.Stuck("web")
    assert run.phase == "draining"
    assert run.empties("web") == ["spawn web on 2"]


def test_the_signal_to_those_who_are_left_is_no_further_step_to_be_shown() -> None:
    run = pair()
    run.edit(KEY="2")
    assert run.exits("web") == ["TERM web and its rest"]
    assert do.Signal("web", SIGTERM, Target.ALL) in run.effects
    assert run.notices == []


# ---- exits that nobody asked for


def test_a_crash_waits_for_an_edit_and_takes_nobody_down() -> None:
    run = pair()
    assert run.exits("web", 3) == ["TERM web and its rest"]
    assert run.said(tell.Exited) == tell.Exited("web", 3, 1)
    assert run.empties("web") == []
    assert run.said(tell.Following) == tell.Following("web", Next.WAIT)
    assert (run.state("web"), run.state("worker"), run.phase) == ("crashed", "up", "steady")


def test_a_crash_on_new_settings_waits_for_the_next_edit_and_the_run_is_steady() -> None:
    run = pair()
    run.edit(KEY="2")
    run.ends("web")
    run.ends("worker")
    run.ends("web", 1)
    assert run.ready("worker") == ["count 2"]
    run.counted()
    assert run.said(tell.Steady).services[0] == ("web", State.CRASHED, "port 8000")
    assert run.edit(KEY="3") == ["TERM worker"]


def test_a_service_that_ends_well_is_down_and_no_crash() -> None:
    run = pair()
    run.ends("web", 0)
    assert (run.state("web"), run.phase) == ("down", "steady")


def test_a_lost_guardian_is_an_exit_that_nobody_saw() -> None:
    run = pair()
    run.crashes("web")
    assert run.said(tell.Exited) == tell.Exited("web", None, 1)
    assert run.state("web") == "crashed"


def test_an_exit_that_was_asked_for_is_not_remarked_upon() -> None:
    run = pair()
    run.edit(KEY="2")
    run.ends("web", -15)
    assert run.notices == []


def test_on_exit_stop_ends_the_run_as_a_failure() -> None:
    run = History(WEB, WORKER, on_exit=OnExit.STOP).steady()
    assert run.ends("web", 1) == ["TERM web and its rest", "TERM worker"]
    assert run.phase == "quitting"
    assert run.ends("worker") == ["TERM worker and its rest", "exit 1"]


def test_on_exit_stop_ends_the_run_well_when_the_service_ended_well() -> None:
    run = History(WEB, on_exit=OnExit.STOP).steady()
    assert run.ends("web", 0) == ["TERM web and its rest", "exit 0"]


def test_on_exit_restart_backs_off_doubling_up_to_a_limit() -> None:
    run = History(WEB, on_exit=OnExit.RESTART).steady()
    delays = []
    for _ in range(9):
        run.ends("web", 1)
        delays.append(run.armed("web"))
        assert run.said(tell.Following) == tell.Following("web", Next.RESTART, delays[-1])
        assert run.timer("web") == ["spawn web on 1"]
        run.ready("web")
    assert delays == [BACKOFF_FIRST * 2**n for n in range(6)] + [BACKOFF_LIMIT] * 3


def test_the_back_off_survives_any_number_of_exits() -> None:
    run = History(WEB, on_exit=OnExit.RESTART).steady()
    for _ in range(1100):  # 2.0 ** 1024 is an error
        run.ends("web", 1)
        delay = run.armed("web")
        run.timer("web")
    assert delay == BACKOFF_LIMIT


@pytest.mark.parametrize(("lived", "delay"), [(BACKOFF_LIMIT, 1.0), (BACKOFF_LIMIT + 1, 0.5)])
def test_a_long_life_makes_up_for_former_exits(lived: float, delay: float) -> None:
    run = History(WEB, on_exit=OnExit.RESTART).steady()
    run.ends("web", 1)
    run.timer("web")
    run.ready("web")
    run.now += lived
    run.ends("web", 1)
    assert run.armed("web") == delay


def test_a_start_by_hand_or_by_an_edit_begins_the_back_off_anew() -> None:
    run = History(WEB, on_exit=OnExit.RESTART, KEY="1").steady()
    run.ends("web", 1)
    run.edit(KEY="2")
    run.ends("web", 1)
    assert run.armed("web") == BACKOFF_FIRST


def test_a_restart_after_an_exit_is_counted_and_reported_as_such() -> None:
    run = History(WEB, WORKER, KEY="1", on_exit=OnExit.RESTART).steady()
    run.ends("web", 1)
    run.now += 5.0
    run.timer("web")
    run.now += 1.0
    run.all_ready()
    run.counted()
    steady = run.said(tell.Steady)
    assert (steady.cause, steady.stop, steady.start) == (Cause.EXIT, 0.0, 1.0)
    assert [name for name, _, _ in steady.services] == ["web"]
    assert run.supervisor.units["web"].starts == 2


def test_an_edit_does_not_wait_for_the_back_off_and_makes_it_late() -> None:
    run = History(WEB, on_exit=OnExit.RESTART, KEY="1").steady()
    run.ends("web", 1)
    epoch = run.epoch("web")
    assert run.edit(KEY="2") == ["spawn web on 2"]
    assert run.timer("web", epoch) == []
    assert run.state("web") == "starting"


def test_a_back_off_that_ends_while_draining_starts_with_the_others() -> None:
    run = History(spec("db", concerns=frozenset()), WEB, on_exit=OnExit.RESTART, KEY="1").steady()
    run.restart("web")
    run.ends("db", 1)
    assert run.timer("db") == []
    assert run.ends("web")[1:] == ["spawn db on 1", "spawn web on 1"]


def test_who_was_blocked_by_a_crash_starts_after_its_restart() -> None:
    run = History(spec("db"), spec("web", "db"), on_exit=OnExit.RESTART)
    run.launch()
    run.ends("db", 1)
    run.counted()
    assert run.timer("db") == ["spawn db on 1"]
    assert run.ready("db") == ["spawn web on 1"]


@pytest.mark.parametrize("on_exit", OnExit)
def test_an_exit_just_before_a_restart_would_have_stopped_it_is_of_no_consequence(
    on_exit: OnExit,
) -> None:
    run = History(spec("db"), spec("web", "db"), on_exit=on_exit).steady()
    run.restart("db", "web")
    run.ends("db", 1)
    assert [type(notice) for notice in run.notices] == []
    assert run.ends("web") == ["TERM web and its rest", "spawn db on 1"]


def test_one_that_got_stuck_unasked_is_killed_once_more_before_those_it_comes_after_end() -> None:
    run = History(spec("web", "db"), spec("db")).steady()
    run.exits("web")
    run.timer("web")
    run.timer("web")
    assert run.state("web") == "stuck"
    assert run.quit(130) == ["kill web"]
    assert run.timer("web") == ["TERM db"]
