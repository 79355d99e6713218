"""A small regular file to bytes, whatever stands in its place.

Nothing here blocks or raises: a FIFO would hang `open`, opening a device can change it, `/dev/zero`
would never end. (A file of a dead network mount still blocks: for regular files the kernel offers
no way out of that.)
"""

import os
import stat
from enum import Enum
from pathlib import Path
from typing import Final, Literal, TypeAlias

from devsup.pure.errors import Problem

LIMIT = 1024 * 1024
"""A file above this is no settings file. `read` returns a byte more, so that its parser sees it."""


class Missing(Enum):
    """There is no such file. That is no problem: it may come."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
_Content: TypeAlias = bytes | Literal[Missing.MISSING]

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class _NotAFileError(Exception):
    """Something else stands where a regular file should."""


def read(path: Path, shown: str | None = None) -> _Content | Problem:
    """The content of `path` up to one byte above the limit; a problem calls the file `shown`."""
    try:
        return _content(path)
    except OSError as error:
        message = f"cannot be read: {error.strerror or 'unknown error'}"
    except ValueError:  # a NUL or a lone surrogate in the path itself
        message = "cannot be read: the path is not valid"
    except _NotAFileError as error:
        message = str(error)
    return Problem(str(path) if shown is None else shown, None, message)


def _content(path: Path) -> _Content:
    try:
        _check(path.stat())
        # Non-blocking and checked again: something else may stand there by now.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        if path.is_symlink():
            raise _NotAFileError("is a symbolic link to a file that does not exist") from None
        return MISSING
    try:
        _check(os.fstat(fd))
        return _beginning(fd)
    finally:
        os.close(fd)


def _check(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise _NotAFileError(f"is {kind}, not a file")


def _beginning(fd: int) -> bytes:
    data = b""
    while more := os.read(fd, LIMIT + 1 - len(data)):
        data += more
    return data
