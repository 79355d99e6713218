"""No value of an env file is in anything that devsup prints or writes, whatever goes wrong."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stack import DEVSUP, PAUSE

from devsup.edges.rundir import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack import Stack

SECRET = "hunter2"
"""Part of every value."""
SETTINGS = """
PLAIN=hunter2
URL="postgres://user:hunter2@localhost/hunter2"
MANY='hunter2
hunter2_LOOKS_LIKE_A_KEY=hunter2
'
MADE_OF=${PLAIN}-${URL}
"""
BROKEN = {
    "no equals sign": b"PLAIN=hunter2\nhunter2\n",
    "two words": b"export hunter2 hunter2\n",
    "an open quote": b"PLAIN='hunter2\nhunter2_LOOKS_LIKE_A_KEY=hunter2\nhunter2\n",
    "an open double quote": b'A=1\nPLAIN="hunter2\nhunter2_LOOKS_LIKE_A_KEY=hunter2\n',
    "a quote that another one closes": b'PLAIN="hunter2\nB="hunter2"\nhunter2=hunter2\nhunter2\n',
    "an apostrophe": b"PLAIN='hunter2'hunter2'\nB='hunter2'\n",
    "a quoted name": b"'hunter2\nhunter2'=hunter2\n",
    "NUL": b"PLAIN=hunter2\0hunter2\n",
    "no UTF-8": b"PLAIN=hunter2\xff\xfehunter2\n",
    "UTF-16": "PLAIN=hunter2\n".encode("utf-16"),
    "a long value": b"PLAIN=" + b"hunter2" * 20_000,
    "a long file": b"PLAIN=hunter2\n" * 100_000,
    "a value that grows": b"A=hunter2hunter2\n" + b"A=${A}${A}\n" * 20,
    "blanks": b"PLAIN=hunter2" + b" " * 2000 + b"hunter2\n",
}
SLEEPS = "import time; print('there', flush=True); time.sleep(600)"
SHOWS_ON_COMMAND_LINE = f'{sys.executable} -c "{SLEEPS}" $PLAIN "$URL"'


def written(stack: Stack) -> Iterator[tuple[Path, bytes]]:
    """What devsup keeps on disk for this project."""
    for path in RunDirectory.of(stack.root).path.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def check_silence(stack: Stack, *printed: str) -> None:
    for text in (stack.output, *printed):
        assert SECRET not in text
    for path, content in written(stack):
        assert SECRET.encode() not in content, path


def swap(stack: Stack, content: bytes) -> None:
    (stack.root / "new").write_bytes(content)
    (stack.root / "new").replace(stack.root / ".env")


def test_a_run_tells_no_value(stack: Stack) -> None:
    stack.write("Procfile", f'web: {SHOWS_ON_COMMAND_LINE}\nends: test "$PLAIN" = hunter2\n')
    stack.write(".env", SETTINGS)
    stack.up(env={"PLAIN": "hunter2 of the shell", "URL": "hunter2 too"}).wait_for("there")
    stack.wait_for_generation(1)
    commands = [
        "status --json",
        "env web",
        "env --live",
        "check",
        "logs",
        "restart web",
        "kill --dry-run",
    ]
    answers = [stack.run(*each.split()) for each in commands]
    check_silence(stack, *(each.stdout + each.stderr for each in answers))
    swap(stack, SETTINGS.replace("hunter2", "hunter2-new").encode())
    stack.wait_for_generation(2)
    swap(stack, b"")
    stack.wait_for_generation(3)
    done = stack.run("kill")
    stack.wait_for_exit()
    check_silence(stack, done.stdout + done.stderr)
    assert "~PLAIN ~URL ~MANY ~MADE_OF" in stack.output
    assert "-PLAIN -URL -MANY -MADE_OF" in stack.output


def test_no_broken_file_shows_a_value(stack: Stack) -> None:
    stack.write("Procfile", f"web: {PAUSE}\n")
    stack.write(".env", SETTINGS)
    stack.up().wait_for_generation(1)
    for content in BROKEN.values():
        swap(stack, content)
        stack.wait_for(r"devsup \| \.env:.*\n.*kept running")
        swap(stack, SETTINGS.encode())
        stack.wait_for("readable again")
    swap(stack, BROKEN["an open quote"])
    stack.wait_for("kept running")
    answers = [stack.run(each) for each in ("status", "env", "check")]
    check_silence(stack, *(each.stdout + each.stderr for each in answers))


@pytest.mark.parametrize("what", BROKEN)
def test_no_broken_file_shows_a_value_at_the_start(stack: Stack, what: str) -> None:
    stack.write("Procfile", f"web: {PAUSE}\n")
    swap(stack, BROKEN[what])
    stack.up().wait_for(r"^devsup: \.env:")
    assert stack.wait_for_exit() == 2
    check_silence(stack)


def test_what_the_kernel_refuses_shows_no_value(stack: Stack) -> None:
    """Arguments and environment together may take a quarter of the stack's limit."""
    stack.write("Procfile", f"web: {PAUSE} # {'long ' * 20_000}\n")
    stack.write(".env", "".join(f"KEY_{number}={'hunter2' * 1_500}\n" for number in range(17)))
    stack.up(program=["sh", "-c", 'ulimit -s 1024; exec "$@"', "sh", *DEVSUP])
    stack.wait_for("web.1 cannot be started: Argument list too long")
    stack.wait_for("web.1 crashed")
    check_silence(stack)


def test_what_a_locale_has_no_bytes_for_shows_no_value(stack: Stack) -> None:
    """It is refused by devsup itself, before there is a guardian."""
    stack.write("Procfile", f"web: {PAUSE}\n")
    stack.write(".env", f"KEY=é{SECRET}\n")
    ascii_only = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    stack.up(env=ascii_only).wait_for("web.1 cannot be started: ")
    stack.wait_for("web.1 exited with status 127")
    stack.wait_for("web.1 crashed")
    check_silence(stack)


# ---- a bug in devsup itself

BREAK = """
import importlib, os, sys
from devsup.cli import main

def broken(*arguments):
    if not kind or kind in [type(argument).__name__ for argument in arguments]:
        local = os.environ["PLAIN"]
        try:
            raise KeyError(local, arguments)
        except KeyError as error:
            raise RuntimeError(f"about {local}") from error
    return original(*arguments)

module, path, kind = sys.argv.pop(1).split(" ")
*owners, name = path.split(".")
owner = importlib.import_module(f"devsup.{module}")
for each in owners:
    owner = getattr(owner, each)
original = getattr(owner, name)
setattr(owner, name, broken)
main()
"""
"""devsup with a function that raises an error, if it is given an argument of this kind."""


def wait(_: Stack) -> None:
    """It happens by itself."""


def edit(stack: Stack) -> None:
    stack.wait_for("there")
    stack.replace(".env", "PLAIN=hunter2-new\n")


def end_a_service(stack: Stack) -> None:
    stack.wait_for("there")
    stack.replace("Procfile", "")
    (stack.root / "gate").open("w").close()


def end(stack: Stack) -> None:
    stack.wait_for("there")
    stack.signal(signal.SIGTERM)


BUGS = {
    "commands.launch build ": wait,
    "pure.supervisor Supervisor.handle Launched": wait,  # at the start of the loop
    "pure.supervisor Supervisor.handle BecameReady": wait,  # in the task of a probe
    "commands.headcount Headcount.ports ": wait,  # likewise
    "pure.supervisor Supervisor.handle TimerFired": wait,  # in a timer
    "edges.watch Watch._compare ": wait,
    "pure.lines Lines.feed ": wait,  # when a service says something
    "pure.supervisor Supervisor.handle LeaderExited": end_a_service,  # when its guardian does
    "pure.supervisor Supervisor.handle Edited": edit,
    "commands.following Following.take ": edit,  # in a timer
    "pure.report sentence Restarting": edit,
    "pure.supervisor Supervisor.handle Quit": end,  # in the handler of a signal
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_ends_everything_and_its_traceback_shows_no_value(
    stack: Stack, port: int, bug: str
) -> None:
    """And leaves nothing alive, which the fixture sees."""
    stack.write("uvicorn", f"#!/bin/sh\n{PAUSE}").chmod(0o755)
    stack.write("Procfile", f"web: echo there; {PAUSE}\nends: read _ < gate\nlistens: ./uvicorn\n")
    options = f"ready-timeout = 0.2\n[services.web]\nready = {{ port = {port} }}\n"
    stack.write("devsup.toml", options)
    stack.write(".env", SETTINGS)
    os.mkfifo(stack.root / "gate")
    with socket.create_server(("127.0.0.1", port)):
        stack.up(program=[sys.executable, "-c", BREAK, bug], env={"PLAIN": "hunter2"})
        BUGS[bug](stack)
        assert stack.wait_for_exit() == 70
    crash = Path(stack.wait_for(r"bug in devsup itself \(RuntimeError\).*\n.* (/\S+)$")[1])
    traceback = crash.read_text()
    crash.unlink()
    assert "in broken" in traceback
    assert "RuntimeError" in traceback
    assert SECRET not in traceback
    check_silence(stack)
