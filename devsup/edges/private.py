"""Directories that only we can enter, in a place where anybody may have been first."""

import os
import stat
from pathlib import Path

from devsup.pure.errors import DevsupError


def make_private(path: Path) -> None:
    """Make a directory that only we can enter, or make sure that it is one.

    Raises:
        DevsupError: it is not. In /tmp anybody may have been there first.
    """
    while True:
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            pass
        except OSError as error:
            raise DevsupError(
                f"{path} cannot be made: {error.strerror}",
                hint="devsup keeps the lock and the record of a run there",
            ) from None
        try:
            return check_private(path)
        except FileNotFoundError:
            continue  # tidied up just now, by another devsup


def check_private(path: Path) -> None:
    """Make sure that a directory is one that only we can enter.

    Raises:
        DevsupError: it is not.
        FileNotFoundError: there is none.
    """
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise DevsupError(f"{path} is in the way: it is no directory", hint=f"remove it: rm {path}")
    if found.st_uid != os.getuid():
        raise DevsupError(
            f"{path} belongs to another user (uid {found.st_uid})",
            hint="devsup keeps its lock there and must own it: have it removed",
        )
    if found.st_mode & 0o700 != 0o700:  # noqa: PLR2004  read, write, enter
        raise DevsupError(f"{path} is closed to yourself", hint=f"open it: chmod 700 {path}")
    if found.st_mode & 0o077:
        raise DevsupError(
            f"{path} is open to other users (mode {stat.S_IMODE(found.st_mode):o})",
            hint=f"close it: chmod 700 {path}",
        )
