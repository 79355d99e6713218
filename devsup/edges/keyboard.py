"""The keys of the terminal that devsup sits at: one by one and without an echo, in the foreground.

The terminal belongs to the shell, too. So its modes are changed only while devsup is in the
foreground (from the background the kernel would stop devsup for that, as for a read), they are put
back whenever devsup stops or ends, and a guard is told of both modes before they change, to put
them back when devsup is killed.
"""

import asyncio
import os
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

Modes = list[Any]
"""As termios has them."""

MANY = 1024
"""Bytes of one read at most."""
_LOCAL, _CHARACTERS = 3, 6  # where in the modes these flags and the special characters are


class Guard(Protocol):
    """Who puts the modes back when devsup is killed."""

    def guard_terminal(self, fd: int, before: Modes, ours: Modes) -> None:
        """Put back `before` after our end, if `ours` are in force then."""

    def forget_terminal(self) -> None:
        """Leave it alone: it is no longer ours."""


class Held(NamedTuple):
    """The modes that were found, and those that devsup has set since."""

    before: Modes
    ours: Modes


class Keyboard:
    """Hands on what is typed at the controlling terminal, from `take` to `give_back`.

    Raises:
        OSError: there is no controlling terminal.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, guard: Guard, typed: Callable[[bytes], None]
    ) -> None:
        self._loop = loop
        self._guard = guard
        self._typed = typed
        self._held: Held | None = None
        # Opened anew: not blocking, which the one on stdin, the shell's as well, must not become.
        self._fd = os.open("/dev/tty", os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)

    @property
    def is_taken(self) -> bool:
        """Whether the modes are ours."""
        return self._held is not None

    def take(self) -> None:
        """Have the keys from now on if devsup is in the foreground, and else not (any more)."""
        if not is_in_front(self._fd):
            self._leave()
            return
        with suppress(termios.error):  # it hung up
            modes = termios.tcgetattr(self._fd)
            if self._held is None or modes != self._held.ours:
                self._hold(Held(modes, key_by_key(modes)))
            self._loop.add_reader(self._fd, self._read)

    def _hold(self, modes: Held) -> None:
        # The guard first: devsup may be killed between the two.
        self._guard.guard_terminal(self._fd, *modes)
        termios.tcsetattr(self._fd, termios.TCSANOW, modes.ours)
        self._held = modes

    def give_back(self) -> None:
        """Put the modes back as they were found; harmless when they are not ours."""
        if self._held and is_in_front(self._fd):
            with suppress(termios.error):
                termios.tcsetattr(self._fd, termios.TCSANOW, self._held.before)
        self._leave()

    def close(self) -> None:
        """Give it back for good."""
        self.give_back()
        os.close(self._fd)

    def _leave(self) -> None:
        self._loop.remove_reader(self._fd)
        if self._held:
            self._held = None
            self._guard.forget_terminal()

    def _read(self) -> None:
        if not is_in_front(self._fd):
            self._leave()
            return
        try:
            data = os.read(self._fd, MANY)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._typed(data)
        else:  # it hung up: nobody types any more
            self._leave()


def is_controlling(fd: int) -> bool:
    """Whether this is the terminal of our session, the one that stops and ends us."""
    try:
        return os.tcgetpgrp(fd) > 0
    except OSError:
        return False


def is_in_front(fd: int) -> bool:
    """Whether we are in the foreground of this terminal."""
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return False


def key_by_key(modes: Modes) -> Modes:
    """The same modes, but each key comes at once and without an echo; Ctrl-C is still a signal."""
    characters = [*modes[_CHARACTERS]]
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    changed = [*modes]
    changed[_LOCAL] &= ~(termios.ICANON | termios.ECHO)
    changed[_CHARACTERS] = characters
    return changed
