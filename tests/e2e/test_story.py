"""The team's story on the real stack: edit `.env`, and everything runs on the new settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import kin
import pytest
from backend import Backend, backend
from stack import SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack import Stack

TASKS = 50
LOOP_ERROR = "attached to a different loop"


@pytest.fixture
def team(stack: Stack) -> Iterator[Backend]:
    with backend(stack) as team:
        yield team


def test_the_edit_of_a_setting_reaches_every_process_and_costs_no_task(team: Backend) -> None:
    team.save("SQLALCHEMY_DISABLE_POOL=0")
    team.up()
    servers = team.servers()
    assert {each["pool"] for each in team.pools()} == {"AsyncAdaptedQueuePool"}
    errors = team.call_often("add_note_with_asyncio_run", TASKS)
    assert any(LOOP_ERROR in error for error in errors)

    switch_the_pool_off_while_a_task_runs(team)
    assert team.call_often("add_note_with_asyncio_run", TASKS) == []

    team.edit("SQLALCHEMY_DISABLE_POOL=0", "SQLALCHEMY_POOL_SIZE=7")
    assert {(each["pool"], each["size"]) for each in team.pools()} == {("AsyncAdaptedQueuePool", 7)}
    assert team.call_often("add_note", TASKS) == []

    crash_on_a_bad_value(team)
    assert team.servers() == servers
    team.edit("SQLALCHEMY_DISABLE_POOL=1")
    assert {each["pool"] for each in team.pools()} == {"NullPool"}
    assert team.servers() == servers
    assert team.stack.interrupt() == 130


def switch_the_pool_off_while_a_task_runs(team: Backend) -> None:
    former = team.application()
    call = team.call("sleep", 2)
    team.stack.wait_for(rf"Task app\.tasks\.sleep\[{call.id}\] received")
    edit = kin.now()
    report = team.edit("SQLALCHEMY_DISABLE_POOL=1")
    assert ".env: ~SQLALCHEMY_DISABLE_POOL: web.1 (port" in report

    result = call.get(SECONDS)
    assert result["pid"] in former  # it was not given back and done again
    assert result["generation"] == team.generation - 1

    processes = team.application()
    assert min(map(kin.born, processes)) > edit
    pools = team.pools()
    assert {each["pool"] for each in pools} == {"NullPool"}
    assert {each["pid"] for each in pools} <= processes
    assert_in_order(
        team.stack.output,
        f"Task app.tasks.sleep[{call.id}] succeeded",
        f"Started server process [{pools[0]['pid']}]",
    )


def assert_in_order(output: str, *texts: str) -> None:
    places = [output.index(text) for text in texts]
    assert places == sorted(places)


def crash_on_a_bad_value(team: Backend) -> None:
    before = len(team.stack.output)
    team.save("SQLALCHEMY_POOL_SIZE=ten")
    team.generation += 1
    team.stack.wait_for(r"^.* \.env: .*web\.1 crashed, worker\.1 crashed")
    assert team.application() == set()
    output = team.stack.output[before:]
    for service in ("web.1   ", "worker.1"):
        assert f"{service} | settings: SQLALCHEMY_POOL_SIZE must be a whole number\n" in output
    assert "Traceback" not in output
