"""Keys in the foreground, and a terminal that is left as it was found, whatever ends devsup."""

from __future__ import annotations

import os
import signal
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from emulator import Emulator
from family import Family
from stack import PAUSE, SECONDS
from stage import is_readable

from devsup.edges.rundir import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stack import Stack

POLITE = f"trap 'echo bye; exit 0' TERM; echo there; {PAUSE}"
AT_LAST = f"trap 'read _ < gate; exit 0' TERM; echo there; {PAUSE}"
DEAF = f"trap '' TERM; echo there; {PAUSE}"
TWO = f"web: {POLITE}\nworker: {POLITE}\n"


def modes(stack: Stack) -> list[Any]:
    """What `stty -a` shows of the terminal."""
    return termios.tcgetattr(stack.reader)


def is_taken(stack: Stack) -> bool:
    """Whether keys come one by one."""
    return not modes(stack)[3] & (termios.ICANON | termios.ECHO)


def supervisor(stack: Stack) -> int:
    record = RunDirectory.of(stack.root).read()
    assert record
    return record.supervisor.pid


def shown(stack: Stack) -> str:
    return "\n".join(Emulator(200).feed(stack.output).lines)


def up(stack: Stack) -> Stack:
    stack.write("Procfile", TWO)
    stack.up_in_terminal().wait_for_generation(1)
    return stack


# ---- what they do


def test_r_twice_restarts_everything(stack: Stack) -> None:
    up(stack).type("r")
    stack.wait_for("restart: _   r all  1 web.1  2 worker.1")
    stack.type("r")
    stack.wait_for("restarting web.1 worker.1")
    stack.wait_for_generation(1)
    assert "restart: _" not in shown(stack)


@pytest.mark.parametrize("keys", ["r2", "rworker\n", "rworker.1\n"])
def test_r_and_a_number_or_a_name_restarts_one(stack: Stack, keys: str) -> None:
    web = up(stack).leaders["web.1"]
    stack.type(keys)
    assert stack.wait_for("restarting.*(?=\r)").group() == "restarting worker.1 on generation 1"
    stack.wait_for_generation(1)
    assert stack.leaders["web.1"] == web


def test_a_number_means_what_the_prompt_shows_after_an_edit_of_the_procfile(
    stack: Stack,
) -> None:
    up(stack).type("r")
    stack.wait_for("restart: _   r all  1 web.1  2 worker.1")
    stack.write("Procfile", f"api: {POLITE}\n{TWO}")
    stack.wait_for(r"api\.1 \(settled\) on generation 1 in")
    stack.type("1")
    assert stack.wait_for("restarting.*(?=\r)").group() == "restarting web.1 on generation 1"


def test_a_number_of_a_service_that_is_removed_meanwhile_is_refused(stack: Stack) -> None:
    up(stack).type("r")
    stack.wait_for("restart: _   r all  1 web.1  2 worker.1")
    stack.write("Procfile", f"worker: {POLITE}\n")
    stack.wait_for("1 process verified")
    stack.type("1")
    stack.wait_for('no service "web.1" is running here')


def test_a_restart_takes_what_the_files_say_now(stack: Stack) -> None:
    stack.write("Procfile", TWO)
    stack.up_in_terminal("--no-watch").wait_for_generation(1)
    stack.write(".env", "VALUE=new\n")
    stack.type("r1")
    stack.wait_for_generation(2)
    assert stack.family.values("VALUE") == {"new"}


def test_an_unknown_name_is_refused_and_escape_leaves(stack: Stack) -> None:
    up(stack).type("rwrb\n")
    stack.wait_for(r'no service "wrb" is running here; did you mean "web"')
    stack.type("r")
    stack.wait_for("restart: _")
    stack.type("\x1b")
    stack.wait_for(r"\r\x1b\[J")
    stack.type("x\t\x1b[A")
    stack.type("?")
    stack.wait_for("q +end gracefully")
    assert "restarting" not in stack.output


def test_s_prints_the_status_and_enter_an_empty_line(stack: Stack) -> None:
    up(stack).type("\n\ns")
    empty = r"\n(\x1b\[0m)?\r"
    stack.wait_for(rf"{empty}{empty}\n\S*generation 1, 2 services, 2 processes, all on the current")
    stack.wait_for(r"worker\.1 +up")
    assert "generation 1, 2 services" not in stack.run("logs", "-n", "1000").stdout


def test_q_ends_it_gracefully_and_ctrl_c_kills(stack: Stack) -> None:
    up(stack).type("q")
    assert stack.wait_for_exit() == 0
    assert stack.output.count("bye") == 2
    stack.write("Procfile", f"web: {DEAF}\n")
    stack.up_in_terminal("-t", "600").wait_for("there")
    stack.type("q")
    stack.wait_for("stopping web.1 .Ctrl-C to kill")
    stack.type("\x03")
    assert stack.wait_for_exit() == 0
    stack.wait_for("web.1: SIGKILL")


@pytest.mark.parametrize("together", [True, False])
def test_what_is_typed_once_it_ends_is_for_the_shell(stack: Stack, *, together: bool) -> None:
    stack.write("Procfile", f"web: {AT_LAST}\n")
    let_go = stack.gate()
    stack.shell_in_terminal("$DEVSUP up -t 600; read line; echo shell has $line")
    stack.wait_for("there")
    stack.type("qs q\n" if together else "q")
    stack.wait_for("stopping web.1")
    stack.type("\n" if together else "s q\n")
    let_go()
    stack.wait_for("shell has")
    assert stack.wait_for_exit() == 0
    assert "SIGKILL" not in stack.output
    assert "quitting" not in stack.output


def test_without_a_terminal_on_both_sides_no_key_is_taken(stack: Stack) -> None:
    """In `devsup up | less` they are for less."""
    stack.write("Procfile", TWO)
    stack.shell_in_terminal("$DEVSUP up | cat").wait_for_generation(1)
    assert not is_taken(stack)
    stack.type("q\n\x03")
    stack.wait_for_exit()


# ---- the terminal afterwards


def crash(stack: Stack) -> None:
    stack.write(".env", "NEW=1\n")


def leave(stack: Stack) -> None:
    stack.type("\x1b")
    stack.wait_for(r"\r\x1b\[J")
    stack.type("q")


ENDS: dict[str, tuple[Callable[[Stack], object], int]] = {
    "Ctrl-C": (lambda stack: stack.type("\x03"), 130),
    "Ctrl-backslash": (lambda stack: stack.type("\x1c"), 131),
    "q": (leave, 0),
    "down": (lambda stack: stack.run("down"), 0),
    "SIGTERM": (lambda stack: os.kill(supervisor(stack), signal.SIGTERM), 143),
    "SIGHUP": (lambda stack: os.kill(supervisor(stack), signal.SIGHUP), 129),
    "SIGKILL": (lambda stack: os.kill(supervisor(stack), signal.SIGKILL), 137),
    "bug": (crash, 70),
}

KILLED = {"Ctrl-backslash", "SIGKILL"}

BROKEN = """
from devsup.cli import main
from devsup.commands.following import Following

def take(*_):
    raise RuntimeError

Following.take = take
main()
"""


@contextmanager
def zygote_ends(stack: Stack) -> Iterator[int]:
    """Meanwhile, and with it all that it guards."""
    zygote = Family(supervisor(stack)).zygote
    pidfd = os.pidfd_open(zygote)
    yield zygote
    assert is_readable(pidfd, SECONDS)
    os.close(pidfd)


SHELL = "trap : INT QUIT; ulimit -c 0; read _; {command}; echo status=$?; read _"
"""A shell without job control: what is in its foreground is its own process group."""


@pytest.mark.parametrize("end", ENDS)
def test_the_terminal_is_left_as_it_was_found(doomed: Stack, end: str) -> None:
    stack = doomed
    act, code = ENDS[end]
    stack.write("Procfile", f"web: echo there; exec 3> life; {PAUSE}\n")
    life = stack.fifo("life")
    stack.write("broken.py", BROKEN)
    command = "${DEVSUP%% *} broken.py up" if end == "bug" else "$DEVSUP up"
    stack.shell_in_terminal(SHELL.format(command=command))
    before = modes(stack)
    stack.type("\n")
    stack.wait_for("there")
    stack.wait_for_generation(1)
    assert is_taken(stack)
    stack.type("r")
    stack.wait_for("restart: _")
    with zygote_ends(stack):
        act(stack)
        assert int(stack.wait_for(r"status=(\d+)")[1]) == code
    assert modes(stack) == before
    life.wait_for_end()
    stack.type("\n")
    stack.wait_for_exit()
    if end not in KILLED:  # the shell's next line may come before the zygote's eraser
        assert "restart: _" not in shown(stack)
    assert "\x1b[J" in stack.output[stack.output.rindex("restart: _") :]


def test_what_a_shell_has_set_since_a_kill_stays(doomed: Stack) -> None:
    stack = doomed
    stack.write("Procfile", f"web: {POLITE}\n")
    stack.shell_in_terminal(SHELL.format(command="$DEVSUP up"))
    stack.type("\n")
    stack.wait_for("there")
    with zygote_ends(stack) as zygote:
        os.kill(zygote, signal.SIGSTOP)
        os.kill(supervisor(stack), signal.SIGKILL)
        stack.wait_for("status=137")
        own = modes(stack)
        own[0] |= termios.IXANY
        termios.tcsetattr(stack.reader, termios.TCSANOW, own)
        os.kill(zygote, signal.SIGCONT)
    assert modes(stack) == own
    stack.type("\n")
    stack.wait_for_exit()


# ---- job control

JOBS = """set -m; read _
$DEVSUP up; echo stopped; read _
bg; echo in the back; read _
fg; echo status=$?"""


def test_a_stop_gives_the_terminal_back_and_the_foreground_takes_it_again(stack: Stack) -> None:
    stack.write("Procfile", TWO)
    stack.shell_in_terminal(JOBS)
    before = modes(stack)
    stack.type("\n")
    stack.wait_for_generation(1)
    assert is_taken(stack)
    stack.type("r\x1a")
    stack.wait_for("stopped")
    assert modes(stack) == before
    stack.type("\n")
    stack.wait_for("in the back")
    stack.write(".env", "VALUE=new\n")
    stack.wait_for_generation(2)  # it runs, and has not touched the terminal
    assert modes(stack) == before
    os.kill(supervisor(stack), signal.SIGSTOP)  # not every shell continues what runs
    stack.type("\n")
    stack.wait_for("up")
    stack.type("?")
    stack.wait_for("end gracefully")
    assert is_taken(stack)
    stack.type("q")
    stack.wait_for("status=0")
    assert modes(stack) == before
    stack.wait_for_exit()


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_in_the_background_it_runs_and_leaves_the_terminal_alone(stack: Stack, shell: str) -> None:
    """And has the keys when it comes to the foreground, also of a shell that does not tell it."""
    stack.write("Procfile", f"web: echo up; trap 'read _ < gate; exit 0' TERM; {PAUSE}\n")
    let_go = stack.gate()
    script = "set -m; $DEVSUP up -t 600 & read _; fg; echo status=$?"
    stack.shell_in_terminal(script if shell == "sh" else f"exec bash -c '{script}'")
    before = modes(stack)
    stack.wait_for_generation(1)
    stack.type("q")  # for whoever is in front
    stack.write(".env", "VALUE=new\n")
    stack.wait_for(r"devsup .* waiting: web\.1 finishing")  # a line: the bottom is the shell's
    assert modes(stack) == before
    let_go()
    stack.wait_for_generation(2)
    stack.type("\n")
    stack.wait_for("up")
    stack.write(".env", "VALUE=newer\n")
    stack.wait_for("restarting")
    let_go()
    stack.wait_for_generation(3)
    assert is_taken(stack)
    stack.type("q")
    let_go()
    stack.wait_for("status=0")
    assert modes(stack) == before
    stack.wait_for_exit()


def test_a_terminal_that_hangs_up_ends_it(stack: Stack) -> None:
    up(stack)
    stack.hang_up()
    assert stack.devsup.wait(SECONDS) in {129, 0}
