"""The log of a run: a file of bounded size, and the one before it.

Written by the event loop itself: a write goes to the page cache and takes microseconds.
"""

import os
from pathlib import Path

MEBIBYTE = 1024 * 1024


def older(path: Path) -> Path:
    """Where a log goes when it is full."""
    return path.with_name(f"{path.name}.1")


class LogFile:
    """A log that starts over when it has grown to `limit` bytes; the last full one is kept.

    A disk that is full, or gone, ends the log and not the run: `failure` says why.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._size = 0
        self.failure: OSError | None = None
        older(path).unlink(missing_ok=True)
        self._file = self._open()

    def write(self, lines: bytes) -> None:
        """Append whole lines."""
        if self.failure:
            return
        try:
            if self._size + len(lines) > self._limit:
                self._rotate()
            self._append(lines)
        except OSError as error:
            self.failure = error

    def close(self) -> None:
        """Let go of the file, which stays."""
        os.close(self._file)

    def _append(self, lines: bytes) -> None:
        self._size += len(lines)
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def _rotate(self) -> None:
        os.close(self._file)
        self._path.replace(older(self._path))
        self._file = self._open()
        self._size = 0

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)


def tail(path: Path, names: frozenset[str], count: int) -> bytes:
    """The latest lines of these services (of all when none is named) in the log of the last run.

    Raises:
        FileNotFoundError: there is none.
    """
    before = older(path).read_bytes() if older(path).exists() else b""
    lines = (before + path.read_bytes()).splitlines(keepends=True)
    chosen = [line for line in lines if not names or service_of(line) in names]
    return b"".join(chosen[max(len(chosen) - count, 0) :])


def service_of(line: bytes) -> str:
    """Whose line it is: `12:00:00 web.1     | text`."""
    words = line.partition(b"|")[0].split()
    return words[-1].decode(errors="replace") if words else ""
