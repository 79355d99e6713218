"""env, check and run: did my setting arrive, can it start, and one command in its environment."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from other import other
from stack import DEVSUP, SECONDS, hostile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stack import Stack

README = Path(__file__).parents[2] / "README.md"
SLEEP = "exec sleep 600"
SECRET = "hunter2"
OLD = "hunter1"
# What a program does to its children's environments is its own: no line of a Procfile tells.
ALTERS = "import os, sys; os.execvpe('sleep', ['sleep', '600'], {**os.environ, 'VALUE': 'hunter1'})"


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What a command says to a person; never a value."""
    text = done.stdout + done.stderr
    assert SECRET not in text
    assert OLD not in text
    return text


# ---- env


def test_each_key_is_told_with_its_file_and_what_it_hides(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.write("devsup.toml", "env-files = ['.env', '.env.local']\n")
    stack.write(".env", "ONE=hunter2\nBOTH=hunter2\nSAME=same\n")
    stack.write(".env.local", "BOTH=hunter1\n")
    done = stack.run("env", env={"BOTH": "shell", "SAME": "same"})
    assert told(done).splitlines() == [
        "BOTH  .env.local (hides .env and the shell's)",
        "ONE   .env",
        "SAME  .env",
    ]
    assert stack.run("env", "web").stdout.splitlines()[-1] == "PORT  devsup"


def test_values_are_shown_when_asked(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.write(".env", "ONE=hunter2\nTWO=${ONE}/${WHERE}\n")
    assert stack.run("env", "--show", env={"WHERE": "x"}).stdout.splitlines() == [
        "ONE  .env  hunter2",
        "TWO  .env  hunter2/x",
    ]


def test_one_key_is_followed_into_each_live_process(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\nworker: VALUE=own {SLEEP}\n")
    stack.write(".env", "VALUE=hunter1\n#\nVALUE=hunter2\n")
    stack.up(env={"VALUE": "shell"}).wait_for_generation(1)
    leaders = stack.leaders
    assert told(stack.run("env", "--explain", "VALUE")).splitlines() == [
        "the shell that started devsup: exports it",
        ".env: line 1, 3 (the last one counts)",
        "the value of .env counts",
        f"web.1 {leaders['web.1']}: has this value",
        f"worker.1 {leaders['worker.1']}: has another value; its Procfile line sets it",
    ]
    assert stack.run("env", "web", "--explain", "PORT").stdout.splitlines()[-2:] == [
        "no file sets it",
        f"web.1 {leaders['web.1']}: has what devsup gave it",
    ]
    assert 'no file sets it; did you mean "VALUE"?' in stack.run("env", "--explain", "VALU").stdout
    assert told(stack.run("env", "web", "--explain", "GONE")).splitlines()[-2:] == [
        "no file sets it",
        f"web.1 {leaders['web.1']}: does not have it, as it should be",
    ]


def test_all_is_well_when_every_process_has_what_the_files_say(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\nworker: {SLEEP}\n")
    stack.write(".env", "VALUE=${WHERE}hunter2\n")
    # The reference means what the terminal of `up` exports, which this one does not.
    stack.up(env={"WHERE": "there"}).wait_for_generation(1)
    done = stack.run("env", "--live")
    assert (done.returncode, told(done)) == (0, "2 processes, all on the current settings\n")


def test_a_process_with_an_old_value_is_named_with_service_and_key(stack: Stack) -> None:
    stack.write("alters.py", ALTERS)
    stack.write("Procfile", f"web: {SLEEP}\nworker: {sys.executable} alters.py\n")
    stack.write(".env", f"VALUE={SECRET}\nOTHER={SECRET}\n")
    stack.up().wait_for_generation(1)
    done = stack.run("env", "--live")
    pid = stack.leaders["worker.1"]
    assert done.returncode == 1
    assert told(done).splitlines() == [
        "2 processes, NOT all on the current settings",
        f"worker.1 {pid}: VALUE has another value",
    ]
    assert stack.run("env", "web", "--live").returncode == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("VALUE=hunter2\n", "VALUE has another value"),
        ("", "VALUE still has it, though no file sets it any more"),
        ("VALUE=hunter1\nNEW=\n", "NEW does not have it"),
    ],
)
def test_an_edit_that_nobody_watches_for_is_found(stack: Stack, text: str, words: str) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.write(".env", f"VALUE={OLD}\n")
    stack.up("--no-watch").wait_for_generation(1)
    stack.write(".env", text)
    done = stack.run("env", "--live")
    assert done.returncode == 1
    assert f"web.1 {stack.leaders['web.1']}: {words}" in told(done)
    assert stack.run("restart").returncode == 0
    assert stack.run("env", "--live").returncode == 0


def test_without_its_file_a_run_is_compared_with_what_it_keeps_in_force(stack: Stack) -> None:
    stack.write("alters.py", ALTERS)
    stack.write("Procfile", f"web: {SLEEP}\nworker: {sys.executable} alters.py\n")
    stack.write(".env", f"VALUE={SECRET}\nOTHER={SECRET}\n")
    stack.up().wait_for_generation(1)
    (stack.root / ".env").unlink()
    stack.wait_for("was deleted")
    done = stack.run("env", "--live")
    assert ".env does not exist" in told(done)
    assert (done.returncode, done.stdout.splitlines()) == (
        1,
        [
            "2 processes, NOT all on the current settings",
            f"worker.1 {stack.leaders['worker.1']}: VALUE has another value",
        ],
    )
    well = stack.run("env", "web", "--live")
    assert (well.returncode, well.stdout) == (0, "1 process, all on the current settings\n")


def test_with_a_broken_file_a_run_is_compared_with_what_it_keeps_in_force(stack: Stack) -> None:
    stack.write("alters.py", ALTERS)
    stack.write("Procfile", f"web: {SLEEP}\nworker: {sys.executable} alters.py\n")
    stack.write(".env", f"VALUE={SECRET}\n")
    stack.up().wait_for_generation(1)
    stack.write(".env", f"OTHER={SECRET}\nVALUE='{SECRET}\n")
    stack.wait_for(".env:2: ")
    done = stack.run("env", "--live")
    told(done)
    assert re.fullmatch(
        r"devsup: \.env:2: .*; a run keeps what the files said last, .*\n", done.stderr
    )
    assert (done.returncode, done.stdout.splitlines()) == (
        1,
        [
            "2 processes, NOT all on the current settings",
            f"worker.1 {stack.leaders['worker.1']}: VALUE has another value",
        ],
    )
    well = stack.run("env", "web", "--live")
    assert (well.returncode, well.stdout) == (0, "1 process, all on the current settings\n")
    stack.write("other.env", "broken\n")
    for refused in ([], ["--live", "--explain", "VALUE"], ["--live", "-e", "other.env"]):
        assert stack.run("env", *refused).returncode == 2
    stack.interrupt()
    assert stack.run("env", "--live").returncode == 2


def test_a_process_that_is_ours_by_mark_and_was_spared_is_named(
    stack: Stack,
) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.write(".env", f"VALUE={OLD}\n")
    stack.up().wait_for_generation(1)
    [marks] = stack.family.members().values()
    stack.write(".env", f"VALUE={SECRET}\n")
    stack.wait_for_generation(2)
    # As if it had escaped from the first generation: nothing of devsup's has to spare it.
    spared = subprocess.Popen(["sleep", "600"], env={**os.environ, **marks})
    try:
        done = stack.run("env", "--live")
        found = json.loads(stack.run("status", "--json").stdout)
    finally:
        spared.kill()
        spared.wait()
    assert done.returncode == 1
    assert f"web.1 {spared.pid}: VALUE has another value" in told(done)
    assert f"web.1 {spared.pid}: was started on older settings" in done.stdout
    assert found["verified"] is False


@pytest.mark.parametrize("kind", [("blank",), ("daemon", "--clear", "--stay")])
def test_no_alarm_for_a_process_with_an_environment_of_its_own(
    stack: Stack, kind: tuple[str, ...]
) -> None:
    stack.fifo("ready")
    stack.write("Procfile", f"web: exec {hostile(kind[0], 'ready', *kind[1:])}\n")
    stack.write(".env", f"VALUE={SECRET}\n")
    stack.up().wait_for_generation(1)
    done = stack.run("env", "--live")
    assert done.returncode == 0
    assert "all on the current settings" in told(done)
    assert "web.1: 1 process with an environment of its own" in done.stdout
    assert "UNKNOWN" not in stack.run("env", "--explain", "VALUE").stdout
    assert "lineage" in stack.run("status").stdout


def test_a_service_that_no_key_concerns_is_no_alarm(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\ndb: {SLEEP}\n")
    stack.write("devsup.toml", "[services.db]\nenv-restart = false\n")
    stack.write(".env", f"VALUE={OLD}\n")
    stack.up().wait_for_generation(1)
    stack.write(".env", f"VALUE={SECRET}\n")
    stack.wait_for_generation(2)
    assert stack.run("env", "--live").returncode == 0
    explained = told(stack.run("env", "db", "--explain", "VALUE"))
    assert "does not concern this service" in explained


def test_a_service_with_a_slip_is_refused(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    for arguments in (["env", "wbe"], ["run", "--service", "wbe", "true"]):
        done = stack.run(*arguments)
        assert done.returncode == 2
        assert 'did you mean "web"' in done.stderr
    stack.up().wait_for_generation(1)
    assert stack.run("env", "wbe", "--live").returncode == 2


def test_env_of_a_broken_file_names_the_line_and_no_value(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.write(".env", f"VALUE='{SECRET}\n")
    for arguments in (["env"], ["run", "true"], ["check"]):
        done = stack.run(*arguments)
        assert done.returncode == 2
        assert ".env:1: " in told(done)


# ---- check


def checked(stack: Stack, *options: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    done = stack.run("check", "--json", *options, env=env)
    told(done)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (2 if found["problems"] else 0)
    for problem in found["problems"]:
        place = ":".join(str(problem[key]) for key in ("file", "line") if problem[key])
        assert f"{place}: {problem['message']}" in stack.run("check", *options, env=env).stdout
    return found


def messages(found: dict[str, Any]) -> list[str]:
    return [f"{each['file']}:{each['line']}: {each['message']}" for each in found["problems"]]


def test_check_has_exactly_the_documented_fields(stack: Stack) -> None:
    text = README.read_text(encoding="utf-8").partition("### `devsup check --json`\n\n")[2]
    fields = re.findall(r"^\| `(\w+)` \|", text.partition("\n\n")[0], re.MULTILINE)
    assert checked(stack).keys() == set(fields)
    assert checked(stack)["problems"][0].keys() == {"file", "line", "message"}


def test_a_project_without_a_fault_is_ready(stack: Stack, port: int) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.write(".env", f"PORT={port}\n")
    assert checked(stack) == {"problems": [], "remarks": []}
    assert stack.run("check").stdout == "ready to start\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "Procfile:None: there is none in"),
        ({"Procfile": "web: true\nhello\n"}, "Procfile:2: neither"),
        ({"Procfile": "# nothing\n"}, "Procfile:None: declares nothing"),
        ({"Procfile": 'web: true\nb: echo "$PORT\n'}, "Procfile:2: the shell does not understand"),
        ({"Procfile": "web: true\nworker: no-such-program -x\n"}, "Procfile:2: no-such-program is"),
        ({"Procfile": "web: true\n", ".env": "A=\nB\n"}, ".env:2: has no `=`"),
        ({"Procfile": "web: true\n", "devsup.toml": "on-exti = 'wait'\n"}, "devsup.toml:1: `on-ex"),
    ],
)
def test_what_keeps_the_stack_from_starting_is_named_with_its_line(
    stack: Stack, files: dict[str, str], expected: str
) -> None:
    for name, text in files.items():
        stack.write(name, text)
    assert any(each.startswith(expected) for each in messages(checked(stack)))


@pytest.mark.parametrize("command", ["serve $PORT", "{python} -m uvicorn --port {port} app:app"])
def test_a_taken_port_is_named_with_its_holder(stack: Stack, port: int, command: str) -> None:
    stack.write("serve", "#!/bin/sh\n").chmod(0o755)
    line = command.format(python=sys.executable, port=port)
    stack.write("Procfile", f"worker: {SLEEP}\nweb: {line}\n")
    stack.write(".env", f"PORT={port}\nPATH={stack.root}:{os.environ['PATH']}\n")
    with socket.create_server(("127.0.0.1", port)):
        [message] = [each for each in messages(checked(stack)) if "port" in each]
    assert message.startswith(f"Procfile:2: port {port} of web.1 is taken by {os.getpid()} (")
    assert str(Path.cwd()) in message
    assert messages(checked(stack)) == []


def test_a_port_that_perhaps_nobody_needs_is_a_remark(stack: Stack, port: int) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.write(".env", f"PORT={port}\n")
    with socket.create_server(("127.0.0.1", port)):
        found = checked(stack)
    assert found["problems"] == []
    assert f"port {port} of web.1 is taken by {os.getpid()}" in found["remarks"][0]


def test_two_services_that_want_one_port_are_both_named(stack: Stack, port: int) -> None:
    serve = f"{sys.executable} -m uvicorn app:app --port"
    stack.write("Procfile", f"web: {serve} $PORT\n\ntwo: {serve} {port}\ntunnel: true $PORT\n")
    stack.write(".env", f"PORT={port}\n")
    found = checked(stack)
    assert messages(found) == [
        f"Procfile:3: two.1 and web.1 (Procfile:1) both want port {port}: give one another one"
    ]
    assert [each[:30] for each in found["remarks"]] == [
        "Procfile:4: tunnel.1 and web.1",
        "Procfile:4: tunnel.1 and two.1",
    ]
    assert ".env gives each service this PORT, remove it there" in found["remarks"][0]


def test_what_one_should_know_is_no_problem(stack: Stack, port: int) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.write("devsup.toml", "env-files = ['.env', 'more.env']\n")
    stack.write(".env", f"VALUE={SECRET}\nPORT={port}\n")
    for folder in ("backend", "node_modules", ".hidden", "venv"):
        stack.write(f"{folder}/.env", f"A={SECRET}\n")
    stack.write("venv/pyvenv.cfg", "")
    found = checked(stack, env={"VALUE": OLD})
    assert found["problems"] == []
    assert found["remarks"] == [
        "more.env: does not exist (devsup up would watch for it)",
        ".env: VALUE hides the value that your shell exports",
        "backend/.env: is not read; to read it: devsup up -e .env -e more.env -e backend/.env",
    ]


def test_a_process_of_the_project_that_somebody_started_by_hand_is_named(
    stack: Stack, port: int
) -> None:
    stack.write("Procfile", f"web: {sys.executable} -m uvicorn --port {port} app:app\n")
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    by_hand = subprocess.Popen(command, cwd=stack.root, stdout=subprocess.PIPE)
    try:
        assert by_hand.stdout
        assert by_hand.stdout.readline()
        found = checked(stack)
    finally:
        by_hand.kill()
        by_hand.communicate()
    assert str(by_hand.pid) in found["problems"][0]["message"]
    assert any(str(by_hand.pid) in each and "devsup kill" in each for each in found["remarks"])


def test_a_run_is_no_problem_and_its_own_ports_are_not_taken(stack: Stack, port: int) -> None:
    stack.write("Procfile", f"web: exec {hostile('listen', 'ready', '--port', '$PORT')}\n")
    stack.write(".env", f"PORT={port}\n")
    stack.up().wait_for_generation(1)
    assert checked(stack) == {"problems": [], "remarks": ["devsup is running here"]}


def test_a_run_is_told_of_whatever_is_broken(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.up().wait_for_generation(1)
    for name in ("Procfile", "devsup.toml", ".env"):
        stack.write(name, "broken\n")
        stack.wait_for(f"{name}:1: ")
        assert "devsup is running here" in checked(stack)["remarks"], name
        stack.write(name, f"web: {SLEEP}\n" if name == "Procfile" else "")


def test_without_a_procfile_the_next_step_is_told(stack: Stack) -> None:
    [remark] = checked(stack)["remarks"]
    assert remark in stack.run("up").stderr
    assert remark in stack.run("check").stdout


def test_a_link_to_nowhere_is_broken_and_not_missing(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    (stack.root / ".env").symlink_to("nowhere")
    found = checked(stack)
    assert messages(found) == [".env:None: is a symbolic link to a file that does not exist"]
    assert not [remark for remark in found["remarks"] if ".env" in remark]


# ---- run


def run(stack: Stack, script: str, *options: str) -> subprocess.CompletedProcess[str]:
    return stack.run("run", *options, "sh", "-c", script)


def test_run_has_the_settings_and_no_mark(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\nworker: {SLEEP}\n")
    stack.write(".env", f"VALUE={SECRET}\n")
    marked = {"DEVSUP_RUN": "outer", "VALUE": "shell", "OWN": "shell"}
    done = stack.run("run", "env", env=marked)
    assert {f"VALUE={SECRET}", "OWN=shell"} <= set(done.stdout.splitlines())
    assert not re.search("^(DEVSUP_|PORT=)", done.stdout, re.MULTILINE)
    assert run(stack, "echo $PORT", "--service", "worker").stdout == "5100\n"


def test_run_asks_the_run_for_its_files_and_ports(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.write("other.env", "VALUE=other\n")
    stack.up("-e", "other.env", "-p", "7000", "-m", "web=2").wait_for_generation(1)
    assert run(stack, "echo $VALUE $PORT", "--service", "web.2").stdout == "other 7001\n"


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 41", 41)])
def test_the_exit_code_is_the_commands(stack: Stack, script: str, code: int) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    assert run(stack, script).returncode == code


def test_a_signal_ends_it_as_it_would_without_devsup(stack: Stack) -> None:
    """It is the command itself: a shell shows 128 + n of it."""
    stack.write("Procfile", f"web: {SLEEP}\n")
    assert run(stack, "kill -TERM $$").returncode == -signal.SIGTERM
    with other(stack, "run", "sh", "-c", f"echo begins; {SLEEP}") as running:
        running.wait_for_text("begins")
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(SECONDS) == -signal.SIGINT


def test_no_signal_is_ignored_that_was_not_before(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    ignored = re.compile(r"^SigIgn:\s*(\w+)$", re.MULTILINE)
    here = subprocess.run(
        ["cat", "/proc/self/status"], capture_output=True, text=True, check=True
    ).stdout
    there = stack.run("run", "cat", "/proc/self/status").stdout
    assert ignored.findall(there) == ignored.findall(here)


def test_the_terminal_is_the_commands(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    with other(
        stack, "run", "sh", "-c", "test -t 1 && test -t 2 && echo both", terminal=True
    ) as on:
        on.wait_for_text("both")
    done = subprocess.run(
        [*DEVSUP, "run", "cat"], cwd=stack.root, input=b"through", capture_output=True, check=True
    )
    assert done.stdout == b"through"


def test_no_descriptor_is_inherited_but_the_three(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.up().wait_for_generation(1)
    assert run(stack, "ls /proc/$$/fd").stdout.split() == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("name", "code"),
    [("no-such-program", 127), ("./nothing", 127), ("file/below", 127), ("./file", 126)],
)
def test_what_cannot_be_run_is_told_as_a_shell_does(stack: Stack, name: str, code: int) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    stack.write("file", "")
    done = stack.run("run", name)
    assert (done.returncode, done.stdout) == (code, "")
    assert name in done.stderr


def test_a_command_line_in_quotes_is_told_to_be_one_word(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    done = stack.run("run", "echo hi")
    assert done.returncode == 127
    assert "leave out the quotes: devsup run echo hi, or: devsup run sh -c 'echo hi'" in done.stderr
    assert "quotes" not in stack.run("run", "no-such-program", "a b").stderr


def test_options_behind_the_command_are_the_commands(stack: Stack) -> None:
    stack.write("Procfile", f"web: {SLEEP}\n")
    options = ["-x", "--version", "--help", "--service", "web", "--", "-f"]
    done = stack.run("run", "printf", "%s\n", *options)
    assert done.stdout.split() == options
    assert stack.run("run", sys.executable, "--version").stdout.startswith("Python ")
