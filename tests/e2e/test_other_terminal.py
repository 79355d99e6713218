"""What is asked of a running devsup from another terminal, and what becomes of it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kin
import psutil
import pytest
from emulator import Emulator
from other import other
from stack import DEVSUP, hostile

from devsup.edges import client
from devsup.edges.rundir import Role, RunDirectory
from devsup.pure.protocol import Command, Kind, Reply, Request, dump

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack import Stack

README = Path(__file__).parents[2] / "README.md"
SLEEP = "exec sleep 600"
SECRET = "hunter2"
ENDED = "everything has ended\n"


@pytest.fixture
def two(stack: Stack) -> Stack:
    """A web and a worker that live, on generation 1."""
    stack.write("Procfile", f"web: echo web has $VALUE; {SLEEP}\nworker: {SLEEP}\n")
    stack.write(".env", f"VALUE={SECRET}\n")
    stack.up().wait_for_generation(1)
    return stack


def status(stack: Stack) -> dict[str, Any]:
    done = stack.run("status", "--json")
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def states(stack: Stack) -> dict[str, str]:
    return {each["name"]: each["state"] for each in status(stack)["services"]}


def pids(stack: Stack) -> dict[str, int | None]:
    return {each["name"]: each["pid"] for each in status(stack)["services"]}


def in_some_time(*phases: str) -> str:
    """How long something took, with its phases; that it waited for others, too, is possible."""
    parts = ", ".join(rf"{phase} \d+\.\d" for phase in phases)
    return rf" in [\d.]+ m?s( \((wait \d+\.\d, )?{parts}\))?\n"


def slow(stack: Stack) -> Callable[[], object]:
    """A web that stops at once, and a worker that stops each time when it is let through."""
    let_through = stack.gate()
    worker = "trap 'read _ < gate; exit' TERM; echo trapped; while :; do sleep 0.01; done"
    stack.write("Procfile", f"web: {SLEEP}\nworker: {worker}\n")
    options = "ready = { log = 'trapped' }\nstop-timeout = 60.0\n"
    stack.write("devsup.toml", f"[services.worker]\n{options}")
    stack.write(".env", "VALUE=one\n")
    stack.up().wait_for_generation(1)
    return let_through


# ---- status


def documented(heading: str) -> set[str]:
    """The fields in the first table of README.md below this line."""
    table = README.read_text(encoding="utf-8").partition(f"\n{heading}\n\n")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_status_has_exactly_the_documented_fields(two: Stack) -> None:
    two.replace(".env", "VALUE='\n")
    two.wait_for("kept running on generation 1")
    found = status(two)
    assert found.keys() == documented("### `devsup status --json`")
    assert found["services"][0].keys() == documented("Each of `services`:")
    assert found["services"][0]["processes"][0].keys() == documented("Each of `processes`:")
    assert found["problems"][0].keys() == documented("Each of `problems`:")


def test_status_says_what_is(two: Stack) -> None:
    found = status(two)
    assert found["root"] == str(two.root)
    assert found["pid"] == two.devsup.pid
    assert (found["generation"], found["phase"], found["verified"]) == (1, "steady", True)
    assert (found["env_files"], found["problems"]) == ([".env"], [])
    web, worker = found["services"]
    assert (web["name"], web["type"], web["state"]) == ("web.1", "web", "up")
    assert web["pid"] == two.leaders["web.1"]
    assert (web["generation"], web["restarts"], web["exit_code"]) == (1, 0, None)
    assert (web["port"], worker["port"]) == (5000, 5100)
    assert (web["ready"], web["fresh"], web["keys"]) == ("settled", True, ["VALUE"])
    assert web["uptime_s"] >= 0.5
    [process] = web["processes"]
    assert (process["pid"], process["generation"], process["fresh"]) == (web["pid"], 1, True)
    assert (process["listening"], process["command"]) == ([], "sleep")
    assert process["rss_bytes"] > 0


def test_status_tells_the_ports_that_a_service_listens_on(stack: Stack, port: int) -> None:
    stack.write("Procfile", f"web: exec {hostile('listen', 'ready', '--port', str(port))}\n")
    stack.write("devsup.toml", f"[services.web]\nready = {{ port = {port} }}\n")
    stack.up().wait_for_generation(1)
    assert status(stack)["services"][0]["processes"][0]["listening"] == [port]
    assert f" {port} " in stack.run("status").stdout


def test_the_table_begins_with_the_answer(two: Stack) -> None:
    headline, heading, web, worker = two.run("status").stdout.splitlines()
    assert headline == "generation 1, 2 services, 2 processes, all on the current settings"
    assert heading.split()[:3] == ["service", "state", "pid"]
    assert web.split()[:3] == ["web.1", "up", str(two.leaders["web.1"])]
    assert worker.startswith("worker.1  up")


def test_a_watched_status_follows_what_happens_to_the_end(two: Stack) -> None:
    with other(two, "status", "--watch", "--json") as watching:
        watching.wait_for_text('"generation": 1')
        two.write(".env", "VALUE=two\n")
        watching.wait_for_text('"generation": 2')
        two.interrupt()
        code, text = watching.wait()
    assert code == 0
    assert all(json.loads(line) for line in text.splitlines())


def test_a_watched_status_is_drawn_in_place_on_a_terminal(two: Stack) -> None:
    with other(two, "status", "--watch", terminal=True) as watching:
        watching.wait_for_text("\x1b[H\x1b[J")
        watching.wait_for_text("generation 1")
        watching.process.send_signal(signal.SIGINT)
        assert watching.process.wait(60) == 130
        assert "Traceback" not in watching.words.heard
    with other(two, "status", "--watch", terminal=True) as watching:
        watching.wait_for_text("generation 1")
        two.interrupt()
        assert watching.wait()[1].endswith("the run has ended\r\n")


def test_without_a_run_each_command_says_so(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    for command in (
        ["status"],
        ["restart"],
        ["stop", "web"],
        ["start"],
        ["down"],
        ["logs"],
        ["logs", "-f"],
        ["env", "--live"],
    ):
        done = stack.run(*command)
        assert (done.returncode, done.stdout) == (3, ""), command
        assert "devsup up" in done.stderr


def test_a_run_is_found_where_the_configuration_says_that_the_procfile_is(stack: Stack) -> None:
    stack.write("backend/Procfile", f"web: {SLEEP}\n")
    stack.write("devsup.toml", 'procfile = "backend/Procfile"\n')
    stack.up().wait_for_generation(1)
    assert states(stack) == {"web.1": "up"}
    assert stack.run("down").returncode == 0
    assert stack.wait_for_exit() == 0


def test_every_command_finds_its_project_from_a_directory_below(stack: Stack) -> None:
    stack.write("Procfile", f"web: pwd; {SLEEP}\n")
    stack.write(".env", f"VALUE={SECRET}\n")
    stack.write("backend/own.env", f"OWN={SECRET}\n")
    below = partial(stack.run, within="backend")
    stack.up(program=("sh", "-c", 'cd backend && exec "$@"', "sh", *DEVSUP))
    stack.wait_for_generation(1)
    assert f"{stack.root}\n" in below("logs").stdout
    assert '"verified": true' in below("status", "--json").stdout
    assert below("env").stdout == "VALUE  .env\n"
    assert below("env", "-e", "own.env").stdout == "OWN  backend/own.env\n"
    assert below("run", "sh", "-c", "pwd; printenv VALUE").stdout.split() == [
        str(stack.root / "backend"),
        SECRET,
    ]
    assert "devsup is running here" in below("check").stdout
    assert below("up").returncode == 3
    assert below(env=bash("devsup restart w")).stdout.split() == ["web", "web.1"]
    assert below("restart", "web").returncode == 0
    assert "web.1" in below("kill", "--dry-run").stdout
    stack.write("Procfile", "broken\n")
    assert "web.1" in below("kill", "--dry-run").stdout
    assert below("down").returncode == 0
    assert stack.wait_for_exit() == 0


def test_env_files_are_advised_as_one_would_type_them_there(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.write("backend/.env", "")
    said = stack.run("check", within="backend").stdout
    assert "backend/.env: is not read; to read it: devsup up -e ../.env -e .env\n" in said


@pytest.mark.parametrize("command", ["status", "restart"])
def test_a_run_that_is_stopped_is_told_from_a_busy_one_soon(two: Stack, command: str) -> None:
    two.signal(signal.SIGSTOP)
    began = time.monotonic()
    done = two.run(command)
    took = time.monotonic() - began
    two.signal(signal.SIGCONT)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the running devsup is stopped" in done.stderr
    assert "continue it with `fg`" in done.stderr
    assert ("which then does it" in done.stderr) == (command == "restart")
    assert took < client.PATIENCE
    if command == "restart":
        two.wait_for("restarting web.1 worker.1 on generation 1")
        two.wait_for_generation(1)
    assert states(two) == {"web.1": "up", "worker.1": "up"}


# ---- changes


def test_restart_returns_when_it_is_ready_and_touches_nothing_else(two: Stack) -> None:
    before = pids(two)
    done = two.run("restart", "web")
    text = r"web\.1 is up \(settled\) on generation 1, restarted"
    assert re.fullmatch(text + in_some_time("stop", "start"), done.stdout)
    assert (done.returncode, "(stop" in done.stdout) == (0, True)
    after = pids(two)
    assert before["web.1"] != after["web.1"]
    assert before["worker.1"] == after["worker.1"]
    assert status(two)["services"][0]["restarts"] == 1


def test_stop_keeps_a_service_down_over_edits_until_it_is_started(two: Stack) -> None:
    before = pids(two)
    done = two.run("stop", "web")
    assert re.fullmatch(r"web\.1 is down, stopped" + in_some_time("stop"), done.stdout)
    assert done.returncode == 0
    assert pids(two) == {"web.1": None, "worker.1": before["worker.1"]}
    two.write(".env", "VALUE=two\n")
    assert "web.1" not in two.wait_for_generation(2).partition("restarting")[2]
    assert states(two) == {"web.1": "down", "worker.1": "up"}
    text = r"web\.1 is up \(settled\) on generation 2, started"
    assert re.fullmatch(text + in_some_time("start"), two.run("start", "web").stdout)
    two.wait_for("web has two")


def test_start_leaves_alone_what_runs(two: Stack) -> None:
    before = pids(two)
    done = two.run("start")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "web.1 is up (settled) on generation 1",
        "worker.1 is up (settled) on generation 1",
    ]
    assert pids(two) == before


def test_a_service_that_ends_well_when_stopped_is_down_and_has_not_finished(stack: Stack) -> None:
    stack.write("Procfile", "web: trap 'exit 0' TERM; echo trapped; while :; do sleep 0.01; done\n")
    stack.up().wait_for("trapped")
    stack.wait_for_generation(1)
    assert stack.run("stop").stdout.startswith("web.1 is down, stopped in ")


def test_no_wait_returns_before_it_is_done(stack: Stack) -> None:
    let_through = slow(stack)
    done = stack.run("stop", "worker", "--no-wait")
    assert (done.returncode, done.stdout) == (0, "")
    assert states(stack) == {"web.1": "up", "worker.1": "stopping"}
    let_through()
    assert stack.run("stop", "worker").stdout.startswith("worker.1 is down")


def test_a_service_that_does_not_come_up_fails_the_command_with_its_last_lines(
    stack: Stack,
) -> None:
    stack.write("broken", "yes")
    stack.write("Procfile", f"web: test -e broken && echo it is broken && exit 7; {SLEEP}\n")
    stack.up().wait_for("exited with status 7")
    done = stack.run("restart", "web")
    assert done.returncode == 1
    assert done.stdout.startswith("web.1 crashed: it exited with status 7\n")
    assert re.search(r"web\.1 +\| it is broken\n", done.stdout)
    assert re.search(r"devsup +\| web\.1 exited with status 7", done.stdout)
    assert "failed: web.1" in done.stderr
    (stack.root / "broken").unlink()
    assert stack.run("start", "web").returncode == 0


def test_only_lines_of_its_last_life_go_with_the_bad_news(stack: Stack) -> None:
    stack.write("Procfile", "web: echo life $(cat life); exit 7\n")
    stack.write("life", "one\n")
    stack.up().wait_for("is down until")
    stack.write("life", "two\n")
    said = stack.run("restart").stdout
    assert said.count("life two") == said.count("exited with status 7, and nobody") == 1
    assert "life one" not in said
    assert "life one" in stack.run("logs", "web").stdout


def test_who_starts_without_what_was_stopped_before_is_told(stack: Stack) -> None:
    stack.write("Procfile", f"db: {SLEEP}\nweb: {SLEEP}\n")
    stack.write("devsup.toml", "[services.web]\nafter = ['db']\n")
    stack.up().wait_for_generation(1)
    assert stack.run("stop").returncode == 0
    said = "web.1 comes after db.1, stopped by you; type: devsup start db.1\n"
    assert said in stack.run("start", "web").stdout
    assert said not in stack.run("start").stdout


def test_a_service_that_waits_in_vain_for_another_fails_the_command(stack: Stack) -> None:
    stack.write("Procfile", f"db: exit 3\nweb: {SLEEP}\n")
    stack.write("devsup.toml", "[services.web]\nafter = ['db']\n")
    stack.up().wait_for("it comes after db.1")
    done = stack.run("start", "web")
    assert done.returncode == 1
    assert "web.1 is not started: it comes after db.1" in done.stdout


LATE = "[services.web]\nready = { log = 'never' }\nready-timeout = 0.5\n"


def test_a_service_that_never_gets_ready_fails_the_command_and_is_left_running(
    stack: Stack,
) -> None:
    stack.write("Procfile", f"web: {SLEEP}\nworker: {SLEEP}\napi: {SLEEP}\n")
    stack.write("devsup.toml", f"{LATE}[services.api]\nafter = ['web']\n")
    stack.up().wait_for("web.1 is not ready after 0.5 s .until a line has never.; it is left")
    done = stack.run("restart", "web", "api")
    assert done.returncode == 1
    assert "web.1 is not ready after 0.5 s" in done.stdout
    assert "api.1 is not started: it comes after web.1, not all of it is ready" in done.stdout
    assert "failed: web.1 api.1" in done.stderr
    assert stack.run("restart", "worker").returncode == 0
    assert states(stack) == {"web.1": "starting", "worker.1": "up", "api.1": "down"}
    stack.write(".env", "VALUE=two\n")
    stack.wait_for("restarting .* on generation 2")
    stack.wait_for("web.1 is not ready after")
    assert stack.family.values("VALUE") == {"two"}


def test_a_detached_run_gives_up_waiting_for_a_service_that_never_gets_ready(
    doomed: Stack,
) -> None:
    doomed.write("Procfile", f"web: {SLEEP}\n")
    doomed.write("devsup.toml", LATE)
    try:
        done = doomed.run("up", "-d")
        assert done.returncode == 1
        assert "web.1 is not ready after 0.5 s" in done.stdout
        assert states(doomed) == {"web.1": "starting"}
    finally:
        doomed.run("down")


def test_a_name_with_a_slip_changes_nothing(two: Stack) -> None:
    before = pids(two)
    for command in ("restart", "stop", "start", "logs"):
        done = two.run(command, "wbe")
        assert done.returncode == 2
        assert 'did you mean "web' in done.stderr
    assert pids(two) == before


def test_down_returns_when_everything_is_gone(two: Stack) -> None:
    leaders = two.leaders
    done = two.run("down")
    assert (done.returncode, done.stdout, done.stderr) == (0, ENDED, "")
    assert not any(kin.is_alive(pid) for pid in [*leaders.values(), two.devsup.pid])
    assert two.wait_for_exit() == 0


def test_down_asked_twice_is_no_kill(stack: Stack) -> None:
    let_through = slow(stack)
    with other(stack, "down") as one, socket.socket(socket.AF_UNIX) as another:
        stack.wait_for("stopping web.1 worker.1")
        another.connect(str(RunDirectory.of(stack.root).socket))
        another.sendall(dump(Request(Command.DOWN)))
        assert states(stack) == {"web.1": "down", "worker.1": "stopping"}  # asked after it
        let_through()
        assert one.wait() == (0, ENDED)
        assert another.recv(1000) == dump(Reply(Kind.DONE))
    assert stack.wait_for_exit() == 0
    assert "SIGKILL to every" not in stack.output


NAMES = [f"a-service-with-a-long-name-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("command", "exit_code"), [(["restart", NAMES[0]], 0), (["restart", "nobody"], 2)]
)
def test_sentences_are_broken_between_words_on_a_terminal_and_nowhere_in_a_pipe(
    stack: Stack, command: list[str], exit_code: int
) -> None:
    stack.write("Procfile", "".join(f"{name}: {SLEEP}\n" for name in NAMES))
    stack.up().wait_for_generation(1)
    done = stack.run(*command)
    assert max(map(len, (done.stdout + done.stderr).splitlines())) > 80
    with other(stack, *command, terminal=True) as asking:
        assert asking.wait()[0] == exit_code
    lines = asking.words.heard.splitlines()
    assert len(lines) > len((done.stdout + done.stderr).splitlines())
    assert Emulator(80).feed(asking.words.heard).lines == lines


# ---- one thing while another is under way


def test_restart_during_an_edit_ends_steady_on_the_newest_settings(stack: Stack) -> None:
    let_through = slow(stack)
    stack.write(".env", "VALUE=two\n")
    stack.wait_for("restarting web.1 worker.1 on generation 2")
    with other(stack, "restart", "worker") as restarting:
        stack.wait_for("restarting web.1 worker.1 on generation 2")
        let_through()
        code, text = restarting.wait()
    assert code == 0
    assert text.startswith("worker.1 is up (log line) on generation 2, restarted in ")
    found = status(stack)
    assert (found["generation"], found["phase"], found["verified"]) == (2, "steady", True)
    assert stack.family.values("VALUE") == {"two"}
    let_through()


def test_a_restart_reads_the_files_anew_where_nobody_watches_them(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.up("--no-watch").wait_for_generation(1)
    stack.write(".env", "VALUE=two\n")
    assert stack.run("restart", "web").stdout.startswith("web.1 is up (settled) on generation 2, ")
    assert stack.family.values("VALUE") == {"two"}


def test_down_while_draining_ends_everything_and_well(stack: Stack) -> None:
    let_through = slow(stack)
    stack.write(".env", "VALUE=two\n")
    stack.wait_for("restarting web.1 worker.1 on generation 2")
    with other(stack, "down") as ending:
        stack.wait_for("stopping .*worker.1")
        refused = stack.run("restart", "web")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "ending" in refused.stderr
        let_through()
        assert ending.wait() == (0, ENDED)
    assert stack.wait_for_exit() == 0


def test_down_fails_a_command_that_waits_for_something_else(stack: Stack) -> None:
    let_through = slow(stack)
    with other(stack, "restart", "worker") as restarting:
        stack.wait_for("restarting worker.1")
        with other(stack, "down") as ending:
            stack.wait_for("stopping web.1 worker.1")
            let_through()
            assert ending.wait() == (0, ENDED)
        code, text = restarting.wait()
    assert code == 1
    assert "devsup is ending" in text


@pytest.mark.parametrize("options", [(), ("-d",)], ids=["foreground", "detached"])
def test_up_beside_a_kill_says_who_is_at_work(stack: Stack, options: tuple[str, ...]) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    lock = RunDirectory.of(stack.root).lock(Role.KILL)
    assert lock
    with lock:
        refused = stack.run("up", *options)
    assert refused.returncode == 3
    assert f"devsup kill (pid {os.getpid()}) is at work on this project" in refused.stderr


def test_kill_while_starting_leaves_nothing(stack: Stack) -> None:
    stack.gate("never")
    stack.write("Procfile", "web: echo begins as $$; read _ < never\n")
    stack.write("devsup.toml", "[services.web]\nready = { log = 'never' }\n")
    leader = int(stack.up().wait_for(r"begins as (\d+)")[1])
    assert states(stack) == {"web.1": "starting"}
    assert stack.run("kill").returncode == 0
    assert not kin.is_alive(leader)
    stack.wait_for_exit()
    assert stack.run("status").returncode == 3


def test_stop_of_a_service_that_is_starting_ends_down(stack: Stack) -> None:
    stack.gate("never")
    stack.write("Procfile", f"web: echo begins; read _ < never\nworker: {SLEEP}\n")
    stack.write("devsup.toml", "[services.web]\nready = { log = 'never' }\n")
    stack.up().wait_for("begins")
    assert stack.run("stop", "web").stdout.startswith("web.1 is down, stopped in ")
    assert states(stack) == {"web.1": "down", "worker.1": "up"}


# ---- detached


def test_a_detached_run_serves_the_other_terminals(doomed: Stack) -> None:
    doomed.write("Procfile", f"web: echo web has $VALUE; {SLEEP}\nworker: {SLEEP}\n")
    doomed.write(".env", "VALUE=one\n")
    doomed.write("queue.py", "raise SystemExit('a module of the project')\n")
    program = Path(sys.executable).with_name("devsup")  # `python -m` would take the module, too
    done = subprocess.run(
        [program, "up", "-d"], cwd=doomed.root, capture_output=True, text=True, check=False
    )
    try:
        assert (done.returncode, done.stderr) == (0, "")
        web, worker = done.stdout.splitlines(keepends=True)
        text = r"\.1 is up \(settled\) on generation 1, started" + in_some_time("start")
        assert re.fullmatch("web" + text, web)
        assert re.fullmatch("worker" + text, worker)
        (doomed.root / "queue.py").unlink()
        assert doomed.run("up", "-d").returncode == 3
        with other(doomed, "logs", "-f", "-n", "9") as following:
            following.wait_for_text("web has one")
            doomed.write(".env", "VALUE=two\n")
            following.wait_for_text("web has two")
            following.wait_for_text("on generation 2 in")
            assert doomed.run("down").returncode == 0
            code, text = following.wait()
        assert code == 0
        assert "stopping web.1 worker.1" in text
    finally:
        doomed.run("down")
    assert doomed.run("status").returncode == 3


def test_a_detached_run_says_which_service_is_not_ready(doomed: Stack) -> None:
    doomed.write("Procfile", f"web: echo oh no; exit 4\nworker: {SLEEP}\n")
    done = doomed.run("up", "-d", "-e", "typo.env")
    try:
        assert done.returncode == 1
        assert "devsup: typo.env does not exist; it counts from when it does\n" in done.stderr
        assert "devsup runs on in the background; end it: devsup down" in done.stderr
        assert "web.1 crashed: it exited with status 4" in done.stdout
        assert "oh no" in done.stdout
        assert states(doomed) == {"web.1": "crashed", "worker.1": "up"}
    finally:
        assert doomed.run("down").returncode == 0


def test_a_detached_run_that_cannot_start_says_why(doomed: Stack) -> None:
    doomed.write("Procfile", "this is none\n")
    done = doomed.run("up", "-d")
    assert done.returncode == 2
    assert "Procfile:1:" in done.stderr


# ---- logs


def test_logs_are_those_of_the_run_and_then_of_the_last_one(two: Stack) -> None:
    running = two.run("logs", "web").stdout
    assert running.endswith(f"web.1    | web has {SECRET}\n")
    assert "devsup" not in running
    assert two.run("logs", "-n", "0").stdout == ""
    two.interrupt()
    assert two.run("logs", "web").stdout == running
    assert two.run("logs", "web.1").stdout == running
    assert two.run("logs", "-n", "1").stdout.count("\n") == 1
    assert two.run("logs", "wbe").returncode == 2


def test_logs_have_the_colours_of_a_service_on_a_terminal_only(stack: Stack) -> None:
    stack.write("Procfile", f"web: printf '\\033[32mgreen\\033[0m\\n'; {SLEEP}\n")
    stack.up().wait_for("green")
    with other(stack, "logs", terminal=True) as seen:
        assert "\x1b[32mgreen" in seen.wait()[1]
    assert "| green\n" in stack.run("logs").stdout
    assert stack.interrupt() == 130
    assert "| green\n" in stack.run("logs").stdout


def test_a_follower_gets_what_comes_of_the_service_it_asked_for(two: Stack) -> None:
    with other(two, "logs", "web", "-f", "-n", "1") as following:
        following.wait_for_text("web has")
        two.write(".env", "VALUE=two\n")
        following.wait_for_text("web has two")
        two.interrupt()
        code, text = following.wait()
    assert code == 0
    assert {line.split()[1] for line in text.splitlines()} == {"web.1"}


FLOOD = (
    "import sys; f = open('gate'); f.read(1);"
    " [print(f'{n:06} ' + 'x' * 80, flush=n % 200 == 0) for n in range(LINES)]; print('the end');"
)


def flood(stack: Stack, lines: int) -> None:
    stack.write("flood.py", FLOOD.replace("LINES", str(lines)))
    stack.write("Procfile", f"web: {sys.executable} flood.py; {SLEEP}\n")


def test_a_follower_that_keeps_up_loses_nothing_of_a_flood(stack: Stack) -> None:
    flood(stack, 5_000)  # less than may wait for it: it keeps up however slow the machine is
    let_through = stack.gate()
    stack.up().wait_for_generation(1)
    with other(stack, "logs", "-f") as following:
        following.wait_for_text("on generation 1 in")
        let_through()
        stack.wait_for("the end")
        text = following.wait_for_text("the end")
    assert re.findall(r"\| (\d{6}) x{80}$", text, re.MULTILINE) == [f"{n:06}" for n in range(5_000)]


def test_a_follower_that_does_not_read_is_told_how_much_it_missed(stack: Stack) -> None:
    flood(stack, 100_000)
    let_through = stack.gate()
    stack.up().wait_for_generation(1)
    before = psutil.Process(stack.devsup.pid).memory_info().rss
    with other(stack, "logs", "-f", "-n", "1") as following:
        following.wait_for_text("on generation 1 in")
        following.process.send_signal(signal.SIGSTOP)
        let_through()
        stack.wait_for("the end")
        assert stack.run("status").returncode == 0
        grown = psutil.Process(stack.devsup.pid).memory_info().rss - before
        following.process.send_signal(signal.SIGCONT)
        stack.write(".env", "VALUE=three\n")
        text = following.wait_for_text("on generation 2 in")
    got = len(re.findall(r"\| \d{6} x{80}$", text, re.MULTILINE))
    missed = sum(map(int, re.findall(r"^devsup: (\d+) lines missed", text, re.MULTILINE)))
    assert missed > 0
    assert got + missed >= 100_000
    assert grown < 16 * 1024 * 1024


# ---- abuse


def test_nothing_that_clients_do_keeps_an_edit_from_taking_effect(two: Stack) -> None:
    path = str(RunDirectory.of(two.root).socket)
    peers = [socket.socket(socket.AF_UNIX) for _ in range(200)]
    sent = [b"", b"garbage\n", b"x" * 60_000, b'{"command": "logs", "follow": true}\n', b'{"comm']
    before = psutil.Process(two.devsup.pid).memory_info().rss
    try:
        for number, peer in enumerate(peers):
            peer.connect(path)
            peer.sendall(sent[number % len(sent)])
        for peer in peers[::7]:
            peer.close()
        two.write(".env", "VALUE=two\n")
        two.wait_for("web has two")
        two.wait_for_generation(2)
        assert states(two) == {"web.1": "up", "worker.1": "up"}
    finally:
        for peer in peers:
            peer.close()
    assert psutil.Process(two.devsup.pid).memory_info().rss - before < 48 * 1024 * 1024


# ---- completion


def bash(line: str) -> dict[str, str]:
    """What bash says when TAB is pressed at the end of a line."""
    word = str(len(line.split(" ")) - 1)
    return {"_DEVSUP_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": word}


def zsh(line: str) -> dict[str, str]:
    return {"_DEVSUP_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": line}


def fish(line: str) -> dict[str, str]:
    return {
        "_DEVSUP_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (bash("devsup re"), "restart"),
        (bash("devsup logs w"), "web\nworker"),
        (bash("devsup stop web wo"), "worker"),
        (bash("devsup run --service w"), "web\nworker"),
        (zsh("devsup env wo"), '"worker"'),
        (fish("devsup env --explain "), "VALUE"),
    ],
)
def test_the_shell_completes_commands_services_and_keys(
    stack: Stack, variables: dict[str, str], expected: str
) -> None:
    stack.write("Procfile", f"web: {SLEEP}\nworker: {SLEEP}\n")
    stack.write(".env", f"VALUE={SECRET}\n")
    done = stack.run(env=variables)
    assert expected in done.stdout
    assert (SECRET in done.stdout, done.stderr) == (False, "")


@pytest.mark.parametrize("text", [None, "broken\n"])
def test_completion_is_quiet_about_files_that_are_broken(stack: Stack, text: str | None) -> None:
    if text:
        stack.write("Procfile", text)
    done = stack.run(env=bash("devsup restart w"))
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_completion_knows_the_instances_of_a_run(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.up("-m", "web=2").wait_for_generation(1)
    done = stack.run(env=bash("devsup restart w"))
    assert done.stdout.split() == ["web", "web.1", "web.2"]
