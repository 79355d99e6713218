"""TCP ports for tests that run side by side, in this run of the suite and in others."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = "127.0.0.1"
RANGE = range(20_000, 30_000)
"""Below what the kernel gives to clients: no outgoing connection takes a port while its server
restarts."""


@contextlib.contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """So many free ports that no other test gets meanwhile."""
    with contextlib.ExitStack() as reservations:
        ports: list[int] = []
        for port in RANGE:
            with contextlib.suppress(OSError):
                reservations.enter_context(reservation(port))
                ports.append(port)
            if len(ports) == count:
                break
        yield ports


def reservation(port: int) -> socket.socket:
    """A UDP socket with the number of a free TCP port, which is another thing and so stays free.

    The kernel gives it to one test only, and takes it back however that ends.
    """
    claim = socket.socket(type=socket.SOCK_DGRAM)
    try:
        claim.bind((LOOPBACK, port))
        with socket.socket() as listener:
            listener.bind((LOOPBACK, port))
    except OSError:
        claim.close()
        raise
    return claim
