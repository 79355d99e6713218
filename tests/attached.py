"""`devsup attach` in a terminal of its own, which a test types into and looks at."""

from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Any

from stack import DEVSUP, IN_TERMINAL, SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack import Stack

DETACH = "\x1d"


class Attached:
    """Somebody at a terminal with `devsup attach SERVICE`."""

    def __init__(self, stack: Stack, service: str) -> None:
        self.controller, self.terminal = os.openpty()
        self.resize(100, 30)
        self.before = self.modes
        self.output, self.seen = "", 0
        self.process = subprocess.Popen(
            [*IN_TERMINAL, *DEVSUP, "attach", service],
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
            cwd=stack.root,
            start_new_session=True,
        )

    @property
    def modes(self) -> list[Any]:
        """What `stty` shows."""
        return termios.tcgetattr(self.terminal)

    def resize(self, columns: int, rows: int) -> None:
        termios.tcsetwinsize(self.controller, (rows, columns))

    def type(self, keys: str) -> None:
        os.write(self.controller, keys.encode())

    def wait_for(self, pattern: str) -> None:
        """The next match on the screen, behind what was waited for before."""
        until = time.monotonic() + SECONDS
        expression = re.compile(pattern)
        while not (match := expression.search(self.output, self.seen)):
            ready = select.select([self.controller], [], [], max(0.0, until - time.monotonic()))
            assert ready[0], f"no {pattern!r} in:\n{self.output[self.seen :]}"
            self.output += os.read(self.controller, 1 << 16).decode()
        self.seen = match.end()

    def answer(self, keys: str, pattern: str) -> None:
        """Type a line, and see what comes of it behind its echo."""
        self.type(f"{keys}\r")
        self.wait_for(re.escape(keys))
        self.wait_for(pattern)

    def wait_for_exit(self) -> int:
        """Its exit code; the terminal is as it was."""
        death = os.pidfd_open(self.process.pid)
        while death not in select.select([self.controller, death], [], [], SECONDS)[0]:
            self.output += os.read(self.controller, 1 << 16).decode()  # or it could not write
        os.close(death)
        assert self.modes == self.before
        return self.process.wait(SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        os.close(self.controller)


@contextlib.contextmanager
def attached(stack: Stack, service: str = "web.1") -> Iterator[Attached]:
    """Attached, as the words of devsup say."""
    seat = Attached(stack, service)
    try:
        seat.wait_for("attached to")
        yield seat
    finally:
        seat.close()
