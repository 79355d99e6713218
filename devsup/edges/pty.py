"""A terminal of a service's own: the end that devsup holds."""

import os
import termios
from contextlib import suppress
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Size:
    """Of a terminal, in characters."""

    columns: int = 80
    rows: int = 24

    def without(self, columns: int) -> "Size":
        """What is left beside so many columns; never so narrow that programs give up."""
        return Size(max(self.columns - columns, 20), self.rows)


def size_of(fd: int) -> Size:
    """The size of a terminal; the usual one where there is none, or where it does not tell."""
    with suppress(OSError):
        columns, rows = os.get_terminal_size(fd)
        if columns and rows:
            return Size(columns, rows)
    return Size()


class Pty:
    """A pseudo terminal.

    Our own descriptor of the service's end stays open until `close`. So nothing hangs up while the
    service lives, whoever closes or opens it there: the kernel would send it a SIGHUP when we let
    go of the controlling end, and what it wrote is read to the last byte when all of it is dead.
    """

    def __init__(self, size: Size) -> None:
        """Open one.

        Raises:
            OSError: no descriptors or no terminals are left.
        """
        self.controller, self._terminal = os.openpty()
        os.set_blocking(self.controller, False)
        modes = termios.tcgetattr(self._terminal)
        # Ctrl-S is a key for the program: a service that stood still ever after, because somebody
        # who was attached hit it and left, would be a riddle.
        modes[0] &= ~(termios.IXON | termios.IXOFF)
        termios.tcsetattr(self._terminal, termios.TCSANOW, modes)
        self.resize(size)

    @classmethod
    def opened(cls, size: Size) -> tuple[Self, int, int]:
        """One, and a descriptor of each end for the caller: to read from, and to inherit."""
        pty = cls(size)
        try:
            ours = os.dup(pty.controller)
            try:
                return pty, ours, os.dup(pty._terminal)
            except OSError:
                os.close(ours)
                raise
        except OSError:
            pty.close()
            raise

    def resize(self, size: Size) -> None:
        """Have another size; the kernel tells the foreground (SIGWINCH) if it is one."""
        termios.tcsetwinsize(self.controller, (size.rows, size.columns))

    def write(self, data: bytes) -> int:
        """Type this, or as much of it as there is room for; how much."""
        try:
            return os.write(self.controller, data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """Let go of it, when the service is gone; what it wrote last can still be read."""
        os.close(self._terminal)
        os.close(self.controller)
