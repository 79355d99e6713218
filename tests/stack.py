"""A project in a folder, and devsup run in it as a user does.

The test's own process is a subreaper meanwhile (see stage.adopting): a test fails when anything
that devsup started is left when devsup is gone.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import kin
from family import Family
from supervised import Words

from devsup.edges.rundir import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HERE = Path(__file__).parent
DEVSUP = (sys.executable, "-m", "devsup")
IN_TERMINAL = (sys.executable, str(HERE / "in_terminal.py"))
PAUSE = "read _ <> pause"
"""What a shell does until a signal comes, without a child: nobody ever writes into that FIFO."""
SECONDS = 60.0
"""How long a test waits for what must happen; far more than it takes."""


def hostile(kind: str, ready: str | Path, *options: str) -> str:
    """The command line of a program of hostile.py, for a Procfile.

    Left to the shell as it is: `ready` may hold variables.
    """
    return " ".join([sys.executable, str(HERE / "hostile.py"), kind, str(ready), *options])


class Stack:
    """A Procfile, its env file, and at most one `devsup up` at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.output = ""
        self.seen = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.reader = -1
        self.lives: list[Words] = []
        self.gates: list[int] = []
        root.mkdir()
        os.mkfifo(root / "pause")

    def write(self, name: str, text: str) -> Path:
        """A file of the project, written in place."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def replace(self, name: str, text: str) -> Path:
        """A file of the project, written beside and put in its place by a rename."""
        return self.write(f"{name}.new", text).replace(self.root / name)

    def fifo(self, name: str) -> Words:
        """Hears what is written into this FIFO of the project, and when the last writer is dead."""
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        os.mkfifo(path)
        life = Words(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        self.lives.append(life)
        return life

    def gate(self, name: str = "gate") -> Callable[[], object]:
        """A FIFO that a shell waits at with `read _ < NAME`; each call lets one through."""
        path = self.root / name
        os.mkfifo(path)
        self.gates.append(os.open(path, os.O_RDWR))
        return partial(os.write, self.gates[-1], b"\n")

    def up(
        self,
        *options: str,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = DEVSUP,
    ) -> Stack:
        """Start `devsup up`; `env` is added to the test's own environment."""
        self.hang_up()
        self.reader, writer = os.pipe()
        return self._start([*program, "up", *options], writer, env)

    def up_in_terminal(self, *options: str, env: Mapping[str, str] | None = None) -> Stack:
        """Start `devsup up` in a terminal of its own, which `type` types into."""
        self.hang_up()
        self.reader, terminal = os.openpty()
        return self._start([*IN_TERMINAL, *DEVSUP, "up", *options], terminal, env)

    def shell_in_terminal(self, script: str) -> Stack:
        """Run a shell's script in a terminal of its own; it starts devsup itself, by `$DEVSUP`."""
        self.hang_up()
        self.reader, terminal = os.openpty()
        return self._start(
            [*IN_TERMINAL, "sh", "-c", script], terminal, {"DEVSUP": " ".join(DEVSUP)}
        )

    def _start(self, command: list[str], output: int, env: Mapping[str, str] | None) -> Stack:
        self.output, self.seen = "", 0
        self.process = subprocess.Popen(
            command,
            stdin=output if os.isatty(output) else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=self.root,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        os.close(output)
        return self

    @property
    def devsup(self) -> subprocess.Popen[bytes]:
        """The running `devsup up`."""
        assert self.process
        return self.process

    @property
    def family(self) -> Family:
        """The processes below the running `devsup up`."""
        return Family(self.devsup.pid)

    @property
    def leaders(self) -> dict[str, int]:
        """The leader of each service, as devsup has written down."""
        record = RunDirectory.of(self.root).read()
        assert record
        return {each.service: each.leader.pid for each in record.sessions}

    def guardian(self, service: str) -> int:
        """The parent of a leader."""
        return int(kin.stat(self.leaders[service])[1])

    def run(
        self, *arguments: str, env: Mapping[str, str] | None = None, within: str = "."
    ) -> subprocess.CompletedProcess[str]:
        """Run another command of devsup here, to its end; `env` is added to the test's own."""
        return subprocess.run(
            [*DEVSUP, *arguments],
            cwd=self.root / within,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The next match in the output, behind what was waited for before."""
        expression = re.compile(pattern, re.MULTILINE)
        until = time.monotonic() + SECONDS
        while not (match := expression.search(self.output, self.seen)):
            assert self._read(until), f"no {pattern!r} in:\n{self.output[self.seen :]}"
        self.seen = match.end()
        return match

    def wait_for_generation(self, number: int) -> str:
        """The line that reports this generation as running and verified."""
        return self.wait_for(rf"^.*on generation {number}\b.* verified.*$").group()

    def wait_for_exit(self) -> int:
        """devsup's exit code after its own end; the output is complete then."""
        until = time.monotonic() + SECONDS
        while self.reader >= 0 and self._read(until):
            pass
        return self.devsup.wait(max(0.0, until - time.monotonic()))

    def interrupt(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C, or another signal, and the exit code."""
        self.signal(number)
        return self.wait_for_exit()

    def type(self, keys: str) -> None:
        """Type into the terminal."""
        os.write(self.reader, keys.encode())

    def signal(self, number: int) -> None:
        """Send a signal to devsup."""
        self.devsup.send_signal(number)

    def hang_up(self) -> None:
        """Close the terminal, or the pipe that the output goes to."""
        if self.reader >= 0:
            os.close(self.reader)
        self.reader = -1

    def _read(self, until: float) -> bool:
        """More output, as it comes; False at its end, or when it is overdue."""
        left = max(0.0, until - time.monotonic())
        if not select.select([self.reader], [], [], left)[0]:
            return False
        data = b""
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
            data = os.read(self.reader, 1 << 16)
        self.output += data.decode(errors="replace")
        return bool(data)

    def end(self) -> None:
        """Kill devsup if it still runs; what it leaves is the business of `adopting`."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.hang_up()
        while self.lives:
            os.close(self.lives.pop().descriptor)
        while self.gates:
            os.close(self.gates.pop())
