"""Whom a command in another terminal waits for is said there, too, and taken away again."""

from __future__ import annotations

import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from emulator import Emulator
from other import Other, other
from stack import DEVSUP, PAUSE, SECONDS

from devsup.edges.rundir import RunDirectory
from devsup.pure.protocol import Command, Kind, Request, dump, load_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stack import Stack

BUSY = f"trap 'read _ < gate; exit 0' TERM; echo trapped; {PAUSE}"


@pytest.fixture
def let_go(stack: Stack) -> Iterator[Callable[[], object]]:
    """A worker runs that stops each time when it is let through."""
    let_go = stack.gate()
    stack.write("Procfile", f"worker: {BUSY}\n")
    options = "ready = { log = 'trapped' }\nstop-timeout = 600.0\n"
    stack.write("devsup.toml", f"[services.worker]\n{options}")
    stack.up().wait_for_generation(1)
    yield let_go
    for _ in range(3):
        let_go()


def shown(asking: Other) -> list[str]:
    return Emulator().feed(asking.words.heard).lines


@pytest.mark.parametrize(
    ("command", "left"),
    [("restart", "worker.1 is up"), ("stop", "worker.1 is down, "), ("down", "")],
)
def test_a_terminal_shows_it_in_place_and_nothing_of_it_stays(
    stack: Stack, let_go: Callable[[], object], command: str, left: str
) -> None:
    with other(stack, command, terminal=True) as asking:
        asking.wait_for_text("waiting: worker.1 finishing, 59")
        asking.wait_for_text("worker.1 finishing, 597 s before SIGKILL\x1b[0m\r")
        [line] = shown(asking)
        assert line == "waiting: worker.1 finishing, 597 s before SIGKILL"
        let_go()
        assert asking.wait()[0] == 0
    assert not [line for line in shown(asking) if "waiting" in line]
    assert "".join(shown(asking)).startswith(left)


def test_a_script_gets_its_answer_as_ever_and_a_line_on_stderr(
    stack: Stack, let_go: Callable[[], object]
) -> None:
    asking = subprocess.Popen(
        [*DEVSUP, "restart"],
        cwd=stack.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert asking.stderr
    line = asking.stderr.readline()
    assert line == "devsup: waiting: worker.1 finishing, 599 s before SIGKILL\n"
    let_go()
    answer, rest = asking.communicate(timeout=SECONDS)
    assert answer.startswith("worker.1 is up (log line) on generation 1, restarted in ")
    assert (answer.count("\n"), rest, asking.returncode) == (1, "", 0)


def test_a_detached_run_names_what_it_waits_for(doomed: Stack) -> None:
    doomed.write("Procfile", f"web: {PAUSE}\n")
    doomed.write("devsup.toml", "[services.web]\nready = { log = 'all set' }\n")
    try:
        with other(doomed, "up", "-d") as starting:
            text = "web.1 starting for 1 s (until a line has all set)\n"
            starting.wait_for_text(f"devsup: waiting: {text}")
    finally:
        doomed.run("down")


def test_the_end_of_the_run_meanwhile_leaves_a_clean_line(
    stack: Stack, let_go: Callable[[], object]
) -> None:
    with other(stack, "restart", terminal=True) as asking:
        asking.wait_for_text("waiting: worker.1 finishing")
        stack.signal(signal.SIGINT)
        stack.wait_for("stopping worker.1")
        let_go()
        assert asking.wait()[0] == 1
    assert shown(asking) == ["devsup: devsup is ending"]
    assert stack.wait_for_exit() == 130


def test_an_edit_meanwhile_leaves_a_clean_line(stack: Stack, let_go: Callable[[], object]) -> None:
    with other(stack, "restart", terminal=True) as asking:
        asking.wait_for_text("waiting: worker.1 finishing")
        stack.write(".env", "VALUE=two\n")
        stack.wait_for("restarting worker.1 on generation 2")
        let_go()
        assert asking.wait()[0] == 0
    assert shown(asking)[0].startswith("worker.1 is up (log line) on generation 2, ")
    assert not [line for line in shown(asking) if "waiting" in line]


def test_a_crash_meanwhile_leaves_a_clean_line(stack: Stack) -> None:
    break_it = stack.gate()
    stack.write("Procfile", "web: read _ < gate; echo oh no; exit 3\n")
    stack.write("devsup.toml", "[services.web]\nready = { log = 'never' }\n")
    stack.up().wait_for("waiting: web.1 starting")
    with other(stack, "start", terminal=True) as asking:
        asking.wait_for_text("waiting: web.1 starting")
        break_it()
        assert asking.wait()[0] == 1
    lines = shown(asking)
    assert lines[0] == "web.1 crashed: it exited with status 3"
    assert not [line for line in lines if "waiting" in line]


@pytest.mark.usefixtures("let_go")
def test_ctrl_c_leaves_a_clean_line(stack: Stack) -> None:
    with other(stack, "restart", terminal=True) as asking:
        asking.wait_for_text("waiting: worker.1 finishing")
        asking.process.send_signal(signal.SIGINT)
        assert asking.wait()[0] == 130
    assert shown(asking) == []


def test_who_does_not_ask_for_it_is_told_nothing_of_it(
    stack: Stack, let_go: Callable[[], object]
) -> None:
    """A devsup that was installed before there was this kind of reply takes it for garbage."""
    with socket.socket(socket.AF_UNIX) as older, other(stack, "restart") as newer:
        older.connect(str(RunDirectory.of(stack.root).socket))
        older.sendall(dump(Request(Command.RESTART)))
        newer.wait_for_text("waiting: ")
        let_go()
        let_go()
        assert newer.wait()[0] == 0
        with older.makefile("rb") as lines:
            kinds = [load_reply(line).kind for line in lines]
    assert kinds == [Kind.SAY, Kind.DONE]
