"""`devsup up` as a whole: what it starts, with which environment, and when that counts as ready."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stack import hostile

from devsup.edges.rundir import RunDirectory

if TYPE_CHECKING:
    from stack import Stack

SHOW = "echo value=$VALUE; exec sleep 600"
WHERE = "echo $DEVSUP_SERVICE has $PORT; exec sleep 600"


def test_an_edit_reaches_the_service_and_is_reported(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.write(".env", "VALUE=one\n")
    stack.up().wait_for("value=one")
    stack.wait_for_generation(1)
    stack.write(".env", "VALUE=two\n")
    stack.wait_for("value=two")
    assert ".env: ~VALUE: web.1" in stack.wait_for_generation(2)
    assert stack.interrupt() == 130


# ---- what is started


def test_the_formation_says_how_many_and_each_has_a_port(stack: Stack) -> None:
    stack.write("Procfile", f"web: {WHERE}\nworker: {WHERE}\nother: {WHERE}\n")
    stack.up("-m", "web=2,worker=1,other=0", "-p", "7000").wait_for_generation(1)
    assert set(re.findall(r"\S+ has \d+", stack.output)) == {
        "web.1 has 7000",
        "web.2 has 7001",
        "worker.1 has 7100",
    }


def test_only_what_was_named_is_started(stack: Stack) -> None:
    stack.write("Procfile", f"web: {WHERE}\nworker: {WHERE}\nother: {WHERE}\n")
    stack.up("worker.2", "other", "-m", "worker=2").wait_for_generation(1)
    assert set(re.findall(r"(\S+) has", stack.output)) == {"worker.2", "other.1"}


def test_a_port_of_an_env_file_is_everybodys(stack: Stack) -> None:
    stack.write("Procfile", f"web: {WHERE}\n")
    stack.write(".env", "PORT=7777\n")
    stack.up().wait_for("web.1 has 7777")


def test_a_service_knows_whose_it_is(stack: Stack) -> None:
    stack.write("Procfile", "web: exec sleep 600\nworker: exec sleep 600\n")
    outer = {f"DEVSUP_{name}": "outer" for name in ("RUN", "SERVICE", "GENERATION", "OTHER")}
    stack.up(env=outer).wait_for_generation(1)
    members = stack.family.members().values()
    assert {each["DEVSUP_SERVICE"] for each in members} == {"web.1", "worker.1"}
    assert {each["DEVSUP_GENERATION"] for each in members} == {"1"}
    assert {each.get("DEVSUP_OTHER") for each in members} == {None}
    [run] = {each["DEVSUP_RUN"] for each in members}
    assert run != "outer"


def test_the_leader_is_the_program_and_no_waiting_shell(stack: Stack) -> None:
    stack.write("Procfile", f"web: A=b {sys.executable} -c 'import time; time.sleep(600)'\n")
    stack.up().wait_for_generation(1)
    [(pid, environment)] = stack.family.members().items()
    assert Path(f"/proc/{pid}/exe").samefile(sys.executable)
    assert environment["A"] == "b"


def test_a_service_starts_when_those_it_comes_after_are_ready(stack: Stack) -> None:
    stack.write(
        "Procfile",
        "web: echo begins; exec sleep 600\ndb: read _ < gate; echo at last; exec sleep 600\n",
    )
    stack.write(
        "devsup.toml",
        "[services.web]\nafter = ['db']\n[services.db]\nready = { log = '^at last' }\n",
    )
    let_through = stack.gate()
    stack.up().wait_for("devsup .*waiting: db.1")
    let_through()
    assert "db.1 (log line)" in stack.wait_for_generation(1)
    assert stack.output.index("at last") < stack.output.index("begins")


def test_it_is_not_started_when_one_that_it_comes_after_fails(stack: Stack) -> None:
    stack.write("Procfile", "web: echo begins; exec sleep 600\ndb: [ $VALUE ] && exec sleep 600\n")
    stack.write("devsup.toml", "[services.web]\nafter = ['db']\n")
    stack.up().wait_for("web.1 is not started: it comes after db.1")
    stack.wait_for("db.1 crashed")
    assert "begins" not in stack.output
    stack.write(".env", "VALUE=one\n")
    assert "web.1 (settled) db.1 (settled)" in stack.wait_for_generation(2)


# ---- settings


def test_a_value_of_the_file_beats_the_shells_and_the_key_is_named(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.write(".env", "VALUE=from the file\nSAME=same\n")
    stack.up(env={"VALUE": "from the shell", "SAME": "same"}).wait_for("value=from the file")
    stack.wait_for_generation(1)
    assert re.findall(r"devsup \| (.*shell exports.*)", stack.output) == [
        ".env: VALUE is used, and not the one that your shell exports"
    ]
    assert "from the shell" not in stack.output


def test_a_key_that_begins_to_hide_the_shells_is_named_too(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.up(env={"VALUE": "from the shell"}).wait_for_generation(1)
    stack.write(".env", "VALUE=from the file\n")
    stack.wait_for(r"\.env: VALUE is used, and not the one that your shell exports")
    stack.wait_for_generation(2)
    stack.write(".env", "VALUE=from the file\nOTHER=x\n")
    stack.wait_for_generation(3)
    assert stack.output.count("your shell exports") == 1


def test_a_key_that_is_removed_is_gone(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.write(".env", "VALUE=one\nOTHER=x\n")
    stack.up().wait_for_generation(1)
    assert stack.family.values("OTHER") == {"x"}
    stack.write(".env", "VALUE=one\n")
    assert ".env: -OTHER: web.1" in stack.wait_for_generation(2)
    assert stack.family.values("OTHER") == {None}


def test_a_key_that_is_removed_is_the_shells_again(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.write(".env", "VALUE=from the file\n")
    stack.up(env={"VALUE": "from the shell"}).wait_for("value=from the file")
    stack.write(".env", "")
    stack.wait_for("value=from the shell")


def test_the_later_env_file_wins(stack: Stack) -> None:
    stack.write("Procfile", "web: echo $A $B $C; exec sleep 600\n")
    stack.write(".env", "A=unread\nB=unread\n")
    stack.write("first.env", "A=first\nB=first\n")
    stack.write("second.env", "B=second\nC=${A}-${B}\n")
    stack.up("-e", "first.env", "-e", "second.env").wait_for("first second first-second")
    stack.write("first.env", "A=new\nB=new\n")
    stack.wait_for("new second new-second")
    assert "first.env: ~A ~C: web.1" in stack.wait_for_generation(2)


def test_env_files_of_the_configuration_are_read_and_watched(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.write("pyproject.toml", "[tool.devsup]\nenv-files = ['.env', '.env.local']\n")
    stack.write(".env", "VALUE=common\n")
    stack.up().wait_for("value=common")
    stack.wait_for_generation(1)
    stack.write(".env.local", "VALUE=mine\n")
    stack.wait_for("value=mine")
    assert ".env.local: ~VALUE" in stack.wait_for_generation(2)


def test_a_deleted_env_file_leaves_its_settings_in_force(stack: Stack) -> None:
    stack.write("Procfile", "web: echo $ONE and $TWO; exec sleep 600\n")
    env = stack.write("one.env", "ONE=1\n")
    stack.write("two.env", "TWO=2\n")
    stack.up("-e", "one.env", "-e", "two.env").wait_for_generation(1)
    env.unlink()
    stack.wait_for(r"devsup \| one\.env was deleted")
    stack.replace("two.env", "TWO=3\n")
    assert "two.env: ~TWO" in stack.wait_for_generation(2)
    stack.replace("one.env", "ONE=4\n")
    assert "one.env: ~ONE" in stack.wait_for_generation(3)
    assert re.findall(r". and .", stack.output) == ["1 and 2", "1 and 3", "4 and 3"]
    assert stack.output.count("was deleted") == stack.output.count("one.env is back") == 1
    env.unlink()
    stack.wait_for(r"devsup \| one\.env was deleted")
    stack.replace("one.env", "ONE=4\n")
    stack.wait_for(r"devsup \| one\.env is back")


def test_settings_concern_the_services_that_say_so(stack: Stack) -> None:
    stack.write("Procfile", "db: exec sleep 600\nweb: exec sleep 600\nworker: exec sleep 600\n")
    stack.write(
        "devsup.toml",
        "[services.db]\nenv-restart = false\n[services.web]\nenv-restart = ['WEB_*', 'BOTH']\n",
    )
    stack.write(".env", "BOTH=one\n")
    stack.up().wait_for_generation(1)
    stack.write(".env", "BOTH=two\n")
    assert "~BOTH: web.1 (settled) worker.1 (settled) on" in stack.wait_for_generation(2)
    stack.write(".env", "BOTH=two\nQUEUE=high\n")
    assert "+QUEUE: worker.1 (settled) on" in stack.wait_for_generation(3)
    stack.write(".env", "BOTH=two\nQUEUE=high\nWEB_COLOUR=red\n")
    assert "+WEB_COLOUR: web.1 (settled) worker.1" in stack.wait_for_generation(4)
    generations = {
        each["DEVSUP_SERVICE"]: each["DEVSUP_GENERATION"]
        for each in stack.family.members().values()
    }
    assert generations == {"db.1": "1", "web.1": "4", "worker.1": "4"}


def test_without_watching_an_edit_is_left_alone(stack: Stack) -> None:
    stack.write("Procfile", "web: echo value=$VALUE; read _ < gate; exit 1\n")
    stack.write(".env", "VALUE=one\n")
    let_through = stack.gate()
    stack.up("--no-watch", "--on-exit", "restart").wait_for_generation(1)
    stack.write(".env", "VALUE=two\n")
    let_through()
    stack.wait_for("started again in")  # longer than an edit would take to be seen
    stack.wait_for("value=one")


# ---- ready


def listens_when_let(port: int | str) -> str:
    return f"read _ < gate; exec {hostile('listen', 'ready', '--port', str(port))}"


def test_it_is_ready_when_its_port_answers(stack: Stack, port: int) -> None:
    stack.write("Procfile", f"web: {listens_when_let(port)}\n")
    stack.write("devsup.toml", f"[services.web]\nready = {{ port = {port} }}\n")
    let_through = stack.gate()
    stack.up().wait_for("waiting: web.1 starting")
    let_through()
    stack.wait_for(rf"web\.1 \(port {port}\) on generation 1 in .* 1 process verified")


def test_it_is_ready_when_its_address_answers(stack: Stack, port: int) -> None:
    server = f"{sys.executable} -m http.server --bind 127.0.0.1 {port}"
    stack.write("Procfile", f"web: {server}\n")
    stack.write("devsup.toml", f"[services.web]\nready = {{ http = 'http://127.0.0.1:{port}/' }}\n")
    stack.up().wait_for(r"web\.1 \(http\) on generation 1 in")


def test_an_address_that_answers_with_an_error_is_not_ready(stack: Stack, port: int) -> None:
    server = f"{sys.executable} -m http.server --bind 127.0.0.1 {port}"
    stack.write("Procfile", f"web: {server}\n")
    address = f"http://127.0.0.1:{port}/health"
    stack.write("devsup.toml", f"[services.web]\nready = {{ http = '{address}' }}\n")
    stack.up().wait_for("404")
    stack.wait_for("404")
    stack.write("health", "fine")
    stack.wait_for(r"web\.1 \(http\) on generation 1 in")


def test_it_is_ready_when_a_line_says_so(stack: Stack) -> None:
    line = r"printf '\033[32mall\033[0m set\n'; exec sleep 600"
    stack.write("Procfile", f"web: {line}\n")
    stack.write("devsup.toml", "[services.web]\nready = { log = 'all set$' }\n")
    stack.up().wait_for(r"web\.1 \(log line\) on generation 1 in")


def test_a_known_program_is_ready_when_it_listens(stack: Stack, port: int) -> None:
    """It is known by its name; and somebody else's port would not do."""
    stack.write("uvicorn", f"#!/bin/sh\n{listens_when_let('$PORT')}\n").chmod(0o755)
    stack.write("Procfile", "web: ./uvicorn --port $PORT app:app\n")
    let_through = stack.gate()
    with socket.socket() as other:
        other.bind(("127.0.0.2", port))
        other.listen()
        stack.up("-p", str(port)).wait_for("waiting: web.1 starting")
        let_through()
        stack.wait_for(rf"web\.1 \(port {port}\) on generation 1 in")


def test_it_is_ready_after_a_while_when_nothing_better_is_known(stack: Stack) -> None:
    stack.write("Procfile", "web: exec sleep 600\n")
    stack.up().wait_for(r"web\.1 \(settled\) on generation 1 in (0\.[5-9]|[1-9])")


def test_a_service_that_was_asked_for_and_never_started_is_not_ready(stack: Stack) -> None:
    stack.write("Procfile", "web: exec sleep 600\n")
    stack.write("devsup.toml", "ready-timeout = 1.0\n")
    stack.up().wait_for_generation(1)
    assert stack.run("stop").returncode == 0
    os.kill(stack.family.zygote, signal.SIGSTOP)
    try:
        started = stack.run("start")
    finally:
        os.kill(stack.family.zygote, signal.SIGCONT)
    assert started.returncode == 1
    assert "web.1 is not ready after 1 s (until it has settled)" in started.stdout
    stack.wait_for(r"web\.1 \(settled\) on generation 1")


# ---- what cannot be


def test_a_directory_that_somebody_opened_is_told_and_ends_nothing(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.write(".env", "VALUE=one\n")
    stack.up().wait_for_generation(1)
    directory = RunDirectory.of(stack.root).path
    directory.chmod(0o755)
    stack.write(".env", "VALUE=two\n")
    stack.wait_for(r"the run cannot be recorded \(.* is open to other users")
    stack.wait_for_generation(2)
    directory.chmod(0o700)


def test_settings_that_nothing_could_be_started_on_stop_nothing(stack: Stack) -> None:
    """What the shell exports and what the file says must fit together."""
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.write(".env", "VALUE=one\n")
    exported = {f"BIG{number}": "x" * 100_000 for number in range(14)}
    stack.up(env=exported).wait_for_generation(1)
    lines = "".join(f"K{number}={'y' * 100_000}\n" for number in range(9))
    stack.replace(".env", f"VALUE=two\n{lines}")
    stack.wait_for(r"\.env:\d: this value outgrows what the kernel passes to a program")
    stack.wait_for("kept running on generation 1")


# ---- the output

COLOUR = re.compile(r"\x1b\[0;[\d;]+m\d\d:\d\d:\d\d ")
"""Of a prefix."""


def test_a_pipe_gets_no_colour(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.up().wait_for_generation(1)
    assert re.search(r"^\d\d:\d\d:\d\d web\.1  \| value=$", stack.output, re.MULTILINE)
    assert "\x1b" not in stack.output
    [environment] = stack.family.members().values()
    assert "FORCE_COLOR" not in environment
    assert environment["PYTHONUNBUFFERED"] == "1"


def test_a_terminal_gets_colour(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.up_in_terminal().wait_for_generation(1)
    assert COLOUR.search(stack.output)
    assert stack.family.values("FORCE_COLOR") == {"1"}


@pytest.mark.parametrize(("options", "env"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})])
def test_a_terminal_gets_no_colour_on_request(
    stack: Stack, options: list[str], env: dict[str, str]
) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.up_in_terminal(*options, env=env).wait_for_generation(1)
    assert not COLOUR.search(stack.output)


def test_lines_begin_without_the_time_on_request(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SHOW}\n")
    stack.up("--no-timestamps").wait_for("^web.1  | value=$")
