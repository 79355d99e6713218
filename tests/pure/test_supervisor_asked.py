"""What a run does when somebody asks: restart, start, stop and quit, in every phase."""

from collections.abc import Callable

import pytest
from history import History, spec

from devsup.pure import events as on
from devsup.pure import notices as tell
from devsup.pure.config import OnExit
from devsup.pure.lifecycle import State
from devsup.pure.notices import Cause

WEB, WORKER = spec("web"), spec("worker")


def launching() -> History:
    run = History(WEB, WORKER, KEY="1")
    run.launch()
    return run


def verifying() -> History:
    run = launching()
    run.all_ready()
    return run


def steady() -> History:
    return History(WEB, WORKER, KEY="1").steady()


def draining() -> History:
    run = steady()
    run.edit(KEY="2")
    return run


def quitting() -> History:
    run = steady()
    run.quit(130)
    return run


PHASES = [launching, verifying, steady, draining]
EVERY_PHASE = pytest.mark.parametrize("begin", PHASES, ids=[phase.__name__ for phase in PHASES])
Begin = Callable[[], History]


def settle(run: History) -> History:
    """Whoever is stopping ends, whoever starts becomes ready, and the census is clean."""
    for name in [name for name in run.states if run.state(name) == "stopping"]:
        run.ends(name)
    run.all_ready()
    run.counted()
    assert run.phase == "steady"
    return run


def chain() -> History:
    """web after db, steady."""
    return History(spec("db"), spec("web", "db"), KEY="1").steady()


# ---- in every phase


@EVERY_PHASE
def test_a_restart_in_any_phase_ends_with_a_new_start(begin: Begin) -> None:
    run = begin()
    starts = run.supervisor.units["web"].starts
    run.restart("web")
    assert (run.phase, run.state("web")) == ("draining", "stopping")
    settle(run)
    assert run.state("web") == "up"
    assert run.supervisor.units["web"].starts == starts + 1


@EVERY_PHASE
def test_a_stop_in_any_phase_ends_down(begin: Begin) -> None:
    run = begin()
    run.stop("web")
    settle(run)
    assert run.states == {"web": State.DOWN, "worker": State.UP}


@EVERY_PHASE
def test_a_stop_taken_back_in_any_phase_ends_up(begin: Begin) -> None:
    run = begin()
    run.stop("web")
    run.start("web")
    settle(run)
    assert run.state("web") == "up"


@EVERY_PHASE
def test_a_start_of_what_runs_changes_nothing(begin: Begin) -> None:
    run = begin()
    settle(run)
    phase, starts = run.phase, run.supervisor.units["web"].starts
    assert run.start("web") == []
    assert (run.phase, run.notices) == (phase, [])
    assert run.supervisor.units["web"].starts == starts


@EVERY_PHASE
def test_a_quit_in_any_phase_stops_everything_and_starts_nothing(begin: Begin) -> None:
    run = begin()
    run.quit(143)
    assert (run.phase, run.state("web"), run.state("worker")) == (
        "quitting",
        "stopping",
        "stopping",
    )
    assert run.ends("web") == ["TERM web and its rest"]
    assert run.ends("worker") == ["TERM worker and its rest", "exit 143"]


def test_in_the_end_nothing_else_is_taken_in() -> None:
    run = quitting()
    assert run.edit(KEY="2") == []
    assert run.restart("web") == run.start("web") == run.stop("web") == run.launch() == []
    assert run.supervisor.generation == 1
    run.breaks(1)
    assert run.ends("web") == ["TERM web and its rest"]
    assert run.ends("worker") == ["TERM worker and its rest", "exit 130"]


# ---- restart


def test_a_restart_keeps_the_generation() -> None:
    run = steady()
    assert run.restart("web") == ["TERM web"]
    assert run.said(tell.Restarting) == tell.Restarting(Cause.ASKED, "", "", ("web",), 1)
    assert run.ends("web")[-1] == "spawn web on 1"
    run.all_ready()
    run.counted()
    assert run.said(tell.Steady).cause is Cause.ASKED
    assert [name for name, _, _ in run.said(tell.Steady).services] == ["web"]


def test_a_restart_of_another_service_joins_the_one_under_way() -> None:
    run = steady()
    run.restart("web")
    assert run.restart("worker") == ["TERM worker"]
    assert run.said(tell.Restarting).names == ("web", "worker")
    run.ends("web")
    assert run.ends("worker")[1:] == ["spawn web on 1", "spawn worker on 1"]


def test_a_restart_starts_what_crashed_what_finished_and_what_was_held() -> None:
    run = History(spec("crashed"), spec("finished"), spec("held")).steady()
    run.ends("crashed", 1)
    run.ends("finished", 0)
    run.stop("held")
    run.ends("held")
    settled = ["spawn crashed on 1", "spawn finished on 1", "spawn held on 1"]
    assert run.restart("crashed", "finished", "held") == settled


def test_an_edit_during_a_restart_takes_it_along() -> None:
    run = steady()
    run.restart("web")
    assert run.edit(KEY="2") == ["TERM worker"]
    assert run.said(tell.Restarting).cause is Cause.EDIT
    run.ends("web")
    assert run.ends("worker")[1:] == ["spawn web on 2", "spawn worker on 2"]


def test_a_second_restart_while_draining_stops_nobody_twice() -> None:
    run = steady()
    run.restart("web")
    assert run.restart("web") == []


def test_a_restart_of_a_service_that_still_starts_begins_again() -> None:
    run = launching()
    assert run.restart("web") == ["TERM web"]
    assert run.ends("web")[-1] == "spawn web on 1"


# ---- stop and start


def test_a_stopped_service_stays_down_over_edits_until_it_is_started() -> None:
    run = steady()
    assert run.stop("web") == ["TERM web"]
    settle(run)
    run.edit(KEY="2")
    assert run.ends("worker")[1:] == ["spawn worker on 2"]
    settle(run)
    assert run.start("web") == ["spawn web on 2"]


def test_a_stop_while_draining_takes_the_service_out_of_what_will_be_started() -> None:
    run = draining()
    run.stop("web")
    run.ends("web")
    assert run.ends("worker")[1:] == ["spawn worker on 2"]


def test_an_edit_names_only_those_that_it_restarts() -> None:
    run = steady()
    run.stop("web")
    run.edit(KEY="2")
    assert run.said(tell.Restarting).names == ("worker",)


def test_an_edit_that_concerns_nobody_restarts_nobody_even_while_another_stops() -> None:
    run = History(WEB, spec("db", concerns=frozenset()), KEY="1").steady()
    run.stop("web")
    run.edit(KEY="2")
    assert run.said(tell.NotConcerned).diff == "~KEY"


def test_a_stop_of_a_crashed_service_settles_it() -> None:
    run = steady()
    run.ends("web", 1)
    run.stop("web")
    assert run.states["web"] is State.DOWN


def test_a_stop_during_a_crash_ends_down() -> None:
    run = steady()
    run.exits("web", 1)
    run.stop("web")
    run.empties("web")
    assert run.states["web"] is State.DOWN
    assert not [notice for notice in run.notices if isinstance(notice, tell.Following)]


def test_a_stop_ends_the_back_off() -> None:
    run = History(WEB, on_exit=OnExit.RESTART).steady()
    run.ends("web", 1)
    epoch = run.epoch("web")
    run.stop("web")
    assert run.timer("web", epoch) == []
    assert run.states["web"] is State.DOWN


def test_a_stop_ends_the_back_off_of_a_service_that_had_ended_well() -> None:
    run = History(WEB, on_exit=OnExit.RESTART).steady()
    run.ends("web", 0)
    run.stop("web")
    assert run.timer("web") == []


@pytest.mark.parametrize("code", [0, 1])
def test_a_service_that_ended_by_itself_can_be_started(code: int) -> None:
    run = steady()
    run.ends("web", code)
    assert run.start("web") == ["spawn web on 1"]


def test_a_start_during_a_crash_starts_once_it_is_over() -> None:
    run = steady()
    run.exits("web", 1)
    assert run.start("web") == []
    assert run.empties("web") == ["spawn web on 1"]


def test_a_start_takes_back_a_stop_that_waits_for_its_dependants() -> None:
    run = chain()
    assert run.stop("db", "web") == ["TERM web"]
    assert run.start("db") == []
    assert run.ends("web") == ["TERM web and its rest", "TERM db"]
    assert run.ends("db") == ["TERM db and its rest", "spawn db on 1"]


def test_a_start_of_some_that_run_and_some_that_do_not_starts_the_latter() -> None:
    run = steady()
    run.stop("web")
    settle(run)
    assert run.start("web", "worker") == ["spawn web on 1"]
    said = run.said(tell.Restarting)
    assert (said.names, said.idle) == ((), ("web",))


def test_a_start_of_a_blocked_service_says_again_why_it_is_not_started() -> None:
    run = History(spec("db"), spec("web", "db"))
    run.launch()
    run.ends("db", 1)
    run.counted()
    run.start("web")
    assert run.said(tell.Blocked) == tell.Blocked("web", "db")


def test_a_service_does_not_wait_for_one_that_was_stopped_on_demand() -> None:
    run = chain()
    run.stop("web", "db")
    run.ends("web")
    run.ends("db")
    run.counted()
    assert run.start("web") == ["spawn web on 1"]


def test_a_stopped_service_that_ends_before_its_turn_is_just_down() -> None:
    run = History(spec("db"), spec("web", "db"), on_exit=OnExit.STOP).steady()
    run.stop("db", "web")
    run.crashes("db")
    assert (run.phase, run.states["db"]) == ("draining", State.DOWN)


def test_a_service_that_crashes_before_its_turn_to_be_stopped_is_just_down() -> None:
    run = History(spec("db"), spec("web", "db"), on_exit=OnExit.RESTART).steady()
    run.stop("db", "web")
    run.ends("db", 1)
    assert (run.phase, run.states["db"]) == ("draining", State.DOWN)


# ---- quit


def test_a_quit_stops_dependants_first_and_says_whom() -> None:
    run = chain()
    assert run.quit() == ["TERM web"]
    assert run.said(tell.Quitting) == tell.Quitting(("db", "web"), 1)
    assert run.ends("web") == ["TERM web and its rest", "TERM db"]
    assert run.ends("db") == ["TERM db and its rest", "exit 0"]


def test_a_quit_before_the_launch_starts_nothing() -> None:
    run = History(WEB)
    assert run.quit(130) == ["exit 130"]
    assert "spawn web on 1" not in run.launch()


def test_a_quit_with_nothing_alive_is_the_end() -> None:
    assert History(WEB).quit(130) == ["exit 130"]


def test_a_second_quit_kills_everybody_at_once_and_keeps_the_first_exit_code() -> None:
    run = chain()
    run.quit(143)
    assert run.quit(130) == ["kill db", "kill web"]
    run.empties("db")
    assert run.empties("web") == ["exit 143"]


def test_a_signal_after_an_end_from_elsewhere_is_the_first_one() -> None:
    run = chain()
    run.quit(0, on.Asker.ELSEWHERE)
    assert run.said(tell.Quitting) == tell.Quitting(("db", "web"), 2)
    assert run.quit(130) == []
    assert run.said(tell.Quitting) == tell.Quitting(("db", "web"), 1)
    assert run.quit(130) == ["kill db", "kill web"]
    run.empties("db")
    assert run.empties("web") == ["exit 0"]


@pytest.mark.parametrize("asker", on.Asker)
def test_an_end_asked_for_elsewhere_never_kills(asker: on.Asker) -> None:
    run = chain()
    run.quit(130, asker)
    assert run.quit(0, on.Asker.ELSEWHERE) == []
    assert run.quit(0, on.Asker.ELSEWHERE) == []


def test_a_crash_while_quitting_changes_nothing() -> None:
    run = History(spec("db"), spec("web", "db"), on_exit=OnExit.STOP).steady()
    run.quit(130)
    run.ends("db", 1)
    assert run.ends("web") == ["TERM web and its rest", "exit 130"]


def test_a_back_off_that_ends_while_quitting_starts_nothing() -> None:
    run = History(WEB, WORKER, on_exit=OnExit.RESTART).steady()
    run.ends("web", 1)
    run.quit(130)
    assert run.timer("web") == []


def test_a_quit_gives_a_stuck_service_up_as_a_failure() -> None:
    run = steady()
    run.quit(130)
    run.ends("web")
    assert run.timer("worker") == ["kill worker"]
    assert run.timer("worker") == ["exit 1"]
    assert run.said(tell.Stuck) == tell.Stuck("worker")


def test_a_quit_while_another_is_stuck_waits_for_those_that_are_not() -> None:
    run = steady()
    run.restart("web")
    run.timer("web")
    run.timer("web")
    assert run.quit(130) == ["TERM worker"]
    assert run.ends("worker") == ["TERM worker and its rest", "exit 1"]


def test_a_stuck_service_keeps_everything_else_from_starting_until_the_kernel_lets_go() -> None:
    run = steady()
    run.edit(KEY="2")
    run.timer("web")
    run.timer("web")
    assert run.ends("worker") == ["TERM worker and its rest"]
    assert run.phase == "draining"
    assert run.empties("web") == ["spawn web on 2", "spawn worker on 2"]


def test_who_is_stopped_while_it_is_blocked_is_blocked_no_longer() -> None:
    run = History(spec("db"), spec("web", "db"))
    run.launch()
    run.ends("db", 1)
    run.counted()
    run.stop("web")
    assert run.supervisor.roster.blocked == set()
