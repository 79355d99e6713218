"""What devsup says, and how loudly."""

from __future__ import annotations

from signal import SIGQUIT, SIGTERM
from typing import TYPE_CHECKING

import pytest
from history import spec

from devsup.pure import notices as tell
from devsup.pure import report
from devsup.pure.errors import Problem
from devsup.pure.lifecycle import Life, State, Want
from devsup.pure.lines import Tone
from devsup.pure.notices import Cause
from devsup.pure.programs import HttpReady, ListenReady, LogReady, Ready, SettleReady, Step, Target
from devsup.pure.unit import Unit

if TYPE_CHECKING:
    from devsup.pure.notices import Notice

UP = State.UP
STEADY = tell.Steady(
    cause=Cause.EDIT,
    file=".env",
    diff="~KEY",
    services=(("web.1", UP, "port 5000"), ("worker.1", UP, "log line")),
    generation=3,
    stop=0.31,
    start=1.58,
    verify=0.004,
    processes=5,
)
CRASHED = tell.Steady(
    cause=Cause.LAUNCH,
    file="",
    diff="",
    services=(("web.1", State.CRASHED, ""),),
    generation=1,
    stop=0.0,
    start=0.5,
    verify=0.0,
    processes=1,
)


def test_a_restart_is_reported_with_its_phases() -> None:
    assert report.sentence(STEADY) == (
        ".env: ~KEY: web.1 (port 5000) worker.1 (log line) on generation 3 in 1.9 s"
        " (stop 0.3, start 1.6, verify 0.0), 5 processes verified"
    )
    assert report.sentence(CRASHED) == (
        "web.1 crashed in 0.5 s (start 0.5, verify 0.0), 1 process verified"
    )


def test_what_is_about_one_service_names_it() -> None:
    late = tell.Late("web.1", LogReady("ready"), 60.0)
    for notice in (tell.Exited("web.1", 7, 3), late, tell.Stuck("web.1"), tell.Killed("web.1")):
        assert report.about(notice) == "web.1"
    assert report.about(CRASHED) == report.about(tell.Quitting(("web.1",), 1)) == ""


@pytest.mark.parametrize(
    ("notice", "tone"),
    [
        (STEADY, Tone.REPORT),
        (CRASHED, Tone.ALARM),
        (tell.Restarting(Cause.ASKED, "", "", ("web.1",), 1), Tone.PLAIN),
        (tell.Exited("web.1", 0, 1), Tone.PLAIN),
        (tell.Exited("web.1", 1, 1), Tone.ALARM),
        (tell.Exited("web.1", None, 1), Tone.ALARM),
        (tell.Unverified((1,), (), 1), Tone.ALARM),
        (tell.Broken((Problem(".env", 1, "has no `=`"),), 1), Tone.ALARM),
        (tell.Quitting(("web.1",), 1), Tone.PLAIN),
    ],
)
def test_what_must_not_be_overlooked_is_an_alarm(notice: Notice, tone: Tone) -> None:
    assert report.tone(notice) is tone


STEPS = (Step(SIGTERM, Target.LEADER, 10.0), Step(SIGQUIT, Target.LEADER, 2.0))


def unit(state: State, ready: Ready = SettleReady(), *, step: int = 0, **life: int) -> Unit:  # noqa: B008  frozen
    moving = Life(state=state, want=Want.UP, step=step, **life)
    return Unit(spec("worker.1", ready=ready, steps=STEPS), moving, since=100.0)


@pytest.mark.parametrize(
    ("moving", "said"),
    [
        (unit(State.STOPPING, step=1), "finishing, 7 s before SIGQUIT"),
        (unit(State.STOPPING, step=1, exit_code=0), "stopping, 7 s before SIGQUIT"),
        (unit(State.STOPPING, step=2), "stopping, 7 s before SIGKILL"),
        (unit(State.KILLING), "killed, not gone for 3 s"),
        (unit(State.STARTING), "starting for 3 s (until it has settled)"),
        (unit(State.STARTING, ListenReady(80)), "starting for 3 s (until port 80 answers)"),
        (unit(State.STARTING, ListenReady(None)), "starting for 3 s (until it listens)"),
        (unit(State.STARTING, HttpReady("x")), "starting for 3 s (until its address answers)"),
        (unit(State.STARTING, LogReady("up$")), "starting for 3 s (until a line has up$)"),
    ],
)
def test_a_wait_says_who_and_how_long_and_what_for(moving: Unit, said: str) -> None:
    assert report.waiting([moving], {"worker.1": 110.0}, 103.0) == f"waiting: worker.1 {said}"


def test_of_many_who_are_awaited_the_first_are_named() -> None:
    line = report.waiting([unit(State.STARTING)] * 12, {}, 103.0)
    assert line.count("worker.1") == report.NAMED
    assert line.endswith("; 9 more")


def test_nobody_is_awaited() -> None:
    assert report.waiting([unit(State.UP)], {}, 103.0) == ""


def test_a_stuck_service_has_its_pids_and_who_waits_for_its_end() -> None:
    line = report.sentence(tell.Stuck("web.1", (7, 8), ("web.1", "worker.1")))
    assert "web.1 is stuck" in line
    assert "as root: kill -9 7 8" in line
    assert "not started before it is gone: web.1 worker.1" in line


def test_a_stuck_service_that_nobody_can_see_still_is_one() -> None:
    line = report.sentence(tell.Stuck("web.1"))
    assert "kill -9" not in line
    assert "not started" not in line


def test_a_late_service_says_what_is_awaited_and_where_to_change_it() -> None:
    line = report.sentence(tell.Late("web.1", ListenReady(8000), 60.0))
    assert line.startswith("web.1 is not ready after 60 s (until port 8000 answers)")
    assert "`ready-timeout`" in line


def test_who_was_down_is_started_and_not_restarted() -> None:
    notice = tell.Restarting(Cause.EDIT, "Procfile", "+api ~web", ("web.1",), 3, idle=("api.1",))
    said = "Procfile: +api ~web: restarting web.1, starting api.1 on generation 3"
    assert report.sentence(notice) == said


@pytest.mark.parametrize(
    ("interrupts", "end"), [(0, "web.1"), (1, "(Ctrl-C to kill)"), (2, "(Ctrl-C twice to kill)")]
)
def test_keys_are_named_where_somebody_can_type_them(interrupts: int, end: str) -> None:
    assert report.sentence(tell.Quitting(("web.1",), interrupts)).endswith(end)
