"""A supervisor in a process of its own (supervise.py), which a test may kill."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from stage import HERE, SECONDS, adopting, is_readable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Words:
    """What is written into a pipe or FIFO, line by line."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.heard = ""

    def listen(self) -> bool:
        """Wait for more; False at the end."""
        assert is_readable(self.descriptor, SECONDS), f"nothing more than {self.heard!r}"
        try:
            received = os.read(self.descriptor, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            received = b""  # a terminal that nobody has open any more
        self.heard += received.decode()
        return bool(received)

    def wait_for(self, beginning: str) -> str:
        """The rest of the first line that begins like that."""
        while True:
            for line in self.heard.splitlines(keepends=True):
                if line.startswith(beginning) and line.endswith("\n"):
                    return line.removeprefix(beginning).strip()
            assert self.listen(), f"it ended without {beginning!r}: {self.heard!r}"

    def wait_for_end(self) -> None:
        """Until every process that could write is dead."""
        while self.listen():
            pass


class Supervised:
    """The supervisor, and a FIFO (`$READY` in a line) for what keeps it open while it lives."""

    def __init__(self, folder: Path, lines: tuple[str, ...]) -> None:
        self.lives: list[Words] = []
        commands = []
        for number, line in enumerate(lines):
            ready = folder / f"ready-{number}"
            os.mkfifo(ready)
            self.lives.append(Words(os.open(ready, os.O_RDONLY | os.O_NONBLOCK)))
            commands.append(line.replace("$READY", str(ready)))
        self.process = subprocess.Popen(
            [sys.executable, HERE / "supervise.py", folder, *commands],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        )
        assert self.process.stdout
        self.words = Words(self.process.stdout.fileno())

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def zygote(self) -> int:
        return int(self.words.wait_for("zygote "))

    def guardian(self, number: int) -> int:
        return int(self.words.wait_for(f"{number} guardian "))

    def close(self) -> None:
        """Let it end as it should, or see that it was killed."""
        self.process.communicate(timeout=SECONDS)
        for life in self.lives:
            os.close(life.descriptor)


@contextlib.contextmanager
def supervised(folder: Path, *lines: str) -> Iterator[Supervised]:
    """Services below a supervisor of their own, and nothing left of any of them afterwards."""
    with adopting(burying=True):
        supervisor = Supervised(folder, lines)
        try:
            yield supervisor
        finally:
            supervisor.close()
