"""A name in the kernel for a project that runs: nobody can remove it, as one can what is in /tmp.

An abstract Unix socket of Linux, named after device and inode of the project's directory: it is
found when that was moved, or is mounted in a second place, too. Anybody may take any such name, so
that one counts only with the kernel's word about whose it is. Elsewhere there are no such names.
"""

import errno
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from devsup.edges.credentials import Credentials, credentials

PATIENCE = 1.0
"""Seconds until a name is left to whoever has taken it and does not listen."""

PAUSE = 0.01
"""Seconds between two tries."""


class HeldError(Exception):
    """Another process of ours has the name: the project runs."""


def address(root: Path) -> str | None:
    """Of the claim to a project; None where there is no such thing, or no project."""
    if sys.platform != "linux":
        return None
    try:
        found = root.stat()
    except OSError:
        return None
    return f"\0devsup-{os.getuid()}-{found.st_dev:x}-{found.st_ino:x}"


def take(root: Path) -> socket.socket | None:
    """Claim a project, by a socket that listens; None where there is no name to be had.

    A stranger may have taken it.

    Raises:
        HeldError: one of us has.
        OSError: no socket is to be had.
    """
    name = address(root)
    if name is None:
        return None
    until = monotonic() + PATIENCE
    try:
        while (claim := bound(name)) is None:
            who = listener(name)
            if who and who.ours:
                raise HeldError
            # One that refuses is being made or let go of this moment, or stays like that.
            if who or monotonic() > until:
                return None
            sleep(PAUSE)
    except (BlockingIOError, PermissionError):  # nobody can say whose it is; a sandbox
        return None
    return claim


def bound(name: str) -> socket.socket | None:
    """A listening socket with this name; None when somebody has taken it."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(name)
        claim.listen()
    except OSError as error:
        claim.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return claim


def listener(name: str) -> Credentials | None:
    """Who listens behind a name, ours or not; None when nobody does.

    Raises:
        BlockingIOError: somebody who takes no connections, and whom too many have tried to reach.
        PermissionError: we are in a sandbox.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(0)
        try:
            connection.connect(name)
        except ConnectionRefusedError:
            return None
        return credentials(connection)


def holder(root: Path) -> int | None:
    """The pid of our process that holds a project; 0 for one in another container."""
    name = address(root)
    with suppress(BlockingIOError, PermissionError):
        found = listener(name) if name else None
        return found.pid if found and found.ours else None
    return None
