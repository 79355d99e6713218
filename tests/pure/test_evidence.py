"""Why a process belongs to a project, and why it does not: as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from seen import BEGAN, INIT, KEY, RECORD, ROOT, RUN, UID, row, seen

from devsup.pure.evidence import Project, Reason, Why, guess, is_program, proof
from devsup.pure.record import Daemon

if TYPE_CHECKING:
    from devsup.pure.sighting import Row

CERTAIN = {60: (RECORD.sessions[0], True)}
LIKELY = {60: (RECORD.sessions[0], False)}
PROJECT = Project(root=ROOT, key=KEY, uid=UID, record=RECORD, sessions=CERTAIN)
NO_RECORD = Project(root=ROOT, key=KEY, uid=UID)
ELSEWHERE: dict[str, Any] = {"directory": "/"}
OTHER = 1001


# ---- the mark


def test_a_mark_of_any_run_of_the_project_is_proof_anywhere() -> None:
    found = seen(run=f"{KEY}-ffffffff", service="web.1", **ELSEWHERE)
    assert proof(found, NO_RECORD) == Reason(Why.MARK, "web.1")


@pytest.mark.parametrize("run", ["87654321-00000001", "1234567-00000001", "", "x", None])
def test_any_other_mark_is_none(run: str | None) -> None:
    assert proof(seen(run=run), PROJECT) is None


def test_of_another_user_only_the_very_run_counts() -> None:
    assert proof(seen(run=RUN, uid=OTHER), PROJECT) == Reason(Why.MARK)
    assert proof(seen(run=f"{KEY}-ffffffff", uid=OTHER), PROJECT) is None
    assert proof(seen(run=RUN, uid=OTHER), NO_RECORD) is None


# ---- the session


def test_a_recorded_session_is_proof_anywhere_and_for_any_user() -> None:
    found = seen(session=60, uid=OTHER, **ELSEWHERE)
    assert proof(found, PROJECT) == Reason(Why.SESSION, "web.1")


def test_a_session_without_its_leader_needs_directory_and_user() -> None:
    project = replace(PROJECT, sessions=LIKELY)
    assert proof(seen(session=60), project) == Reason(Why.SESSION, "web.1")
    assert proof(seen(session=60, **ELSEWHERE), project) is None
    assert proof(seen(session=60, directory=None), project) is None
    assert proof(seen(session=60, uid=OTHER), project) is None


def test_a_session_that_is_not_on_record_proves_nothing() -> None:
    assert proof(seen(session=61), PROJECT) is None


# ---- the daemon that was seen


def test_a_recorded_daemon_is_proof_anywhere_for_any_user_and_no_other_of_its_pid() -> None:
    found = seen(uid=OTHER, **ELSEWHERE)
    record = replace(RECORD, daemons=(Daemon("db.1", found.row.identity),))
    project = replace(PROJECT, record=record)
    assert proof(found, project) == Reason(Why.SEEN, "db.1")
    later = replace(found, row=replace(found.row, started=found.row.started + 0.01))
    assert proof(later, project) is None


# ---- the daemon without environment

DAEMON: dict[str, Any] = {"cleared": True, "parent": INIT}


def test_a_cleared_orphan_of_the_runs_time_and_place_is_its_daemon() -> None:
    assert proof(seen(**DAEMON), PROJECT) == Reason(Why.DAEMON)


@pytest.mark.parametrize(
    "difference",
    [
        {"cleared": False},
        {"terminal": True},
        {"uid": OTHER},
        {"uid": None},
        {"directory": "/srv"},
        {"directory": "/srv/app2"},
        {"directory": None},
        {"started": BEGAN},
        {"run": "87654321-00000001"},
        {"ppid": 0, "parent": None},
        {"ppid": 40, "parent": row(40, started=BEGAN)},
        {"ppid": 40, "parent": row(40, started=BEGAN - 1, terminal=True)},
    ],
    ids=str,
)
def test_a_process_that_differs_from_it_in_one_thing_is_not(difference: dict[str, Any]) -> None:
    assert proof(seen(**{**DAEMON, **difference}), PROJECT) is None


@pytest.mark.parametrize(
    "adopted",
    [
        {"ppid": 1, "parent": replace(INIT, terminal=True, started=BEGAN + 1)},
        {"ppid": 40, "parent": row(40, started=BEGAN - 1)},
        {"ppid": 40, "parent": None},
    ],
    ids=["init of a container", "systemd --user", "parent gone meanwhile"],
)
def test_an_orphan_may_have_been_adopted_by(adopted: dict[str, Any]) -> None:
    assert proof(seen(**{**DAEMON, **adopted}), PROJECT) == Reason(Why.DAEMON)


def test_without_a_record_there_are_no_such_daemons() -> None:
    assert proof(seen(**DAEMON), NO_RECORD) is None


# ---- guardians, who carry the mark of a project and no service's


@pytest.mark.parametrize("difference", [{}, {"ppid": 40, "parent": row(40, started=BEGAN - 1)}])
def test_a_guardian_of_this_project_that_lost_its_zygote_is_such_a_daemon(
    difference: dict[str, Any],
) -> None:
    found = seen(**{**DAEMON, "run": f"{KEY}-00000002", **difference})
    assert proof(found, PROJECT) == Reason(Why.DAEMON)


def test_one_that_has_its_zygote_ends_by_itself() -> None:
    found = seen(run=f"{KEY}-00000002", cleared=True, ppid=51, parent=row(51, started=BEGAN + 1))
    assert proof(found, PROJECT) is None


@pytest.mark.parametrize("parent", [INIT, row(40, started=BEGAN - 1)], ids=["init", "its zygote"])
def test_one_of_another_project_is_none_of_ours(parent: Row) -> None:
    found = seen(run="87654321-00000002", cleared=True, ppid=parent.pid, parent=parent)
    assert proof(found, PROJECT) is None


# ---- strays

PROGRAMS = {"db": (), "web": ("uvicorn", "app:app")}
STRAYS = replace(NO_RECORD, ports=frozenset({8000}), programs=PROGRAMS)


def test_a_listener_on_a_port_of_the_project_is_a_stray() -> None:
    assert guess(seen(), (22, 8000), STRAYS) == Reason(Why.PORT)


def test_a_program_of_the_procfile_is_a_stray() -> None:
    found = seen(command=("/venv/bin/python", "/venv/bin/uvicorn", "app:app"))
    assert guess(found, (), STRAYS) == Reason(Why.PROGRAM, "web")


@pytest.mark.parametrize("place", ["/srv", "/srv/app-2", "/", None])
def test_neither_is_one_outside_of_the_project(place: str | None) -> None:
    found = seen(command=("uvicorn", "app:app"), directory=place)
    assert guess(found, (8000,), STRAYS) is None


def test_neither_is_one_of_another_user() -> None:
    assert guess(seen(command=("uvicorn", "app:app"), uid=OTHER), (8000,), STRAYS) is None


def test_the_root_itself_lies_in_the_project() -> None:
    assert guess(seen(directory=ROOT), (8000,), STRAYS) == Reason(Why.PORT)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("uvicorn", "app:app"), ("uvicorn", "app:app")),
        (("/venv/bin/uvicorn", "app:app"), ("uvicorn", "app:app")),
        (("uvicorn", "app:app"), ("./bin/uvicorn", "app:app")),
        (("/usr/bin/python3", "/venv/bin/uvicorn", "app:app"), ("uvicorn", "app:app")),
        (("/usr/bin/env", "-S", "/venv/bin/x"), ("x",)),
        (("/usr/bin/python3", "-u", "/venv/bin/x", "y"), ("x", "y")),
        (("uvicorn", "--port", "5000"), ("uvicorn", "--port", "$PORT")),
        (("uvicorn", "--port=5000"), ("uvicorn", "--port=${PORT}")),
    ],
    ids=str,
)
def test_a_live_command_line_is_the_procfiles(
    command: tuple[str, ...], words: tuple[str, ...]
) -> None:
    assert is_program(command, words)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("uvicorn", "other:app"), ("uvicorn", "app:app")),
        (("uvicorn", "app:app", "--reload"), ("uvicorn", "app:app")),
        (("uvicorn",), ("uvicorn", "app:app")),
        (("vim", "uvicorn", "app:app"), ("uvicorn", "app:app")),
        (("tail", "-f", "uvicorn"), ("uvicorn",)),
        (("a", "b", "c", "/bin/uvicorn"), ("uvicorn",)),
        (("bash",), ("$PROGRAM",)),
        (("bash",), ()),
        ((), ()),
        ((), ("uvicorn",)),
    ],
    ids=str,
)
def test_a_live_command_line_that_merely_looks_alike_is_not(
    command: tuple[str, ...], words: tuple[str, ...]
) -> None:
    assert not is_program(command, words)
