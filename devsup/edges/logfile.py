"""The log of a run: a file of bounded size, and the one before it.

Whose a line is stands in its prefix, `web.1 | `; whom a line of devsup's own is about, between the
bar and the blank, `devsup |web.1 `, from where it is taken away when it is read.

Written by the event loop itself: a write goes to the page cache and takes microseconds.
"""

import os
import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

MEBIBYTE = 1024 * 1024
BLOCK = 64 * 1024
"""Bytes that are read at a time, from the end backwards."""

CLOSED = -1


def older(path: Path) -> Path:
    """Where a log goes when it is full."""
    return path.with_name(f"{path.name}.1")


class LogFile:
    """A log that starts over when it has grown to `limit` bytes; the last full one is kept.

    A disk that is full, or gone, ends the log and not the run: `failed` is then called once.
    """

    def __init__(self, path: Path, limit: int, failed: Callable[[OSError], None]) -> None:
        self._path = path
        self._limit = limit
        self._failed = failed
        self._size = 0
        self._file = CLOSED
        try:
            older(path).unlink(missing_ok=True)
            self._open()
        except OSError as error:
            failed(error)

    def write(self, lines: bytes, about: str = "") -> None:
        """Append whole lines; of devsup's own, whom they are about."""
        if self._file == CLOSED:
            return
        try:
            lines = marked(lines, about) if about else lines
            if self._size and self._size + len(lines) > self._limit:
                self._rotate()
            self._append(lines)
        except OSError as error:
            self.close()
            self._failed(error)

    def close(self) -> None:
        """Let go of the file, which stays."""
        if self._file != CLOSED:
            # Forgotten first: a descriptor must not be closed twice, it may be another's by then.
            file, self._file = self._file, CLOSED
            os.close(file)

    def _append(self, lines: bytes) -> None:
        self._size += len(lines)
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def _rotate(self) -> None:
        self.close()
        self._path.replace(older(self._path))
        self._open()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        self._size = 0


def tail(path: Path, names: frozenset[str], count: int) -> bytes:
    """The latest lines in the last run's log, of these services or types, of all if none is named.

    Raises:
        FileNotFoundError: there is none.
    """
    lines = chain(backwards(path), *(backwards(older(path)) for _ in range(older(path).exists())))
    chosen = (line for line in lines if not names or not names.isdisjoint(names_of(line)))
    return b"".join(unmarked(line) + b"\n" for line in reversed([*islice(chosen, count)]))


def backwards(path: Path) -> Iterator[bytes]:
    """The lines of a file without their newlines, the last one first: a log may be a gigabyte."""
    with path.open("rb") as file:
        lines = _split_backwards(file, file.seek(0, os.SEEK_END))
        behind_the_last_newline = next(lines)
        if behind_the_last_newline:
            yield behind_the_last_newline
        yield from lines


def _split_backwards(file: BinaryIO, end: int) -> Iterator[bytes]:
    rest = b""
    while end:
        start = max(end - BLOCK, 0)
        file.seek(start)
        rest, *lines = (file.read(end - start) + rest).split(b"\n")
        yield from reversed(lines)
        end = start
    yield rest


def marked(lines: bytes, about: str) -> bytes:
    """Lines of devsup's own with the name of the service that they are about."""
    return re.sub(rb"(?m)^([^|]*\|) ", rb"\g<1>%b " % about.encode(), lines)


def unmarked(line: bytes) -> bytes:
    """A line as it was said."""
    label, _, text = line.partition(b"|")
    mark, _, rest = text.partition(b" ")
    return label + b"| " + rest if mark else line


def names_of(line: bytes) -> tuple[str, str]:
    """Whose line it is, and of which process type: `12:00:00 web.1     | text`."""
    label, _, text = line.partition(b"|")
    words = text.partition(b" ")[0].split() or label.split()
    name = words[-1].decode(errors="replace") if words else ""
    return name, name.rpartition(".")[0]
