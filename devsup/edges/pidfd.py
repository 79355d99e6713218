"""Processes held by a descriptor: a signal through it reaches that process or nobody.

The kernel does not say who reads through /proc/PID which process answers. But a pid is not recycled
before its process is dead, and a pidfd of a dead process refuses signals: so whatever is read
between the opening and a signal that succeeds was read of the process that got the signal.
Linux 5.3 and later.
"""

import os
import select
import signal
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grip:
    """A process, dead or alive, that no other can be mistaken for; to be closed."""

    pid: int
    file: int

    def send(self, number: signal.Signals) -> bool:
        """Signal it; False when it is dead.

        Raises:
            PermissionError: it is another user's.
        """
        try:
            signal.pidfd_send_signal(self.file, number)
        except ProcessLookupError:
            return False
        return True

    def close(self) -> None:
        """Let go."""
        os.close(self.file)


def grip(pid: int) -> Grip | None:
    """Hold a process; None when there is none."""
    try:
        return Grip(pid, os.pidfd_open(pid))
    except ProcessLookupError:
        return None


def wait(grips: Sequence[Grip], seconds: float) -> tuple[Grip, ...]:
    """Those that are dead, once one of them is or after that many seconds."""
    poll = select.poll()
    for each in grips:
        poll.register(each.file, select.POLLIN)
    dead = {file for file, _ in poll.poll(max(0.0, seconds) * 1000)}
    return tuple(each for each in grips if each.file in dead)
