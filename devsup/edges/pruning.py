"""Tidying up the place of all run directories, so that it does not fill up with the past."""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

RECORD = "record.json"
ROOT = "root"
"""In each run directory: what was written down of its run, and a link to its project."""

CRASHES = 10
"""Tracebacks of devsup's own bugs that are kept."""


def prune(base: Path) -> None:
    """Remove what is kept for projects that are gone, and all but the last tracebacks.

    But not what a later `devsup kill` could need, and not while somebody works with it.
    """
    for path in tuple(base.iterdir()):
        with suppress(OSError):
            if is_of_the_past(path):
                remove(path)
    crashes = sorted(base.glob("crash-*.txt"), key=lambda path: path.lstat().st_mtime)
    for path in crashes[:-CRASHES]:
        path.unlink(missing_ok=True)


def is_of_the_past(directory: Path) -> bool:
    """Whether its link surely leads nowhere, and there is no record."""
    link = directory / ROOT
    if not link.is_symlink() or (directory / RECORD).exists():
        return False
    try:
        link.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    return False


def remove(directory: Path) -> None:
    """Remove a run directory, unless somebody else holds its lock."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory)
    except BlockingIOError:
        pass
    finally:
        os.close(file)
