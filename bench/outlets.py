"""Where a tool's output goes, and a reader of it that is as quick as Python can be."""

import os
import pty
import select
import termios
import time
import tty
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CHUNK = 1 << 20
QUIET = 1.0
"""Seconds without output after which the rest is given up for lost."""
LOOK = 0.005
"""Seconds between two looks at a file's size."""


@dataclass(slots=True)
class Outlet:
    """A descriptor to write to and one to read from."""

    writing: int
    reading: int
    is_file: bool = False
    chunks: list[bytes] = field(default_factory=list)
    last: float = 0.0
    """When the last chunk came."""

    def read_until(self, ends: Sequence[bytes], limit: float) -> bool:
        """Until each of these was seen, in any order; False when some never came."""
        missing, tail = set(ends), b""
        longest = max(map(len, ends))
        deadline = time.monotonic() + limit
        while missing and time.monotonic() < deadline:
            chunk = self.take()
            if chunk is None:
                if time.monotonic() - self.last > QUIET:
                    return False
                continue
            self.last = time.monotonic()
            self.chunks.append(chunk)
            missing -= {end for end in missing if end in tail + chunk}
            tail = chunk[-longest:]
        return not missing

    def take(self) -> bytes | None:
        """What is there, None when nothing came for a while."""
        if self.is_file:
            if chunk := os.read(self.reading, CHUNK):
                return chunk
            time.sleep(LOOK)
            return None
        if not select.select([self.reading], [], [], 0.1)[0]:
            return None
        return os.read(self.reading, CHUNK)

    def drop(self) -> None:
        """Forget what came until now."""
        while self.take():
            pass

    def close(self) -> None:
        os.close(self.reading)


def file(folder: Path) -> Outlet:
    path = folder / "output"
    writing = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    return Outlet(writing, os.open(path, os.O_RDONLY), is_file=True)


def pipe(_: Path) -> Outlet:
    reading, writing = os.pipe()
    return Outlet(writing, reading)


def terminal(_: Path) -> Outlet:
    """Without the translation of line ends, as a terminal in the hands of a program."""
    reading, writing = pty.openpty()
    tty.setraw(writing, termios.TCSANOW)
    return Outlet(writing, reading)


OUTLETS: dict[str, Callable[[Path], Outlet]] = {"file": file, "pipe": pipe, "terminal": terminal}
