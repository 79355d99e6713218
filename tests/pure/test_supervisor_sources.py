"""What a run does when watched source files change, told as histories."""

import pytest
from history import History, spec

from devsup.pure import notices as tell
from devsup.pure.config import OnExit
from devsup.pure.notices import Cause
from devsup.pure.report import sentence

WEB, WORKER = spec("web"), spec("worker")
FILE = "app/tasks.py"


def pair() -> History:
    return History(WEB, WORKER, KEY="1").steady()


def test_only_who_watches_a_file_is_restarted_on_the_same_generation_once_it_is_gone() -> None:
    run = pair()
    assert run.saves(FILE, "worker") == ["TERM worker"]
    assert run.exits("worker") == ["TERM worker and its rest"]
    assert run.empties("worker") == ["spawn worker on 1"]
    assert run.ready("worker") == ["count 2"]
    run.counted()
    assert run.supervisor.verified


def test_the_report_names_the_first_file_and_how_many_more() -> None:
    run = pair()
    run.saves(FILE, "worker")
    assert sentence(run.said(tell.Restarting)) == f"{FILE}: restarting worker on generation 1"
    run.saves("app/b.py", "worker")
    run.saves("app/c.py", "worker")
    run.ends("worker")
    run.ready("worker")
    run.counted()
    steady = run.said(tell.Steady)
    assert steady.cause is Cause.SOURCE
    assert sentence(steady).startswith(f"{FILE} +2: worker (port 8000) on generation 1 in ")


def test_a_file_that_changes_again_is_counted_once() -> None:
    run = pair()
    run.saves(FILE, "worker")
    run.saves(FILE, "worker")
    assert list(run.supervisor.change.sources) == [FILE]


def test_a_change_while_draining_is_covered_by_the_start_that_follows() -> None:
    run = pair()
    run.saves(FILE, "worker")
    assert run.saves(FILE, "worker") == []
    assert run.notices == []
    assert run.ends("worker")[-1] == "spawn worker on 1"
    assert run.ready("worker") == ["count 2"]


def test_a_change_while_starting_restarts_again() -> None:
    run = pair()
    run.saves(FILE, "worker")
    run.ends("worker")
    assert run.state("worker") == "starting"
    assert run.saves(FILE, "worker") == ["TERM worker"]
    assert run.ends("worker")[-1] == "spawn worker on 1"


def test_a_change_during_the_census_restarts_and_the_late_answer_does_not_count() -> None:
    run = pair()
    run.restart("web")
    run.ends("web")
    run.ready("web")
    assert run.phase == "verifying"
    assert run.saves(FILE, "worker") == ["TERM worker"]
    run.counted()
    assert run.phase == "draining"


def test_a_change_during_an_edit_joins_it_and_both_are_told() -> None:
    run = pair()
    run.edit(KEY="2")
    assert run.saves(FILE, "worker") == []
    run.ends("web")
    run.ends("worker")
    run.all_ready()
    run.counted()
    assert sentence(run.said(tell.Steady)).startswith(f".env: ~KEY: {FILE}: web ")


def test_an_edit_during_the_restart_joins_it() -> None:
    run = pair()
    run.saves(FILE, "worker")
    assert run.edit(KEY="2") == ["TERM web"]
    assert run.ends("worker") == ["TERM worker and its rest"]
    assert run.ends("web")[-2:] == ["spawn web on 2", "spawn worker on 2"]


def test_a_service_that_was_asked_down_stays_down_and_starts_on_the_newest_later() -> None:
    run = pair()
    run.stop("worker")
    run.ends("worker")
    run.counted()
    assert run.saves(FILE, "worker") == []
    assert run.notices == []
    assert run.start("worker") == ["spawn worker on 1"]


@pytest.mark.parametrize("on_exit", [OnExit.WAIT, OnExit.RESTART])
def test_a_crashed_service_is_started_by_the_next_change(on_exit: OnExit) -> None:
    run = History(WEB, WORKER, on_exit=on_exit).steady()
    run.ends("worker", 1)
    run.counted()
    assert run.state("worker") == "crashed"
    assert run.saves(FILE, "worker") == ["spawn worker on 1"]
    assert run.supervisor.units["worker"].backoff == 0.0


def test_a_change_while_a_crash_is_cleared_away_is_not_lost() -> None:
    run = pair()
    run.exits("worker", 1)
    run.saves(FILE, "worker")
    assert run.empties("worker") == ["spawn worker on 1"]


def test_a_finished_service_runs_again() -> None:
    run = History(spec("migrate"), WEB)
    run.launch()
    run.ends("migrate", 0)
    run.ready("web")
    run.counted()
    assert run.saves(FILE, "migrate") == ["spawn migrate on 1"]


def test_who_waits_for_a_broken_one_starts_after_its_repair() -> None:
    run = History(spec("db"), spec("web", "db"))
    run.launch()
    run.ends("db", 1)
    run.counted()
    assert run.saves(FILE, "web") == []
    assert run.saves(FILE, "db") == ["spawn db on 1"]
    assert run.ready("db") == ["spawn web on 1"]


def test_a_broken_env_file_holds_up_no_source() -> None:
    run = pair()
    run.breaks(1)
    assert run.saves(FILE, "worker") == ["TERM worker"]
    assert run.ends("worker")[-1] == "spawn worker on 1"


def test_a_change_while_quitting_starts_nothing() -> None:
    run = pair()
    run.quit()
    assert run.saves(FILE, "worker") == []
    run.ends("worker")
    assert run.ends("web")[-1] == "exit 0"
