"""What counts as an answer, and when a run is verified, told as histories."""

import pytest
from history import ON_PORT, History, spec

from devsup.pure import events as on
from devsup.pure import notices as tell
from devsup.pure.verification import SWEEPS

WEB, WORKER = spec("web"), spec("worker")


def pair() -> History:
    """web and worker, steady on KEY=1."""
    return History(WEB, WORKER, KEY="1").steady()


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
    assert (run.phase, run.supervisor.verification.strays, run.notices) == ("steady", (), [])


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
    assert (run.phase, run.supervisor.verified) == ("steady", False)
    assert run.supervisor.verification.strays == (7,)


def test_stale_processes_are_not_swept_since_they_live_where_they_should() -> None:
    run = History(WEB)
    run.launch()
    run.ready("web")
    assert run.counted(stale=(7,)) == []
    assert run.said(tell.Unverified) == tell.Unverified((), (7,), 1)
    assert (run.phase, run.supervisor.verified) == ("steady", False)
    assert run.supervisor.verification.stale == (7,)
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
