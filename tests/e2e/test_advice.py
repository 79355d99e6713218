"""The hints on what real programs really say, as a person in front of the terminal gets them."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
from typing import TYPE_CHECKING

import pytest
from backend import copy_servers, programs_on_path
from ports import LOOPBACK
from stack import hostile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack import Stack

SECRET = "hunter2"
COLOURED = {"FORCE_COLOR": "1"}


@contextlib.contextmanager
def listener(port: int) -> Iterator[None]:
    """The test itself holds the port."""
    with socket.create_server((LOOPBACK, port)):
        yield


def hint(stack: Stack) -> str:
    """The one hint that there is once everything is where it can be."""
    stack.wait_for("hint: ")
    stack.wait_for("verified|is down until")
    stack.interrupt()
    [line] = [line for line in stack.output.splitlines() if "hint: " in line]
    assert SECRET not in stack.output
    return line.partition("hint: ")[2]


def run(stack: Stack, procfile: str, *options: str, **env: str) -> str:
    stack.write("Procfile", procfile)
    stack.up(*options, env=programs_on_path() | env)
    return hint(stack)


# ---- a missing module


@pytest.mark.parametrize(
    "command",
    [
        "uvicorn app.main:app",
        "uvicorn --use-colors app.main:app --reload",
        "uvicorn main:app",
        "celery -A app worker",
        "python -m app",
        "python -c 'import app.main'",
    ],
)
def test_a_module_in_another_directory_is_found(stack: Stack, command: str) -> None:
    stack.write("backend/app/main.py", "")
    stack.write("backend/main.py", "")
    stack.write("Procfile", f"web: {command}\n")
    stack.up(env=programs_on_path())
    said = stack.wait_for(r"hint: (web.1: .* lies in backend/.*)$")[1]
    assert "`cd backend &&`" in said
    stack.interrupt()
    assert stack.output.count("hint: ") == 1


@pytest.mark.parametrize("line", ["cd app && {}", "cd app && PYTHONPATH=. {}"])
def test_advice_for_a_line_that_leaves_the_project_cures_it(
    stack: Stack, port: int, line: str
) -> None:
    stack.write("app/main.py", "async def app(scope, receive, send): ...\n")
    serve = f"uvicorn app.main:app --port {port}"
    said = run(stack, f"web: {line.format(serve)}\n")
    cure = f"PYTHONPATH={stack.root}"
    assert f"set {cure} in its line, or drop the `cd` there" in said
    stack.write("Procfile", f"web: cd app && {cure} {serve}\n")
    stack.up(env=programs_on_path()).wait_for_generation(1)


def test_a_slip_in_a_name_is_told_from_a_missing_package(stack: Stack) -> None:
    stack.write("app/main.py", "")
    assert "app has no mian: a slip" in run(stack, "web: uvicorn app.mian:app\n")


def test_a_dependency_that_is_not_installed_names_the_environment_in_use(stack: Stack) -> None:
    stack.write("main.py", "import nosuchpackage\n")
    said = run(stack, "web: uvicorn main:app\n")
    assert "nosuchpackage is neither in this project nor installed in" in said


# ---- a missing program


@pytest.mark.parametrize(
    "line",
    ["celerybeat -A app", "bash -c celerybeat", "bash -c 'exec celerybeat'", "celerybeat | cat"],
)
def test_a_program_that_is_not_there_is_advised_like_by_check(stack: Stack, line: str) -> None:
    assert run(stack, f"beat: {line}\n") == (
        "beat.1: celerybeat is not on PATH: is it installed, and the virtual environment active?"
    )
    said = stack.run("check").stdout
    assert ("celerybeat is not on PATH: is it installed" in said) is line.startswith("celerybeat -")


def test_what_a_shell_expands_is_in_no_hint(stack: Stack) -> None:
    stack.write(".env", f"COMMAND={SECRET}\n")
    stack.write("Procfile", "web: $COMMAND\n")
    stack.up()
    said = stack.wait_for("hint: (.*)$")[1]
    assert (
        said
        == "web.1: a program is not on PATH: is it installed, and the virtual environment active?"
    )


def test_a_hint_is_among_the_lines_of_its_service(stack: Stack) -> None:
    stack.write("app/main.py", "")
    stack.write("Procfile", "web: uvicorn app.mian:app\ndb: exec sleep 600\n")
    stack.up(env=programs_on_path()).wait_for("hint: ")
    stack.wait_for_generation(1)
    assert "hint: web.1: " in stack.run("restart", "web").stdout
    running = stack.run("logs", "web.1").stdout
    assert "hint: web.1: " in running
    assert re.search(
        r"devsup \| web\.1 exited with status \d, and nobody had asked it to\n", running
    )
    assert "hint: " not in stack.run("logs", "db").stdout
    stack.interrupt()
    assert stack.run("logs", "web.1").stdout == running
    assert stack.run("logs").stdout.count("hint: ") == 2  # one for each who started it


# ---- a refused connection


ASYNCPG = "import asyncio, asyncpg, os; asyncio.run(asyncpg.connect(os.environ['DATABASE_URL']))"
REDIS = "import os, redis; redis.Redis.from_url(os.environ['DATABASE_URL']).ping()"
KOMBU = (
    "import os, kombu\n"
    "kombu.Connection(os.environ['DATABASE_URL']).ensure_connection(max_retries=1)"
)


@pytest.mark.parametrize(
    ("code", "scheme"), [(ASYNCPG, "postgresql"), (REDIS, "redis"), (KOMBU, "redis")]
)
def test_a_refused_connection_names_the_service_that_should_answer(
    stack: Stack, port: int, code: str, scheme: str
) -> None:
    stack.write("client.py", code)
    stack.write(".env", f"DATABASE_URL={scheme}://app:{SECRET}@{LOOPBACK}:{port}/0\n")
    stack.write("devsup.toml", f"[services.db]\nready = {{ port = {port} }}\n")
    let_ask = stack.gate()
    stack.write("Procfile", "db: exit 3\nweb: read _ < gate; python client.py\n")
    stack.up(env=programs_on_path()).wait_for("db.1 is down until")
    let_ask()
    assert hint(stack) == (
        f"web.1: port {port} refused, db.1 is to listen there, and crashed; type: devsup logs db.1"
    )


def test_a_refused_connection_that_no_service_is_known_for_names_the_setting(
    stack: Stack, port: int
) -> None:
    stack.write("client.py", ASYNCPG)
    stack.write(".env", f"DATABASE_URL=postgresql://app:{SECRET}@{LOOPBACK}:{port}/0\n")
    said = run(stack, "web: python client.py\n")
    assert f"nobody listens on port {port}, and no service here is known to" in said
    assert "the address in DATABASE_URL right?" in said


def test_a_celery_worker_without_its_broker_is_told_to_start_after_it(
    stack: Stack, port: int
) -> None:
    let_listen = stack.gate()
    copy_servers(stack.root)
    stack.write(
        "jobs.py",
        f"from celery import Celery\napp = Celery(broker='redis://:{SECRET}@{LOOPBACK}:{port}')\n",
    )
    stack.write(
        "Procfile",
        "broker: read _ < gate; BROKER_PORT=$BROKER python examples/servers/broker.py\n"
        "worker: celery -A jobs worker --pool solo\n",
    )
    stack.write("devsup.toml", f"[services.broker]\nready = {{ port = {port} }}\n")
    stack.up(env=programs_on_path() | COLOURED | {"BROKER": str(port)})
    said = stack.wait_for(r"hint: (.*)$")[1]
    assert said == (
        f"worker.1: port {port} refused, broker.1 is to listen there, and still starting:"
        ' in devsup.toml, [services.worker] after = ["broker"]'
    )
    let_listen()
    stack.wait_for_generation(1)
    stack.interrupt()
    assert SECRET not in stack.output.replace(f":{SECRET}@", "")
    assert stack.output.count("hint: ") == 1


# ---- a taken port


@pytest.mark.parametrize(
    "command",
    [
        "uvicorn served:app --port {port}",
        "uvicorn served:app --port {port} --reload --use-colors",
        "python -m http.server --bind 127.0.0.1 {port}",
        "BROKER_PORT={port} python examples/servers/broker.py",
        "DB_PORT={port} python examples/servers/db.py",
    ],
)
def test_a_taken_port_has_its_owner_named(stack: Stack, port: int, command: str) -> None:
    copy_servers(stack.root)
    stack.write("served.py", "async def app(scope, receive, send): ...\n")
    stack.write("devsup.toml", f"[services.web]\nready = {{ port = {port} }}\n")
    with listener(port):
        stack.write("Procfile", f"web: {command.format(port=port)}\n")
        stack.up(env=programs_on_path())
        said = stack.wait_for(r"hint: (.*)$")[1]
        stack.interrupt()
    assert f"web.1: port {port} is held by " in said
    assert re.search(r"type: kill \d+, then: devsup restart web.1$", said)
    assert stack.output.count("hint: ") == 1


def test_a_port_that_the_program_does_not_name_is_the_one_that_it_was_given(
    stack: Stack, port: int
) -> None:
    serve = "import os, socketserver; socketserver.TCPServer(('', int(os.environ['PORT'])), None)"
    stack.write("serve.py", f"{serve}\n")
    with listener(port):
        stack.write("Procfile", f"web: {sys.executable} serve.py\n")
        stack.up("-p", str(port))
        said = stack.wait_for(r"hint: (.*)$")[1]
        stack.interrupt()
    assert f"web.1: port {port} is held by " in said


def test_two_services_that_want_one_port_are_both_named(stack: Stack, port: int) -> None:
    stack.write("served.py", "async def app(scope, receive, send): ...\n")
    stack.write("devsup.toml", "[services.api]\nafter = ['web']\n")
    owner = hostile("listen", "ready", "--port", str(port))
    said = run(stack, f"web: {owner}\napi: uvicorn served:app --port {port}\n")
    assert f"web.1 and api.1 both want port {port}, and web.1 has it" in said


# ---- words


def test_a_log_that_talks_about_errors_gets_no_hint(stack: Stack) -> None:
    talk = "ModuleNotFoundError: No module named 'x'"
    lines = [f'{{"message": "{talk}"}}', f"{talk} is what one sees", f"user wrote: {talk}"]
    stack.write("talk.py", f"for line in {lines!r}: print(line)\ninput()\n")
    stack.gate("never")
    stack.write("Procfile", f"web: {sys.executable} talk.py < never\n")
    stack.up().wait_for_generation(1)
    stack.interrupt()
    assert stack.output.count(talk) == 3
    assert "hint: " not in stack.output
