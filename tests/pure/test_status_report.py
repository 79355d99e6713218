"""A status as people read it: the headline tells the truth, and the table fits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devsup.pure import status_report
from devsup.pure.snapshot import ProblemStatus, ProcessStatus, ServiceStatus, Status

PROCESS = ProcessStatus(
    pid=10,
    generation=4,
    fresh=True,
    listening=(8000,),
    rss_bytes=30 * 1024 * 1024,
    cpu_percent=1.4,
    command="uvicorn",
)
SERVICE = ServiceStatus(
    name="web.1",
    type="web",
    state="up",
    pid=10,
    generation=4,
    uptime_s=185.0,
    restarts=3,
    exit_code=None,
    port=8000,
    ready="port 8000",
    fresh=True,
    processes=(PROCESS, replace(PROCESS, pid=11, listening=(8000, 0))),
)
DOWN = replace(SERVICE, state="down", pid=None, uptime_s=None, processes=())
STATUS = Status(
    root="/srv/app",
    run="12345678-00000001",
    pid=5,
    generation=4,
    phase="steady",
    verified=True,
    env_files=(".env",),
    problems=(),
    services=(SERVICE,),
)


def headline(*services: ServiceStatus, **changes: Any) -> str:
    return status_report.headline(replace(STATUS, services=services, **changes))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (headline(SERVICE), "generation 4, 1 service, 2 processes, all on the current settings"),
        (
            headline(SERVICE, DOWN),
            "generation 4, 1 of 2 services, 2 processes, all on the current settings",
        ),
        (
            headline(replace(SERVICE, processes=(PROCESS,)), replace(SERVICE, name="web.2")),
            "generation 4, 2 services, 3 processes, all on the current settings",
        ),
        (
            headline(SERVICE, verified=False, phase="draining"),
            "generation 4, 1 service, 2 processes, draining",
        ),
        (
            headline(replace(SERVICE, processes=(PROCESS, replace(PROCESS, pid=7, fresh=False)))),
            "generation 4, 1 service, 2 processes, NOT on the current settings: 7",
        ),
    ],
)
def test_the_headline_answers_whether_all_of_it_is_current(line: str, expected: str) -> None:
    assert line == expected


def test_the_headline_says_who_is_stuck_and_what_to_type() -> None:
    stuck = replace(STATUS, phase="draining", services=(replace(SERVICE, state="stuck"), DOWN))
    line = status_report.headline(stuck)
    assert "STUCK: web.1, which others may wait for (as root: kill -9 10 11)" in line


def test_nothing_counts_as_current_before_the_census() -> None:
    assert "current" not in headline(SERVICE, verified=False, phase="verifying")


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (SERVICE, ("web.1", "up", "10", "4", "3m05s", "3", "3%", "60M", "8000", "yes")),
        (DOWN, ("web.1", "down", "-", "4", "-", "3", "-", "-", "-", "-")),
        (replace(DOWN, generation=0), ("web.1", "down", "-", "-", "-", "3", "-", "-", "-", "-")),
    ],
)
def test_a_row_sums_up_the_processes_of_a_service(
    service: ServiceStatus, expected: tuple[str, ...]
) -> None:
    assert status_report.row(service) == expected


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (replace(DOWN, state="crashed", exit_code=3), "crashed (3)"),
        (replace(DOWN, state="crashed", exit_code=-9), "crashed (-9)"),
        (replace(DOWN, state="crashed", exit_code=None), "crashed"),
        (replace(DOWN, state="down", exit_code=0), "down"),
    ],
)
def test_a_crash_shows_its_exit_code(service: ServiceStatus, expected: str) -> None:
    assert status_report.state(service) == expected


OVERWRITTEN = replace(PROCESS, generation=None)
STALE = replace(PROCESS, fresh=False)


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        ((), "-"),
        ((PROCESS, PROCESS), "yes"),
        ((PROCESS, OVERWRITTEN), "lineage"),
        ((OVERWRITTEN, STALE), "STALE"),
    ],
)
def test_freshness_says_by_what_it_is_known(
    processes: tuple[ProcessStatus, ...], expected: str
) -> None:
    assert status_report.freshness(replace(SERVICE, processes=processes)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0s"),
        (59.999, "59s"),
        (60.0, "1m00s"),
        (3599.9, "59m59s"),
        (3600.0, "1h00m"),
        (7620.0, "2h07m"),
        (86400.0, "1d00h"),
        (273600.0, "3d04h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, expected: str) -> None:
    assert status_report.duration(seconds) == expected


def test_the_table_is_aligned_and_problems_stand_below_it() -> None:
    problems = (
        ProblemStatus(".env", 3, "has no `=`"),
        ProblemStatus(".env.local", None, "is a directory"),
    )
    long = replace(SERVICE, name="a-long-name.1")
    status = replace(STATUS, problems=problems, services=(SERVICE, long))
    _, heading, *rows, first, second = status_report.lines(status)
    assert {line.index("up" if "up " in line else "state") for line in [heading, *rows]} == {15}
    assert first == ".env:3: has no `=`"
    assert second == ".env.local: is a directory"
