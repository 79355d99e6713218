"""How `devsup up` ends: by signals, by hanging up, by its services; its exit codes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from other import other
from stack import DEVSUP, PAUSE, SECONDS

from devsup.edges.rundir import RunDirectory

if TYPE_CHECKING:
    from stack import Stack

POLITE = f"trap 'echo bye; exit 0' TERM; echo there; {PAUSE}"
DEAF = f"trap '' TERM; echo there; {PAUSE}"
BUSY = f"trap 'echo asked; read _ < gate; echo bye; exit 0' TERM; echo there; {PAUSE}"
"""Has to finish something, and does when the test lets it."""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_gracefully(stack: Stack, number: int, code: int) -> None:
    stack.write("Procfile", f"web: {POLITE}\n")
    stack.up().wait_for("there")
    assert stack.interrupt(number) == code
    stack.wait_for(r"web.1 .*bye")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_a_second_time_it_kills_at_once(stack: Stack, number: int) -> None:
    stack.write("Procfile", f"web: {DEAF}\n")
    stack.up("-t", "600").wait_for("there")
    stack.signal(number)
    stack.wait_for("stopping web.1")
    assert stack.interrupt(number) == 128 + number
    stack.wait_for("web.1: SIGKILL")


def test_who_does_not_go_in_time_is_killed(stack: Stack) -> None:
    stack.write("Procfile", f"web: {DEAF}\n")
    stack.up("-t", "0.1").wait_for("there")
    assert stack.interrupt() == 130
    stack.wait_for("web.1: SIGKILL")


def test_ctrl_c_in_a_terminal_is_for_devsup_alone(stack: Stack) -> None:
    stack.write("Procfile", f"web: trap 'echo interrupted' INT; {POLITE}\n")
    stack.up_in_terminal().wait_for("there")
    stack.type("\x03")
    assert stack.wait_for_exit() == 130
    assert "bye" in stack.output
    assert "interrupted" not in stack.output


def test_a_second_hangup_does_not_hurry_the_end(stack: Stack) -> None:
    """A shell whose terminal is closed sends one, and then the kernel does."""
    stack.write("Procfile", f"web: {BUSY}\n")
    finish = stack.gate()
    stack.up("-t", "600").wait_for("there")
    stack.signal(signal.SIGHUP)
    stack.wait_for("asked")
    stack.signal(signal.SIGHUP)
    assert "quitting" in stack.run("status").stdout  # the loop has been round since
    finish()
    assert stack.wait_for_exit() == 129
    stack.wait_for("bye")


def busy(seconds: float) -> str:
    """A service whose task in flight takes so long, and which tells a FIFO about it."""
    task = f"echo asked >&3; echo asked; sleep {seconds}; echo more; echo done >&3; exit 0"
    return f"exec 3> task; trap '{task}' TERM; echo there; {PAUSE}"


def test_a_closed_terminal_leaves_a_task_its_time(stack: Stack) -> None:
    stack.write("Procfile", f"web: {busy(0.5)}\n")
    task = stack.fifo("task")
    stack.up_in_terminal().wait_for("there")
    stack.hang_up()
    task.wait_for("done")
    stack.wait_for_exit()


def test_a_closed_pipe_and_an_interrupt_are_not_two_interrupts(stack: Stack) -> None:
    """Ctrl-C in `devsup up | tee log` goes to both."""
    stack.write("Procfile", f"web: {busy(0.5)}\n")
    task = stack.fifo("task")
    stack.up().wait_for("there")
    stack.signal(signal.SIGINT)
    stack.hang_up()
    task.wait_for("done")
    assert stack.wait_for_exit() == 130


def test_a_closed_pipe_and_an_interrupt_after_it_are_not_two_either(stack: Stack) -> None:
    stack.write("Procfile", f"web: {busy(0.5)}\n")
    task = stack.fifo("task")
    stack.up().wait_for("there")
    stack.hang_up()
    stack.write(".env", "this is broken\n")  # which devsup cannot tell anybody
    task.wait_for("asked")
    stack.signal(signal.SIGINT)
    task.wait_for("done")
    assert stack.wait_for_exit() == 0


def test_an_interrupt_after_down_is_the_first_of_the_person_at_the_terminal(stack: Stack) -> None:
    stack.write("Procfile", f"web: {BUSY}\n")
    finish = stack.gate()
    stack.up("-t", "600").wait_for("there")
    with other(stack, "down") as ending:
        stack.wait_for("asked")
        stack.signal(signal.SIGINT)
        stack.wait_for("stopping web.1")
        finish()
        assert ending.wait() == (0, "everything has ended\n")
    assert stack.wait_for_exit() == 0
    stack.wait_for("bye")
    assert "SIGKILL" not in stack.output


def test_two_interrupts_after_down_kill(stack: Stack) -> None:
    stack.write("Procfile", f"web: {DEAF}\n")
    stack.up("-t", "600").wait_for("there")
    with other(stack, "down"):
        stack.wait_for("stopping web.1")
        stack.signal(signal.SIGINT)
        stack.wait_for("stopping web.1")
        stack.signal(signal.SIGINT)
        stack.wait_for("web.1: SIGKILL")
        assert stack.wait_for_exit() == 0


INTERRUPTED = """
import os, signal
from devsup.cli import main
from devsup.commands.{module} import {owner}

original = {owner}.{name}

def interrupted(self):
    os.kill(os.getpid(), signal.SIGINT)
    original(self)

{owner}.{name} = interrupted
main()
"""
"""devsup, interrupted when it does this."""


@pytest.mark.parametrize("where", ["sources Sources start", "up Run listen"])
def test_an_interrupt_before_the_launch_starts_nothing(stack: Stack, where: str) -> None:
    stack.write("Procfile", "web: touch started\n")
    module, owner, name = where.split()
    program = INTERRUPTED.format(module=module, owner=owner, name=name)
    stack.up(program=[sys.executable, "-c", program])
    assert stack.wait_for_exit() == 130
    assert not (stack.root / "started").exists()
    assert not RunDirectory.of(stack.root).record.exists()


BROKEN = """
import sys
from devsup.cli import main

sys.modules["devsup.commands.attendance"] = None
main()
"""
"""devsup that fails when its services have been started."""


def test_a_failure_after_the_launch_is_over_when_nothing_lives(stack: Stack) -> None:
    stack.write("Procfile", f"web: touch started; {PAUSE}\n")
    stack.up(program=[sys.executable, "-c", BROKEN])
    assert stack.wait_for_exit() == 70


def test_a_control_socket_that_cannot_be_made_is_a_plain_refusal(stack: Stack) -> None:
    stack.write("Procfile", f"web: {POLITE}\n")
    socket = RunDirectory.of(stack.root).socket
    socket.mkdir(parents=True, mode=0o700)
    socket.parent.chmod(0o700)
    done = stack.run("up")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the control socket {socket} cannot be made" in done.stderr
    assert f"rm -r {socket}" in done.stderr
    assert not RunDirectory.of(stack.root).record.exists()
    socket.rmdir()
    stack.up().wait_for("there")


def test_a_closed_pipe_ends_it_quietly(stack: Stack) -> None:
    stack.write("Procfile", f"web: {POLITE}\n")
    pipeline = f"({' '.join(DEVSUP)} up; echo $? > status) | head -1"
    done = subprocess.run(
        ["sh", "-c", pipeline], cwd=stack.root, capture_output=True, timeout=SECONDS, check=True
    )
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""
    assert (stack.root / "status").read_text() == "0\n"


def test_under_nohup_it_survives_the_terminal(stack: Stack) -> None:
    stack.write("Procfile", f"web: {POLITE}\n")
    stack.up(program=["nohup", *DEVSUP]).wait_for("there")
    stack.signal(signal.SIGHUP)
    stack.write(".env", "VALUE=two\n")
    stack.wait_for_generation(2)
    assert stack.interrupt() == 130


# ---- a service that exits unasked


def test_an_exit_with_status_0_is_no_failure(stack: Stack) -> None:
    stack.write("Procfile", "migrate: echo done\nweb: exec sleep 600\n")
    stack.up().wait_for("migrate.1 exited with status 0")
    assert "migrate.1 down" in stack.wait_for_generation(1)


@pytest.mark.parametrize("terminal", [False, True])
def test_what_explains_an_exit_comes_before_it(stack: Stack, *, terminal: bool) -> None:
    names = [f"web{number}" for number in range(5)]
    stack.write("Procfile", "".join(f"{name}: echo why {name}; exit 3\n" for name in names))
    (stack.up_in_terminal() if terminal else stack.up()).wait_for("verified")
    for name in names:
        assert stack.output.index(f"why {name}") < stack.output.index(f"{name}.1 exited with")
    assert stack.interrupt() == 130


def test_a_crash_leaves_the_others_alone_and_waits_for_an_edit(stack: Stack) -> None:
    stack.write("Procfile", "web: [ $VALUE = good ] && exec sleep 600\nother: exec sleep 600\n")
    stack.write("devsup.toml", "[services.other]\nenv-restart = false\n")
    stack.write(".env", "VALUE=good\n")
    stack.up().wait_for_generation(1)
    before = stack.family.members()
    stack.write(".env", "VALUE=bad\n")
    stack.wait_for("web.1 exited with status 1")
    stack.wait_for("web.1 is down until the next edit")
    stack.wait_for("~VALUE: web.1 crashed .* verified")
    [other] = stack.family.members()
    assert other in before
    stack.write(".env", "VALUE=good\n")
    stack.wait_for_generation(3)
    assert len(stack.family.members()) == 2


def test_on_exit_restart_starts_it_again_after_longer_and_longer(stack: Stack) -> None:
    stack.write("Procfile", "web: kill -SEGV $$\n")
    stack.write("pyproject.toml", "[tool.devsup]\non-exit = 'restart'\n")
    stack.up().wait_for("web.1 was ended by SIGSEGV")
    stack.wait_for(r"started again in 0\.5 s")
    stack.wait_for(r"started again in 1 s")


@pytest.mark.parametrize(("status", "code"), [(0, 0), (4, 1)])
def test_on_exit_stop_ends_everything(stack: Stack, status: int, code: int) -> None:
    stack.write("Procfile", f"web: read _ < gate; exit {status}\nother: {POLITE}\n")
    stop = stack.gate()
    stack.up("--on-exit", "stop").wait_for_generation(1)
    stop()
    assert stack.wait_for_exit() == code
    stack.wait_for("other.1 .* bye")


# ---- refusals


def test_a_second_one_refuses_and_says_what_to_type(stack: Stack) -> None:
    stack.write("Procfile", f"web: {POLITE}\n")
    stack.up().wait_for_generation(1)
    second = stack.run("up")
    assert second.returncode == 3
    assert str(stack.devsup.pid) in second.stderr
    assert re.search("devsup (down|kill)", second.stderr)
    assert len(stack.family.guardians) == 1


def test_the_place_is_free_again_after_an_end(stack: Stack) -> None:
    stack.write("Procfile", f"web: {POLITE}\n")
    stack.up().wait_for("there")
    assert stack.interrupt() == 130
    stack.up().wait_for("there")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (".env", "GOOD=1\nBAD\n", r"\.env:2: "),
        (".env", "GOOD=1\nX='open\n", r"\.env:2: "),
        ("Procfile", "web: sleep 600\nworker sleep 600\n", r"Procfile:2: "),
        ("Procfile", "web: sleep 600\n\nweb: sleep 600\n", r"Procfile:3: .*twice"),
        ("Procfile", "", r"Procfile: declares nothing"),
        ("devsup.toml", "procfile = 'Procfile'\non-exit = 'wat'\n", r"devsup\.toml:2: .*on-exit"),
        ("devsup.toml", "[services.wbe]\nafter = []\n", r'devsup\.toml:.*"web"\?'),
        (
            "pyproject.toml",
            "[tool.devsup]\nstop-timout = 1\n",
            r'pyproject\.toml:2: .*"stop-timeout"',
        ),
        ("pyproject.toml", "[tool.devsup]\n=\n", r"pyproject\.toml:2: "),
    ],
)
def test_a_file_that_is_broken_at_the_start_is_refused(
    stack: Stack, name: str, text: str, said: str
) -> None:
    stack.write("Procfile", "web: touch started\n")
    stack.write(name, text)
    stack.up().wait_for(f"^devsup: {said}")
    assert stack.wait_for_exit() == 2
    assert not (stack.root / "started").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["wbe"], 'did you mean "web"'),
        (["-m", "web=two"], "web=1,worker=2"),
        (["-m", "wbe=2"], 'did you mean "web"'),
        (["-f", "elsewhere"], "elsewhere"),
        (["--on-exit", "never"], "wait, restart or stop"),
        (["--port", "0"], "65535"),
        (["--port", "65535", "-m", "web=2"], "--port"),
        (["--colour"], "--colour"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    stack: Stack, options: list[str], said: str
) -> None:
    stack.write("Procfile", "web: touch started\n")
    stack.up(*options).wait_for(said)
    assert stack.wait_for_exit() == 2
    assert not (stack.root / "started").exists()


def test_without_a_procfile_it_says_so(stack: Stack) -> None:
    stack.up().wait_for("Procfile: there is none")
    assert stack.wait_for_exit() == 2
