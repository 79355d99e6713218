"""What a run does, told as histories: launch, edits, broken files."""

from dataclasses import replace

import pytest
from history import ON_PORT, History, spec

from devsup.pure import effects as do
from devsup.pure import events as on
from devsup.pure import notices as tell
from devsup.pure import report
from devsup.pure.declaration import Declaration
from devsup.pure.lifecycle import State
from devsup.pure.notices import Cause
from devsup.pure.outcome import outcome
from devsup.pure.programs import ListenReady, PortReady, Ready

WEB, WORKER = spec("web"), spec("worker")


def pair() -> History:
    """web and worker, steady on KEY=1."""
    return History(WEB, WORKER, KEY="1").steady()


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
        start=0.0,
        verify=2.0,
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
    assert run.settle("web") == ["count 1"]
    assert (run.state("web"), run.supervisor.units["web"].how) == ("up", "settled")


def test_a_service_that_nobody_saw_alive_is_late_and_not_ready() -> None:
    run = History(WEB)
    run.launch()
    assert run.armed("web") == WEB.ready_timeout
    assert run.timer("web") == ["count 1"]
    assert (run.state("web"), run.supervisor.units["web"].late) == ("starting", True)


def test_a_service_with_a_probe_is_ready_when_its_probe_says_so_and_not_by_time() -> None:
    run = History(spec("web", ready=ON_PORT))
    run.launch()
    assert do.Probe("web", run.epoch("web"), ON_PORT, 60.0) in run.effects
    assert run.timer("web") == ["count 1"]
    assert (run.state("web"), run.said(tell.Late)) == ("starting", tell.Late("web", ON_PORT, 60.0))
    assert run.supervisor.units["web"].late
    assert run.ready("web") == ["count 2"]
    assert not run.supervisor.units["web"].late
    run.ready("web")
    assert run.supervisor.units["web"].how == "port 8000"


@pytest.mark.parametrize(
    ("stated", "port", "asked"),
    [
        (ListenReady(5000), "9000", ListenReady(9000)),
        (ListenReady(5000), "", ListenReady(5000)),
        (ListenReady(5000), "0", ListenReady(None)),
        (ListenReady(5000), "a socket", ListenReady(None)),
        (ListenReady(5000), "9" * 5000, ListenReady(None)),
        (ListenReady(8000), "9000", ListenReady(8000)),
        (PortReady(5000), "9000", PortReady(5000)),
    ],
)
def test_a_port_of_an_env_file_is_what_is_probed_and_named(
    stated: Ready, port: str, asked: Ready
) -> None:
    """It takes the place of the Procfile's, 5000, where the command line says `$PORT`."""
    run = History(spec("web", ready=stated), PORT=port)
    run.launch()
    assert do.Probe("web", run.epoch("web"), asked, 60.0) in run.effects
    web, sign = run.supervisor.units["web"], report.awaited_sign(asked)
    assert sign in report.waiting([web], {}, run.now)
    run.timer("web")
    assert run.said(tell.Late) == tell.Late("web", asked, 60.0)
    assert sign in outcome(web, run.now)


def test_what_is_late_is_verified_and_the_run_is_steady_without_it() -> None:
    run = History(spec("web", ready=ON_PORT), spec("worker"))
    run.launch()
    run.settle("worker")
    assert run.timer("web") == ["count 1"]
    run.counted()
    assert (run.phase, run.supervisor.verified) == ("steady", True)
    assert ("web", State.STARTING, "") in run.said(tell.Steady).services
    assert "web not ready in" in report.sentence(run.said(tell.Steady))


def test_what_is_ready_at_last_is_told_with_its_own_time_and_verified_again() -> None:
    run = History(spec("web", ready=ON_PORT), spec("worker"))
    run.launch()
    run.settle("worker")
    run.timer("web")
    run.counted()
    run.now += 100.0
    assert run.ready("web") == ["count 2"]
    run.counted()
    steady = run.said(tell.Steady)
    assert (steady.cause, steady.services) == (Cause.READY, (("web", State.UP, "port 8000"),))
    assert (steady.stop, steady.start) == (0.0, 100.0)


def test_an_answer_to_the_census_before_it_is_ready_does_not_count_for_the_time_after() -> None:
    run = History(spec("web", ready=ON_PORT))
    run.launch()
    assert run.timer("web") == ["count 1"]
    assert run.ready("web") == ["count 2"]
    run.tell(on.Counted(1, 1))
    assert run.phase == "verifying"


def test_who_comes_after_a_late_one_waits_without_being_called_blocked() -> None:
    run = History(spec("web", "db"), spec("db", ready=ON_PORT))
    run.launch()
    assert run.timer("db") == ["count 1"]
    assert [type(notice) for notice in run.notices] == [tell.Late]
    run.counted()
    assert run.said(tell.Steady).waiting == (("web", "db"),)
    assert report.sentence(run.said(tell.Steady)).startswith("db not ready, web waits for db in ")
    assert run.ready("db") == ["spawn web on 1"]


def test_what_is_asked_for_while_another_is_late_is_told_for_itself() -> None:
    run = History(spec("web", ready=ON_PORT), spec("worker"))
    run.launch()
    run.settle("worker")
    run.timer("web")
    run.counted()
    run.restart("worker")
    assert run.said(tell.Restarting).names == ("worker",)
    run.ends("worker")
    run.settle("worker")
    run.counted()
    assert [name for name, _, _ in run.said(tell.Steady).services] == ["worker"]
    run.ready("web")
    run.counted()
    assert [name for name, _, _ in run.said(tell.Steady).services] == ["web"]


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
    assert run.supervisor.roster.blocked == {"app", "web"}


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
    declared = Declaration((spec("hunter3"),), {"KEY": "hunter3"})
    assert "hunter" not in shown + repr(on.Edited(declared, (".env",)))


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


def test_one_that_only_has_to_live_is_not_late_before_it_can_have_settled() -> None:
    run = History(replace(WEB, ready_timeout=0.1))
    run.launch()
    assert run.armed("web") == 1.0
