"""Start the programs of hostile.py for a test: caged, and heard of through a FIFO."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
HOSTILE = HERE / "hostile.py"
CAGE = HERE / "cage.py"
READY = "READY"
SECONDS = 30.0
"""How long a test waits for what must happen; far more than it takes."""


class Child:
    """One hostile program in its cage; `leader` is its first process, which leads a session."""

    def __init__(self, cage: subprocess.Popen[bytes], fifo: int) -> None:
        assert cage.stdout
        self.cage = cage
        self.leader = int(cage.stdout.readline())
        self.fifo = fifo
        self.words = self.hear()

    @property
    def pid(self) -> int:
        """The process that it announced."""
        return self.words[0]

    @property
    def port(self) -> int:
        """The port that `listen` holds."""
        return self.words[1]

    def hear(self) -> list[int]:
        """What it announces next; nothing when the last process of it is dead."""
        return [int(word) for word in self._read().split()]

    def _read(self) -> bytes:
        assert select.select([self.fifo], [], [], SECONDS)[0], "nothing heard in time"
        return os.read(self.fifo, 4096)

    def is_alive(self) -> bool:
        """Whether any process of it still holds the FIFO open."""
        return not select.select([self.fifo], [], [], 0)[0]

    def wait_until_gone(self) -> None:
        """Return when the last process of it is dead."""
        assert self._read() == b""

    def end(self) -> None:
        """Kill what is left, which the cage does, and let go."""
        if self.cage.returncode is None:
            self.cage.communicate()
            os.close(self.fifo)


class Nursery:
    """Starts children, and ends all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: list[Child] = []

    def start(
        self, *command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Child:
        """A hostile program that has announced itself.

        `env` is added to the test's own, for the program and not for its cage.
        """
        kind, *options = command
        variables = [f"{key}={value}" for key, value in (env or {}).items()]
        return self.cage(
            "env", *variables, sys.executable, str(HOSTILE), kind, READY, *options, cwd=cwd
        )

    def cage(self, *command: str, cwd: Path | None = None) -> Child:
        """Any program that announces itself in READY, which stands for the FIFO."""
        ready = self.folder / f"ready-{len(self.children)}"
        os.mkfifo(ready)
        fifo = os.open(ready, os.O_RDONLY | os.O_NONBLOCK)
        words = [str(ready) if word == READY else word for word in command]
        cage = subprocess.Popen(
            [sys.executable, CAGE, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=cwd or self.folder,
        )
        child = Child(cage, fifo)
        self.children.append(child)
        return child

    def end(self) -> None:
        """End every child; a test may have ended it before."""
        for child in self.children:
            child.end()
