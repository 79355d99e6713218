"""What a run does, told as histories: launch, edits, broken files, order, crashes, the census."""

from signal import SIGINT, SIGQUIT, SIGTERM

import pytest
from history import GRACE, ON_PORT, TERM, History, spec

from devsup import effects as do
from devsup import events as on
from devsup import notices as tell
from devsup.config import OnExit
from devsup.lifecycle import KILL_PATIENCE, State
from devsup.notices import Cause, Next
from devsup.programs import Step, Target
from devsup.supervisor import SWEEPS
from devsup.unit import BACKOFF_FIRST, BACKOFF_LIMIT, SETTLE_TIME

WEB, WORKER = spec("web"), spec("worker")


def pair() -> History:
    """web and worker, steady on KEY=1."""
    return History(WEB, WORKER, KEY="1").steady()


def chain() -> History:
    """web after app after db, in the Procfile the other way round; steady on KEY=1."""
    return History(spec("web", "app"), spec("app", "db"), spec("db"), KEY="1").steady()


# ---- launch


def test_a_launch_starts_everything_on_the_first_generation() -> None:
    run = History(WEB, WORKER, KEY="1")
    assert run.launch() == ["spawn web on 1", "spawn worker on 1"]
    assert run.phase == "starting"
    assert do.Spawn("web", 1, {"KEY": "1"}) in run.effects


def test_the_launch_is_over_when_all_are_ready_and_were_counted() -> None:
    run = History(WEB, WORKER)
    run.launch()
    assert run.ready("web") == []
    assert run.ready("worker") == ["count 1"]
    assert (run.phase, run.supervisor.verified) == ("verifying", False)
    run.now += 2.0
    assert run.counted(processes=5) == []
    assert (run.phase, run.supervisor.verified) == ("steady", True)
    assert run.said(tell.Steady) == tell.Steady(
        cause=Cause.LAUNCH,
        file="",
        diff="",
        services=(("web", State.UP, "port 8000"), ("worker", State.UP, "port 8000")),
        generation=1,
        stop=0.0,
        start=2.0,
        processes=5,
    )


def test_nothing_is_started_before_the_launch() -> None:
    run = History(WEB)
    run.breaks(1)
    run.counted()
    assert run.launch() == ["spawn web on 1"]


def test_a_service_that_nothing_is_known_of_is_ready_when_it_has_lived_long_enough() -> None:
    run = History(WEB)
    run.launch()
    assert run.armed("web") == SETTLE_TIME
    assert run.timer("web") == ["count 1"]
    assert run.supervisor.units["web"].how == "settled"


def test_a_service_with_a_probe_is_ready_when_its_probe_says_so_and_not_by_time() -> None:
    run = History(spec("web", ready=ON_PORT))
    run.launch()
    assert do.Probe("web", run.epoch("web"), ON_PORT) in run.effects
    assert not [effect for effect in run.effects if isinstance(effect, do.Arm)]
    run.ready("web")
    assert run.supervisor.units["web"].how == "port 8000"


def test_a_service_starts_when_those_it_comes_after_are_ready() -> None:
    run = History(spec("web", "app"), spec("app", "db"), spec("db"))
    assert run.launch() == ["spawn db on 1"]
    assert run.ready("db") == ["spawn app on 1"]
    assert run.ready("app") == ["spawn web on 1"]
    assert run.ready("web") == ["count 1"]


def test_a_service_that_comes_after_a_crashed_one_is_not_started_and_that_is_said_once() -> None:
    run = History(spec("web", "db"), spec("db"))
    run.launch()
    assert run.ends("db", 1) == ["TERM db and its rest", "count 1"]
    assert run.said(tell.Blocked) == tell.Blocked("web", "db")
    run.counted()
    assert (run.phase, run.state("web")) == ("steady", "down")
    assert not [notice for notice in run.notices if isinstance(notice, tell.Blocked)]


def test_a_service_that_comes_after_a_finished_one_is_started() -> None:
    run = History(spec("migrate"), spec("web", "migrate"))
    run.launch()
    assert run.ends("migrate", 0) == ["TERM migrate and its rest", "spawn web on 1"]


def test_a_service_waits_for_the_finished_one_it_comes_after_to_finish_again() -> None:
    run = History(spec("web", "migrate"), spec("migrate"), KEY="1")
    run.launch()
    run.ends("migrate", 0)
    run.ready("web")
    run.edit(KEY="2")
    assert run.ends("web") == ["TERM web and its rest", "spawn migrate on 2"]
    assert run.ends("migrate", 0) == ["TERM migrate and its rest", "spawn web on 2"]


def test_who_waits_for_two_is_told_to_be_hopeless_only_when_the_second_is_known() -> None:
    run = History(spec("db"), spec("broker"), spec("web", "broker", "db"))
    run.launch()
    run.ends("db", 1)
    assert [type(notice) for notice in run.notices] == [tell.Following]
    run.ready("broker")
    assert run.said(tell.Blocked) == tell.Blocked("web", "db")


def test_who_comes_after_a_blocked_one_is_blocked_too() -> None:
    run = History(spec("db"), spec("app", "db"), spec("web", "app"))
    run.launch()
    run.ends("db", 1)
    assert run.supervisor.blocked == {"app", "web"}


# ---- an edit


def test_an_edit_ends_everything_before_it_starts_anything() -> None:
    run = pair()
    assert run.edit(KEY="2") == ["TERM web", "TERM worker"]
    assert run.phase == "draining"
    assert run.ends("web") == ["TERM web and its rest"]
    assert run.ends("worker") == ["TERM worker and its rest", "spawn web on 2", "spawn worker on 2"]
    assert run.phase == "starting"


def test_an_edit_is_reported_with_its_keys_and_times() -> None:
    run = pair()
    run.edit(KEY="2", NEW="x")
    restarting = run.said(tell.Restarting)
    assert restarting == tell.Restarting(Cause.EDIT, ".env", "~KEY +NEW", ("web", "worker"), 2)
    run.now += 0.25
    run.ends("web")
    run.ends("worker")
    run.now += 1.5
    run.all_ready()
    run.counted()
    steady = run.said(tell.Steady)
    assert (steady.cause, steady.file, steady.diff) == (Cause.EDIT, ".env", "~KEY +NEW")
    assert (steady.generation, steady.stop, steady.start) == (2, 0.25, 1.5)


def test_an_edit_that_changes_no_value_is_none() -> None:
    run = pair()
    assert run.edit(KEY="1") == []
    assert (run.effects, run.phase, run.supervisor.generation) == ((), "steady", 1)


def test_the_leaders_end_is_not_the_services_end() -> None:
    run = History(WEB, KEY="1").steady()
    run.edit(KEY="2")
    assert run.exits("web") == ["TERM web and its rest"]
    assert run.empties("web") == ["spawn web on 2"]


def test_of_edits_while_draining_the_newest_wins_and_nobody_is_stopped_twice() -> None:
    run = pair()
    run.edit(KEY="2")
    run.ends("web")
    assert run.edit(KEY="3", NEW="x") == []
    assert run.said(tell.Restarting).diff == "~KEY +NEW"
    run.exits("worker")
    assert run.empties("worker") == ["spawn web on 3", "spawn worker on 3"]
    assert do.Spawn("web", 3, {"KEY": "3", "NEW": "x"}) in run.effects


def test_an_edit_while_starting_stops_again_what_was_just_started() -> None:
    run = History(spec("db"), spec("web", "db"), KEY="1").steady()
    run.edit(KEY="2")
    run.ends("web")
    assert run.ends("db")[-1] == "spawn db on 2"
    assert run.edit(KEY="3") == ["TERM db"]
    assert run.ends("db")[-1] == "spawn db on 3"
    assert run.ready("db") == ["spawn web on 3"]


def test_an_edit_while_verifying_drains_and_its_census_does_not_count() -> None:
    run = History(WEB, KEY="1")
    run.launch()
    run.ready("web")
    assert run.edit(KEY="2") == ["TERM web"]
    assert run.counted() == []
    assert run.phase == "draining"


def test_a_revert_while_draining_restarts_what_was_drained() -> None:
    run = pair()
    run.edit(KEY="2")
    run.ends("web")
    assert run.edit(KEY="1") == []
    assert run.said(tell.Restarting) == tell.Restarting(
        Cause.EDIT, ".env", "", ("web", "worker"), 3
    )
    assert run.ends("worker")[1:] == ["spawn web on 3", "spawn worker on 3"]


def test_a_revert_while_starting_stops_what_runs_on_the_edit() -> None:
    run = History(WEB, KEY="1").steady()
    run.edit(KEY="2")
    run.ends("web")
    assert run.edit(KEY="1") == ["TERM web"]
    assert run.ends("web")[-1] == "spawn web on 3"
    assert do.Spawn("web", 3, {"KEY": "1"}) in run.effects


def test_an_edit_starts_a_crashed_service_again() -> None:
    run = pair()
    run.ends("web", 1)
    assert run.edit(KEY="2") == ["TERM worker"]
    assert run.ends("worker")[1:] == ["spawn web on 2", "spawn worker on 2"]


def test_a_key_that_is_removed_is_an_edit() -> None:
    run = History(WEB, KEY="1", OLD="x").steady()
    assert run.edit(KEY="1") == ["TERM web"]
    assert run.said(tell.Restarting).diff == "-OLD"
    run.ends("web")
    assert do.Spawn("web", 2, {"KEY": "1"}) in run.effects


def test_settings_are_in_no_repr_of_events_effects_or_the_run() -> None:
    run = History(WEB, KEY="hunter1").steady()
    run.edit(KEY="hunter2")
    effects = [*run.effects, *(run.ends("web") and run.effects)]
    shown = repr([effects, run.supervisor, run.supervisor.units, run.supervisor.change])
    assert "hunter" not in shown + repr(on.Edited({"KEY": "hunter3"}, ".env"))


# ---- broken files


def test_broken_files_are_said_once_and_change_nothing() -> None:
    run = pair()
    assert run.breaks(3) == []
    assert run.said(tell.Broken).generation == 1
    run.breaks(3)
    assert run.notices == []
    run.breaks(4)
    assert run.said(tell.Broken).problems[0].line == 4
    assert run.phase == "steady"


def test_files_that_are_repaired_to_what_runs_are_said_to_be_so() -> None:
    run = pair()
    run.breaks(3)
    assert run.edit(KEY="1") == []
    assert run.said(tell.Repaired).generation == 1
    assert run.supervisor.problems == ()


def test_files_that_are_repaired_to_something_new_are_an_edit() -> None:
    run = pair()
    run.breaks(3)
    assert run.edit(KEY="2") == ["TERM web", "TERM worker"]
    assert run.supervisor.problems == ()


def test_a_restart_while_the_files_are_broken_uses_the_last_good_settings() -> None:
    run = History(WEB, KEY="1").steady()
    run.breaks(3)
    run.restart("web")
    run.ends("web")
    assert do.Spawn("web", 1, {"KEY": "1"}) in run.effects


# ---- whom an edit concerns


def test_an_exempt_service_runs_on_over_edits_with_its_generation() -> None:
    run = History(spec("db", concerns=frozenset()), spec("web", "db"), KEY="1").steady()
    assert run.edit(KEY="2") == ["TERM web"]
    assert run.ends("web")[-1] == "spawn web on 2"
    run.all_ready()
    run.counted()
    assert run.supervisor.units["db"].generation == 1
    assert run.supervisor.fresh("db")
    assert run.supervisor.verified


def test_an_edit_restarts_those_whose_keys_it_changes() -> None:
    database = spec("db", concerns=frozenset({"PG*"}))
    run = History(database, spec("web", concerns=frozenset({"WEB", "PGHOST"}))).steady()
    assert run.edit(WEB="1") == ["TERM web"]
    run.ends("web")
    run.all_ready()
    run.counted()
    assert run.edit(WEB="1", PGPORT="1") == ["TERM db"]
    run.ends("db")
    run.all_ready()
    run.counted()
    assert run.edit(WEB="1", PGPORT="1", PGHOST="h") == ["TERM db", "TERM web"]


def test_an_edit_that_concerns_nobody_counts_a_generation_and_says_so() -> None:
    run = History(spec("db", concerns=frozenset({"PG*"})), OTHER="1").steady()
    assert run.edit(OTHER="2") == []
    assert run.said(tell.NotConcerned) == tell.NotConcerned(".env", "~OTHER", 2)
    assert (run.phase, run.supervisor.verified, run.supervisor.generation) == ("steady", True, 2)


def test_an_exempt_service_that_starts_later_gets_the_newest_settings() -> None:
    run = History(spec("db", concerns=frozenset()), KEY="1").steady()
    run.edit(KEY="2")
    run.restart("db")
    run.ends("db")
    assert do.Spawn("db", 2, {"KEY": "2"}) in run.effects


def test_an_edit_starts_a_crashed_service_even_if_its_keys_do_not_concern_it() -> None:
    run = History(spec("db", concerns=frozenset()), KEY="1").steady()
    run.ends("db", 1)
    assert run.edit(KEY="2") == ["spawn db on 2"]


def test_an_edit_does_not_miss_an_exempt_service_that_is_crashing_just_then() -> None:
    run = History(spec("db", concerns=frozenset()), KEY="1").steady()
    run.exits("db", 1)
    assert run.edit(KEY="2") == []
    assert run.empties("db") == ["spawn db on 2"]


def test_an_edit_does_not_repeat_an_exempt_service_that_is_finishing_just_then() -> None:
    run = History(spec("migrate", concerns=frozenset()), KEY="1").steady()
    run.exits("migrate", 0)
    run.edit(KEY="2")
    assert run.empties("migrate") == []
    assert run.state("migrate") == "down"


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
    run = pair()
    run.supervisor.on_exit = OnExit.RESTART
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


# ---- late answers


def test_a_probe_of_an_earlier_start_is_ignored() -> None:
    run = History(spec("web", ready=ON_PORT), KEY="1")
    run.launch()
    late = on.BecameReady("web", run.epoch("web"), "port 8000")
    run.restart("web")
    assert run.tell(late) == []
    assert run.state("web") == "stopping"
    run.ends("web")
    assert run.tell(late) == []
    assert run.state("web") == "starting"


def test_a_timer_of_an_earlier_wait_is_ignored() -> None:
    run = History(WEB, KEY="1").steady()
    settle = run.epoch("web") - 1
    run.edit(KEY="2")
    grace = run.epoch("web")
    assert run.timer("web", settle) == []
    run.exits("web")
    assert run.timer("web", grace) == []
    assert run.state("web") == "stopping"


def test_a_census_of_an_earlier_round_is_ignored() -> None:
    run = History(WEB, KEY="1").steady()
    run.restart("web")
    run.ends("web")
    assert run.ready("web") == ["count 2"]
    assert run.counted(7, round_=1) == []
    assert run.phase == "verifying"


def test_a_census_that_is_answered_twice_counts_once() -> None:
    run = pair()
    assert run.counted(7) == []
    assert (run.phase, run.supervisor.strays, run.notices) == ("steady", (), [])


# ---- strays


def test_strays_are_swept_and_counted_again() -> None:
    run = History(WEB)
    run.launch()
    run.ready("web")
    assert run.counted(7, 8) == ["count 2 7 8"]
    assert run.said(tell.Swept) == tell.Swept((7, 8))
    assert run.counted(9) == ["count 3 9"]
    assert run.counted() == []
    assert run.supervisor.verified


def test_strays_that_sweeping_does_not_remove_leave_the_run_unverified() -> None:
    run = History(WEB)
    run.launch()
    run.ready("web")
    for sweep in range(SWEEPS):
        assert run.counted(7) == [f"count {sweep + 2} 7"]
    assert run.counted(7) == []
    assert run.said(tell.Unverified) == tell.Unverified((7,), (), 1)
    assert (run.phase, run.supervisor.verified, run.supervisor.strays) == ("steady", False, (7,))


def test_stale_processes_are_not_swept_since_they_live_where_they_should() -> None:
    run = History(WEB)
    run.launch()
    run.ready("web")
    assert run.counted(stale=(7,)) == []
    assert run.said(tell.Unverified) == tell.Unverified((), (7,), 1)
    assert (run.phase, run.supervisor.verified, run.supervisor.stale) == ("steady", False, (7,))
    run.restart("web")
    run.ends("web")
    run.ready("web")
    run.counted()
    assert run.supervisor.verified


@pytest.mark.parametrize(
    ("service", "generation", "current"),
    [
        ("web", 2, True),
        ("web", None, True),  # it wrote over its environment, and lives below its guardian
        ("web", 1, False),
        ("db", 1, True),
        ("db", 2, False),
        ("nobody", 2, False),
        (None, 2, False),
    ],
)
def test_a_process_is_current_by_its_mark_and_by_where_it_lives(
    service: str | None, generation: int | None, *, current: bool
) -> None:
    run = History(WEB, spec("db", concerns=frozenset()), KEY="1").steady()
    run.edit(KEY="2")
    run.ends("web")
    assert run.supervisor.is_current(service, generation) is current


def test_a_process_that_still_drains_is_not_current() -> None:
    run = History(WEB, KEY="1").steady()
    run.edit(KEY="2")
    assert not run.supervisor.is_current("web", 1)


def test_after_each_change_strays_are_swept_as_often_as_before() -> None:
    run = History(WEB)
    run.launch()
    run.ready("web")
    for _ in range(SWEEPS + 1):
        run.counted(7)
    run.restart("web")
    run.ends("web")
    run.ready("web")
    assert run.counted(7) == [f"count {SWEEPS + 3} 7"]
    run.counted()
    assert run.supervisor.verified
