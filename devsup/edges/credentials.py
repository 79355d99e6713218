"""Who is at the other end of a Unix socket, as the kernel says."""

import os
import socket
from typing import NamedTuple

SIZE = 12
"""Bytes of a `struct ucred`: three numbers."""


class Credentials(NamedTuple):
    """The kernel's `struct ucred`."""

    pid: int
    uid: int
    gid: int

    @property
    def ours(self) -> bool:
        """Whether it is a process of our own user."""
        return self.uid == os.getuid()


def credentials(connection: socket.socket) -> Credentials | None:
    """Of whoever connected, or listens there; None where the kernel cannot tell (macOS)."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    option = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, SIZE)
    return Credentials(*memoryview(option).cast("i"))  # `struct` takes a millisecond to import


def is_ours(connection: socket.socket) -> bool:
    """Whether a process of our own user is there, as far as the kernel can tell."""
    found = credentials(connection)
    return found is None or found.ours
