"""`devsup attach`: a real terminal to a service, for a debugger above all."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import kin
import pytest
from attached import DETACH, Attached, attached
from backend import copy_servers, get, programs_on_path, tasks_at
from stack import HERE, SECONDS, hostile
from stage import is_readable

from devsup.edges.rundir import RunDirectory, default_base
from devsup.pure.protocol import Command, Frame, Request, dump

if TYPE_CHECKING:
    from pathlib import Path

    from stack import Stack
    from supervised import Words

INDENT = len("12:34:56 other.1 | ")
PTY = "[services.web]\npty = true\n"
DEBUGGED = """
import os, signal
signal.signal(signal.SIGWINCH, lambda *_: print("now %dx%d" % os.get_terminal_size(), flush=True))
value = 41
breakpoint()
value += 1
print("went on with", value, flush=True)
while True:
    signal.pause()
"""


def debugged(stack: Stack) -> Stack:
    """A run with a service that waits in pdb."""
    command = shlex.join([sys.executable, "-u", "-c", f"exec({DEBUGGED!r})"])
    stack.write("Procfile", f"web: {command}\nother: exec sleep 600\n")
    stack.write("devsup.toml", PTY)
    stack.write(".env", "VALUE=one\n")
    stack.up().wait_for("web.1 waits at a prompt: devsup attach web.1")
    return stack


# ---- debugging


def test_a_request_is_debugged_in_uvicorn(stack: Stack, port: int) -> None:
    shutil.copy(HERE / "served.py", stack.root)
    app = "import served\nasync def app(scope, receive, send):\n    if scope['type'] == 'http':\n"
    app += "        value = 41\n        breakpoint()\n        value += 1\n"
    stack.write("debugged.py", f"{app}    await served.app(scope, receive, send)\n")
    stack.write("Procfile", "web: uvicorn debugged:app --port $PORT\n")
    stack.write("devsup.toml", PTY)
    stack.up("--port", str(port), env=programs_on_path()).wait_for_generation(1)
    answers: list[Any] = []
    client = threading.Thread(target=lambda: answers.append(get(port, "/")))
    client.start()
    stack.wait_for("waits at a prompt")
    with attached(stack) as seat:
        seat.wait_for(r"\(Pdb\)")
        seat.answer("p value", "41")
        # Not `n`: from 3.13 on it goes to the line before, since breakpoint() stops at itself.
        seat.answer("until 7", r"served\.app")
        seat.answer("p value + 100", "142")
        assert not answers
        seat.answer("c", "GET /")
        seat.type(DETACH)
        assert seat.wait_for_exit() == 0
    client.join(SECONDS)
    assert [each["generation"] for each in answers] == ["1"]


def test_a_task_is_debugged_in_a_celery_solo_worker(stack: Stack, port: int) -> None:
    copy_servers(stack.root)
    for name in ("served.py", "jobs.py"):
        shutil.copy(HERE / name, stack.root)
    task = "def halt(value):\n    breakpoint()\n    return value + 1\n"
    stack.write("debugged.py", f"from jobs import app\n@app.task\n{task}")
    worker = "celery -A debugged worker -P solo --loglevel INFO --without-gossip --without-mingle"
    stack.write("Procfile", f"broker: python examples/servers/broker.py\nworker: {worker}\n")
    stack.write("devsup.toml", "[services.worker]\nafter = ['broker']\npty = true\n")
    env = programs_on_path() | {"BROKER_PORT": str(port)}
    stack.up(env=env).wait_for_generation(1)
    with tasks_at(port) as tasks:
        call = tasks.send_task("debugged.halt", [41])
        with attached(stack, "worker") as seat:
            seat.wait_for(r"\(Pdb\)")
            seat.answer("p value", "41")
            seat.answer("value = 1", r"\(Pdb\)")
            seat.answer("c", "succeeded")
            seat.type(DETACH)
            assert seat.wait_for_exit() == 0
        assert call.get(SECONDS) == 2


def test_the_window_of_who_is_attached_is_the_services_until_they_leave(stack: Stack) -> None:
    with attached(debugged(stack)) as seat:
        seat.wait_for("now 100x30")
        seat.resize(71, 19)
        seat.wait_for("now 71x19")
        seat.type(DETACH)
        assert seat.wait_for_exit() == 0
    stack.wait_for(f"now {80 - INDENT}x24")


def test_ctrl_c_goes_to_the_service_alone(stack: Stack) -> None:
    with attached(debugged(stack)) as seat:
        seat.answer("while True: pass", "")
        seat.type("\x03")
        seat.wait_for("KeyboardInterrupt")
        seat.answer("p value", "41")
        seat.answer("c", "went on with 42")
        seat.type(DETACH)
        assert seat.wait_for_exit() == 0
    stack.wait_for("went on with 42")
    assert stack.devsup.poll() is None


def test_what_was_on_the_screen_is_shown_to_who_comes_later(stack: Stack) -> None:
    debugged(stack)
    for _ in range(2):
        with attached(stack) as seat:
            seat.wait_for(r"\(Pdb\) ")
            seat.type(DETACH)
            assert seat.wait_for_exit() == 0


def test_two_who_are_attached_see_the_same(stack: Stack) -> None:
    with attached(debugged(stack)) as one, attached(stack) as other:
        one.answer("p value + 1000", "1041")
        other.wait_for("1041")
        other.answer("p value + 2000", "2041")
        one.wait_for("2041")


def test_what_is_typed_unseen_is_nowhere_to_be_seen(stack: Stack) -> None:
    command = shlex.join(
        [
            sys.executable,
            "-c",
            "import getpass, time; print(len(getpass.getpass())); time.sleep(600)",
        ]
    )
    stack.write("Procfile", f"web: {command}\n")
    stack.write("devsup.toml", PTY)
    stack.up().wait_for("Password:")
    with attached(stack) as seat:
        seat.type("S3cret-word\r")
        seat.wait_for("11")
        assert "S3cret-word" not in seat.output
    stack.wait_for(r"\| 11$")
    assert "S3cret-word" not in stack.output
    assert "S3cret-word" not in stack.run("logs").stdout


# ---- the end of it


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_terminal_and_service_alone(stack: Stack, number: int) -> None:
    with attached(debugged(stack)) as seat:
        seat.wait_for(r"\(Pdb\) ")
        seat.process.send_signal(number)
        assert seat.wait_for_exit() == 128 + number
    with attached(stack) as seat:
        seat.answer("p value", "41")


def test_an_edit_restarts_as_ever_and_says_why_it_is_over(stack: Stack) -> None:
    with attached(debugged(stack)) as seat:
        seat.wait_for(r"\(Pdb\) ")
        stack.write(".env", "VALUE=two\n")
        seat.wait_for("web.1 has ended; when it runs again: devsup attach web.1")
        assert seat.wait_for_exit() == 0
    stack.wait_for_generation(2)


def test_who_is_attached_puts_off_no_sigkill(stack: Stack) -> None:
    life = stack.fifo("life")
    stack.write("Procfile", f"web: {hostile('stubborn', 'life')}\n")
    stack.write("devsup.toml", f"{PTY}stop-timeout = 0.3\n")
    stack.up()
    life.listen()
    with attached(stack) as seat:
        assert stack.run("restart", "--no-wait").returncode == 0
        seat.wait_for("has ended")
        assert seat.wait_for_exit() == 0


def test_a_killed_devsup_leaves_the_terminal_as_it_was(doomed: Stack) -> None:
    with attached(debugged(doomed)) as seat:
        seat.wait_for(r"\(Pdb\) ")
        with kin.held(kin.descendants(doomed.devsup.pid)) as former:
            doomed.devsup.kill()
            seat.wait_for("devsup is gone")
            assert seat.wait_for_exit() == 1
            assert all(is_readable(each, SECONDS) for each in former)


def test_who_stops_looking_harms_nobody_and_is_told_what_they_missed(stack: Stack) -> None:
    open_gate = stack.gate()
    flood = "read _ < gate; yes floods | head -c 5000000; echo flooded; exec sleep 600"
    stack.write("Procfile", f"web: {flood}\nother: exec sleep 600\n")
    stack.write("devsup.toml", PTY)
    stack.up().wait_for_generation(1)
    with attached(stack) as seat:
        seat.process.send_signal(signal.SIGSTOP)
        open_gate()
        stack.wait_for("flooded")
        assert stack.run("restart", "other").returncode == 0
        seat.process.send_signal(signal.SIGCONT)
        seat.wait_for("lines missed")
        seat.wait_for("flooded")
        seat.type(DETACH)
        assert seat.wait_for_exit() == 0


@pytest.mark.parametrize(
    "garbage", [b"\xff\n", b'{"keys": 7}\n', b'{"columns": 99999, "rows": 1}\n', b"x" * 200_000]
)
def test_garbage_between_keys_ends_that_one_attachment_alone(stack: Stack, garbage: bytes) -> None:
    with attached(debugged(stack)) as seat, socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(RunDirectory.of(stack.root).socket))
        peer.sendall(dump(Request(Command.ATTACH, ("web",))) + dump(Frame("p value + 600\r")))
        with contextlib.suppress(ConnectionError):
            peer.sendall(garbage)
        said = b""
        with contextlib.suppress(ConnectionError):
            while more := peer.recv(1 << 16):
                said += more
        assert b'"number": 2' in said.splitlines()[-1]  # as is the exit code of wrong usage
        seat.answer("p value", "41")


SILENT = """
import itertools, os, signal, tty
sizes, number = os.open("sizes", os.O_WRONLY), itertools.count(1)
def tell_width(*_):
    os.write(sizes, b"%d: %d\\n" % (next(number), os.get_terminal_size()[0]))
signal.signal(signal.SIGWINCH, tell_width)
tty.setraw(0)
tell_width()
open("gate").read(1)
size, keys = 0, b""
while not keys.endswith(b"!"):
    size += len(keys := os.read(0, 1 << 16))
print("took", size, flush=True)
signal.pause()
"""
"""Writes nothing into its terminal before it has read a `!`; how wide that is goes into a FIFO."""


def silent(stack: Stack) -> Words:
    """A service that reads when it is let through; what it says of its width."""
    sizes = stack.fifo("sizes")
    stack.write("silent.py", SILENT)
    stack.write("Procfile", f"web: exec {sys.executable} silent.py\n")
    stack.write("devsup.toml", PTY)
    stack.up()
    sizes.wait_for("1: ")
    return sizes


def paste_and_leave(stack: Stack, keys: str) -> None:
    """Somebody with a window of 71 columns."""
    request = Request(Command.ATTACH, ("web",), columns=71, rows=19)
    frames = [Frame(keys[at : at + 4000]) for at in range(0, len(keys), 4000)]
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(RunDirectory.of(stack.root).socket))
        peer.sendall(dump(request))
        assert b"attached to" in peer.recv(1 << 16)
        peer.sendall(b"".join(dump(frame) for frame in frames))


def test_who_leaves_while_the_service_does_not_read_makes_room_for_the_next(stack: Stack) -> None:
    open_gate, sizes = stack.gate(), silent(stack)
    paste_and_leave(stack, "x" * 320_000)
    assert sizes.wait_for("2: ") == "71"
    assert sizes.wait_for("3: ") == sizes.wait_for("1: ")
    with attached(stack) as seat:
        seat.type("!")
        open_gate()
        seat.wait_for(r"took [12]?\d{5}\b")
        seat.type(DETACH)
        assert seat.wait_for_exit() == 0


def test_what_was_typed_right_before_leaving_reaches_a_service_that_reads(stack: Stack) -> None:
    open_gate, _ = stack.gate(), silent(stack)
    open_gate()
    paste_and_leave(stack, "x" * 99_999 + "!")
    stack.wait_for("took 100000")


def kept() -> set[Path]:
    """Tracebacks of bugs; also those of other tests, which run at the same time."""
    return {*default_base().glob("crash-*")}


def test_who_leaves_without_having_read_what_came_is_no_bug(stack: Stack) -> None:
    before = kept()
    stack.gate()
    sizes = silent(stack)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(RunDirectory.of(stack.root).socket))
        peer.sendall(dump(Request(Command.ATTACH, ("web",), columns=71, rows=19)))
        sizes.wait_for("2: ")
        assert is_readable(peer.fileno(), SECONDS)
    sizes.wait_for("3: ")
    assert stack.run("status").returncode == 0  # so all that follows from its end is done
    assert not any("attached.py" in each.read_text() for each in kept() - before)


# ---- refusals


@pytest.mark.parametrize(
    ("service", "words"),
    [("other", "pty = true"), ("nobody", 'no service "nobody"')],
)
def test_a_service_that_cannot_be_attached_to_is_refused_with_what_to_do(
    stack: Stack, service: str, words: str
) -> None:
    debugged(stack)
    with contextlib.closing(Attached(stack, service)) as seat:
        seat.wait_for(words)
        assert seat.wait_for_exit() != 0


def test_what_the_refusal_says_to_write_gives_a_terminal(stack: Stack) -> None:
    debugged(stack)
    stack.write("devsup.toml", f"{PTY}[services.other]\npty = true\n")
    stack.wait_for("other.1.* verified")
    with attached(stack, "other") as seat:
        seat.type(DETACH)
        assert seat.wait_for_exit() == 0


def test_without_a_terminal_it_is_refused(stack: Stack) -> None:
    done = debugged(stack).run("attach", "web")
    assert done.returncode == 2
    assert "terminal" in done.stderr


def test_without_a_run_it_is_refused(stack: Stack) -> None:
    with contextlib.closing(Attached(stack, "web")) as seat:
        seat.wait_for("nothing is running here")
        assert seat.wait_for_exit() == 3
