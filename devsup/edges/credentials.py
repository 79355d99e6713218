"""Who is at the other end of a Unix socket, as the kernel says."""

import socket
from struct import Struct
from typing import NamedTuple

_UCRED = Struct("3i")


class Credentials(NamedTuple):
    """The kernel's `struct ucred`."""

    pid: int
    uid: int
    gid: int


def credentials(connection: socket.socket) -> Credentials | None:
    """Of whoever connected, or listens there; None where the kernel cannot tell (macOS)."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    option = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return Credentials(*_UCRED.unpack(option))
