"""What a run does when the Procfile and the configuration say something else, told as histories."""

from dataclasses import replace
from signal import SIGINT

from history import GRACE, History, spec

from devsup.pure import effects as do
from devsup.pure import events as on
from devsup.pure import notices as tell
from devsup.pure.config import OnExit
from devsup.pure.errors import Problem
from devsup.pure.notices import Cause
from devsup.pure.programs import LogReady, Step, Target
from devsup.pure.report import sentence
from devsup.pure.stack import Spec

WEB, WORKER, BEAT = spec("web"), spec("worker"), spec("beat")


def another(one: Spec) -> Spec:
    """The same service with another command line."""
    return replace(one, shell_line=f"another {one.name}")


def pair() -> History:
    """web and worker, steady on KEY=1."""
    return History(WEB, WORKER, KEY="1").steady()


def settle(run: History) -> None:
    run.all_ready()
    run.counted()
    assert run.phase == "steady"


# ---- added, changed, removed


def test_an_added_service_is_started_and_nobody_else_is_touched() -> None:
    run = pair()
    assert run.declare(WEB, BEAT, WORKER) == ["spawn beat on 1"]
    assert [*run.supervisor.units] == ["web", "beat", "worker"]
    settle(run)
    assert run.said(tell.Steady).diff == "+beat"


def test_a_changed_line_restarts_its_service() -> None:
    run = pair()
    assert run.declare(another(WEB), WORKER) == ["TERM web"]
    assert not run.supervisor.fresh("web")
    assert run.ends("web")[-1] == "spawn web on 1"
    assert run.supervisor.fresh("web")


def test_a_removed_service_gets_its_stop_sequence_and_is_forgotten() -> None:
    run = pair()
    assert run.declare(WEB) == ["TERM worker"]
    assert run.said(tell.Restarting) == tell.Restarting(
        Cause.EDIT, "Procfile", "-worker", (), 1, removed=("worker",)
    )
    assert "worker" in run.states
    assert run.ends("worker") == ["TERM worker and its rest", "count 2"]
    assert [*run.states] == ["web"]
    run.counted()
    assert "Procfile: -worker: done in" in sentence(run.said(tell.Steady))


def test_a_removed_service_that_is_down_is_gone_at_once() -> None:
    run = pair()
    run.ends("worker", 1)
    assert run.declare(WEB) == []
    assert run.said(tell.NotConcerned).diff == "-worker"
    assert [*run.states] == ["web"]


def test_what_is_new_waits_for_what_is_removed() -> None:
    run = pair()
    assert run.declare(WORKER, BEAT) == ["TERM web"]
    assert run.exits("web") == ["TERM web and its rest"]
    assert run.empties("web") == ["spawn beat on 1"]


def test_a_service_that_is_back_while_it_is_removed_starts_when_it_is_gone() -> None:
    run = pair()
    run.declare(WEB)
    assert run.declare(WEB, another(WORKER)) == []
    assert run.exits("worker") == ["TERM worker and its rest"]
    assert run.empties("worker") == ["spawn worker on 1"]


def test_a_removed_service_that_is_stuck_holds_everything_back() -> None:
    run = pair()
    run.declare(WEB)
    run.timer("worker")
    run.timer("worker")
    assert run.state("worker") == "stuck"
    assert run.declare(WEB, WORKER, BEAT) == []
    assert run.empties("worker") == ["spawn worker on 1", "spawn beat on 1"]


def test_a_service_that_dies_before_its_turn_to_be_removed_is_no_crash() -> None:
    run = History(spec("db"), spec("web", "db"), on_exit=OnExit.STOP).steady()
    assert run.declare(BEAT, on_exit=OnExit.STOP) == ["TERM web"]
    run.ends("db", 1)
    assert run.phase == "draining"
    assert run.ends("web")[-1] == "spawn beat on 1"


def test_a_timer_of_a_removed_service_is_not_taken_for_one_of_its_successor() -> None:
    run = History(WEB, WORKER, on_exit=OnExit.RESTART).steady()
    run.ends("worker", 1)
    late = run.epoch("worker")
    run.declare(WEB, on_exit=OnExit.RESTART)
    assert run.timer("worker", late) == []
    run.declare(WEB, WORKER, on_exit=OnExit.RESTART)
    assert run.epoch("worker") > late
    for epoch in range(late + 1):
        assert run.timer("worker", epoch) == []


# ---- settings and services together


def test_a_change_of_both_is_one_restart_on_both() -> None:
    run = pair()
    assert run.declare(another(WEB), WORKER, KEY="2") == ["TERM web", "TERM worker"]
    assert run.said(tell.Restarting).diff == "~web ~KEY"
    run.ends("web")
    run.ends("worker")
    assert run.supervisor.generation == 2
    assert do.Spawn("web", 2, {"KEY": "2"}) in run.effects


def test_the_newest_of_several_edits_in_a_row_counts() -> None:
    run = pair()
    run.edit(KEY="2")
    run.declare(another(WEB), BEAT)
    run.ends("web")
    assert run.ends("worker")[1:] == ["spawn web on 2", "spawn beat on 2"]
    settle(run)
    steady = run.said(tell.Steady)
    assert (steady.file, steady.diff) == (".env Procfile", "~web +beat -worker ~KEY")


def test_what_is_taken_back_while_draining_is_started_again() -> None:
    run = pair()
    run.declare(another(WEB), WORKER)
    assert run.declare(WEB, WORKER) == []
    assert run.said(tell.Restarting).diff == ""
    assert run.ends("web")[-1] == "spawn web on 1"


# ---- without a restart


def test_another_stop_sequence_counts_from_now_on() -> None:
    run = pair()
    quick = replace(WEB, steps=(Step(SIGINT, Target.LEADER, 1.0),))
    assert run.declare(quick, WORKER) == []
    assert run.said(tell.NotConcerned).diff == "~web"
    assert run.restart("web") == ["INT web"]
    assert run.armed("web") == 1.0


def test_a_program_is_stopped_as_it_needs_it_and_not_as_its_successor_does() -> None:
    run = pair()
    quick = replace(another(WEB), steps=(Step(SIGINT, Target.LEADER, 1.0),))
    assert run.declare(quick, WORKER) == ["TERM web"]
    assert run.armed("web") == GRACE


def test_a_stop_that_has_begun_ends_as_it_began() -> None:
    twice = (Step(SIGINT, Target.LEADER, 1.0), Step(SIGINT, Target.ALL, 2.0))
    run = History(replace(WEB, steps=twice), WORKER).steady()
    run.restart("web")
    run.declare(WEB, WORKER)
    assert run.timer("web") == ["INT web and its rest"]


def test_keys_that_concern_a_service_from_now_on_restart_it_if_they_have_changed() -> None:
    exempt = replace(WEB, concerns=frozenset())
    run = History(exempt, WORKER, KEY="1").steady()
    run.edit(KEY="2")
    run.ends("worker")
    settle(run)
    assert run.declare(WEB, WORKER) == ["TERM web"]
    assert run.ends("web")[-1] == "spawn web on 2"


def test_another_sign_of_being_ready_starts_anew_only_who_still_waits_for_the_old_one() -> None:
    by_log = replace(WEB, ready=LogReady("there"))
    run = History(WEB, WORKER)
    run.launch()
    run.ready("worker")
    assert run.declare(by_log, replace(WORKER, ready=LogReady("there"))) == ["TERM web"]
    assert run.ends("web")[-1] == "spawn web on 1"


def test_another_order_is_taken_over_without_a_word() -> None:
    run = pair()
    assert run.declare(WORKER, WEB) == []
    assert run.notices == []
    assert [*run.states] == ["worker", "web"]


def test_another_order_of_starting_counts_from_now_on() -> None:
    run = pair()
    after = replace(WEB, after=("worker",))
    run.declare(after, WORKER)
    assert run.restart("web", "worker") == ["TERM web"]


# ---- down, held, finished


def test_a_held_service_stays_held_whatever_its_line_is() -> None:
    run = pair()
    run.stop("web")
    run.ends("web")
    run.counted()
    assert run.declare(another(WEB), WORKER) == []
    assert run.start("web") == ["spawn web on 1"]


def test_a_held_service_that_was_removed_comes_back_as_a_new_one() -> None:
    run = pair()
    run.stop("web")
    run.ends("web")
    run.counted()
    run.declare(WORKER)
    assert run.declare(WORKER, WEB) == ["spawn web on 1"]
    settle(run)
    assert "TERM web" in run.edit(KEY="2")


def test_who_is_removed_while_it_waits_to_be_started_is_not_started() -> None:
    run = pair()
    run.edit(KEY="2")
    run.declare(WEB)
    run.ends("worker")
    assert run.ends("web")[1:] == ["spawn web on 2"]


def test_a_crashed_service_starts_on_any_edit_and_a_finished_one_on_one_of_its_own() -> None:
    run = pair()
    run.ends("web", 1)
    run.ends("worker", 0)
    assert run.declare(WEB, WORKER, BEAT) == ["spawn web on 1", "spawn beat on 1"]
    settle(run)
    assert run.declare(WEB, another(WORKER), BEAT) == ["spawn worker on 1"]


def test_who_waited_for_a_service_that_is_removed_starts() -> None:
    run = History(spec("db"), spec("web", "db"))
    run.launch()
    run.ends("db", 1)
    run.counted()
    assert run.declare(WEB) == ["spawn web on 1"]


def test_restarts_after_an_exit_begin_and_end_with_the_configuration() -> None:
    run = pair()
    run.ends("web", 0)
    assert run.declare(WEB, WORKER, on_exit=OnExit.RESTART) == ["spawn web on 1"]
    run.all_ready()
    run.ends("web", 0)
    run.declare(WEB, WORKER)
    assert run.timer("web") == []


# ---- problems, and what is asked of those that are not there


def test_a_problem_is_told_again_to_whoever_edits_another_file() -> None:
    run = pair()
    problem = Problem("Procfile", 3, "neither")
    run.tell(on.Broke((problem,), ("Procfile",)))
    run.tell(on.Broke((problem,), ("Procfile",)))
    assert run.notices == []
    run.tell(on.Broke((problem,), (".env",)))
    assert run.said(tell.Broken).problems == (problem,)


def test_nothing_can_be_asked_of_a_removed_service() -> None:
    run = pair()
    run.declare(WEB)
    assert run.restart("worker") == run.start("worker") == run.stop("worker") == []
    assert [*run.supervisor.declared_units] == ["web"]
    run.ends("worker")
    assert run.restart("worker") == []


def test_in_the_end_nothing_else_is_declared() -> None:
    run = pair()
    run.declare(WEB)
    run.quit(130)
    assert run.declare(BEAT) == []
    run.ends("worker")
    assert run.ends("web")[-1] == "exit 130"
