"""A project in a folder, and devsup run in it as a user does.

The test's own process is a subreaper meanwhile (see stage.adopting): a test fails when anything
that devsup started is left when devsup is gone.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
DEVSUP = (sys.executable, "-m", "devsup")
SECONDS = 60.0
"""How long a test waits for what must happen; far more than it takes."""


def hostile(kind: str, ready: Path, *options: str) -> str:
    """The command line of a program of hostile.py, for a Procfile."""
    return " ".join([sys.executable, str(HERE / "hostile.py"), kind, str(ready), *options])


class Stack:
    """A Procfile, its env file, and at most one `devsup up` at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.output = ""
        self.seen = 0
        self.process: subprocess.Popen[bytes] | None = None
        root.mkdir()

    def write(self, name: str, text: str) -> Path:
        """A file of the project, written in place."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def up(self, *options: str, env: Mapping[str, str] | None = None) -> Stack:
        """Start `devsup up`; `env` is added to the test's own environment."""
        self.process = subprocess.Popen(
            [*DEVSUP, "up", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.root,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        return self

    @property
    def devsup(self) -> subprocess.Popen[bytes]:
        """The running `devsup up`."""
        assert self.process
        return self.process

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of devsup here, to its end."""
        return subprocess.run(
            [*DEVSUP, *arguments],
            cwd=self.root,
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
        return self.wait_for(rf"^.*on generation {number} in .* verified.*$").group()

    def wait_for_exit(self) -> int:
        """devsup's exit code after its own end; the output is complete then."""
        until = time.monotonic() + SECONDS
        while self._read(until):
            pass
        return self.devsup.wait(max(0.0, until - time.monotonic()))

    def interrupt(self) -> int:
        """Ctrl-C, and the exit code."""
        self.devsup.send_signal(signal.SIGINT)
        return self.wait_for_exit()

    def _read(self, until: float) -> bool:
        """More output, as it comes; False at its end, or when it is overdue."""
        assert self.devsup.stdout
        left = max(0.0, until - time.monotonic())
        if not select.select([self.devsup.stdout], [], [], left)[0]:
            return False
        data = os.read(self.devsup.stdout.fileno(), 1 << 16)
        self.output += data.decode(errors="replace")
        return bool(data)

    def end(self) -> None:
        """Kill devsup if it still runs; what it leaves is the business of `adopting`."""
        if self.process:
            self.process.kill()
            self.process.wait()
            if self.process.stdout:
                self.process.stdout.close()
            self.process = None
