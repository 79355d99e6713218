"""Servers that have children of their own: an edit leaves none of the old generation behind."""

from __future__ import annotations

import contextlib
import shutil
import sys
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import kin
import pytest
from backend import copy_servers, get, programs_on_path, tasks_at
from ports import LOOPBACK
from stack import HERE, SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket

    from celery import Celery
    from stack import Stack

MODES = {"": 1, "--reload": 1, "--workers 2": 2}
"""Options of uvicorn, and the processes that then serve."""
SHORT = "stop-timeout = 0.3\n"
HEEDS_INT = sys.version_info < (3, 12)
"""Whether INT makes uvicorn leave an open stream: from 3.12 on it waits for `Server.wait_closed`,
which waits for the client."""


def start_web(stack: Stack, port: int, mode: str, options: str = "") -> None:
    """Serve served.py, until every process of it does."""
    shutil.copy(HERE / "served.py", stack.root)
    stack.write("Procfile", f"web: uvicorn served:app --port $PORT {mode} {options}\n")
    stack.write(".env", "VALUE=one\n")
    stack.up("--port", str(port), env=programs_on_path()).wait_for_generation(1)
    stack.seen = 0
    stack.wait_for(rf"(?s)(?:startup complete.*?){{{MODES[mode]}}}")


@contextlib.contextmanager
def edited(stack: Stack) -> Iterator[None]:
    """An edit, between two looks at all processes: nobody is in both."""
    with kin.held(members(stack)) as former:
        stack.write(".env", "VALUE=two\n")
        stack.wait_for_generation(2)
        assert kin.are_dead(former)
        yield
        assert {kin.environment(pid)["VALUE"] for pid in members(stack)} == {"two"}


def members(stack: Stack) -> set[int]:
    """The live processes of the services that an edit concerns."""
    found = set[int]().union(*kin.groups(stack.devsup.pid))
    return {pid for pid in found if kin.program(pid) != "valkey-server"}


@pytest.mark.parametrize("mode", MODES)
def test_the_port_is_served_by_nobody_but_the_new_generation(
    stack: Stack, port: int, mode: str
) -> None:
    start_web(stack, port, mode)
    first = get(port, "/")
    with edited(stack):
        second = get(port, "/")
    assert (first["generation"], first["value"]) == ("1", "one")
    assert (second["generation"], second["value"]) == ("2", "two")
    assert second["pid"] in members(stack)


@pytest.mark.parametrize("mode", MODES)
def test_clients_that_stay_connected_hold_up_no_restart_and_cost_a_sigkill_only_where_they_must(
    stack: Stack, port: int, mode: str
) -> None:
    stack.write("devsup.toml", f"[services.web]\n{SHORT}")
    start_web(stack, port, mode)
    replaced_with_clients(stack, port)
    assert "web.1 is still running: SIGINT" in stack.output
    assert ("SIGKILL" in stack.output) is not HEEDS_INT


@pytest.mark.parametrize("mode", MODES)
def test_a_limit_of_uvicorns_own_spares_every_python_the_sigkill(
    stack: Stack, port: int, mode: str
) -> None:
    start_web(stack, port, mode, "--timeout-graceful-shutdown 1")
    replaced_with_clients(stack, port)
    assert "web.1 is still running" not in stack.output


def replaced_with_clients(stack: Stack, port: int) -> None:
    """An edit while somebody keeps a connection open, and somebody else an answer."""
    with connected(port, "/") as idle, connected(port, "/stream") as streaming:
        with edited(stack):
            assert get(port, "/")["generation"] == "2"
        assert is_cut_off(idle)
        assert is_cut_off(streaming)


@contextlib.contextmanager
def connected(port: int, path: str) -> Iterator[socket]:
    """A client that has an answer, or its beginning, and stays."""
    connection = HTTPConnection(LOOPBACK, port, timeout=SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", path)
        with connection.getresponse() as response:
            assert response.status == 200
            assert response.read1()
            assert connection.sock
            yield connection.sock


def is_cut_off(client: socket) -> bool:
    """Whether its connection was ended by the other side, as it must be."""
    with contextlib.suppress(ConnectionError):
        while client.recv(4096):
            pass
    return True


@pytest.fixture
def tasks(stack: Stack, port: int) -> Iterator[Celery]:
    """A client of jobs.py, which is in the project with a broker of its own."""
    copy_servers(stack.root)
    for name in ("served.py", "jobs.py"):
        shutil.copy(HERE / name, stack.root)
    worker = (
        "celery -A jobs worker --loglevel INFO --without-gossip --without-mingle --concurrency 3"
    )
    stack.write("Procfile", f"broker: python examples/servers/broker.py\nworker: {worker}\n")
    config = "[services.broker]\nenv-restart = false\n[services.worker]\nafter = ['broker']\n"
    stack.write("devsup.toml", config)
    stack.write(".env", "VALUE=one\n")
    with tasks_at(port) as tasks:
        yield tasks


def start_worker(stack: Stack, port: int) -> None:
    stack.up(env=programs_on_path() | {"BROKER_PORT": str(port)}).wait_for_generation(1)


def test_a_prefork_pool_is_replaced_as_a_whole(stack: Stack, port: int, tasks: Celery) -> None:
    start_worker(stack, port)
    assert len(members(stack)) == 1 + 3
    first = tasks.send_task("jobs.answer").get(SECONDS)
    with edited(stack):
        second = tasks.send_task("jobs.answer").get(SECONDS)
        assert second["pid"] in members(stack)
    assert (first["generation"], first["value"]) == ("1", "one")
    assert (second["generation"], second["value"]) == ("2", "two")


def test_a_task_that_outlasts_its_grace_is_given_back_and_done_on_the_new_settings(
    stack: Stack, port: int, tasks: Celery
) -> None:
    with (stack.root / "devsup.toml").open("a") as config:
        config.write(SHORT)
    start_worker(stack, port)
    call = tasks.send_task("jobs.answer_on", ["two"])
    stack.wait_for("received")
    with edited(stack):
        assert call.get(SECONDS)["generation"] == "2"
    assert "worker.1 is still running: SIGQUIT" in stack.output
