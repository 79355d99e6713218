"""The user's own terminal while every key is for somebody else."""

import os
import signal
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

ENDING = (signal.SIGTERM, signal.SIGHUP)

_CALM = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?1l\x1b>\x1b[>4m"
    b"\x1b[?1047l\x1b[0m\x1b[?25h\x1b[?2004l\r\n"
)
"""No reports of mouse and focus, keys as usual, the usual screen (1049 would move the cursor), no
colour, a cursor, no brackets around what is pasted, and a line of its own for the shell: what a
program that somebody stopped looking at may have left otherwise."""


@contextmanager
def raw(keys: int, screen: int) -> Iterator[None]:
    """Every key as it is typed from `keys`; left as it was found, signals that end us included.

    These raise SystemExit here, and SIGKILL only leaves a terminal as it is.
    """
    before = termios.tcgetattr(keys)
    handlers = {number: signal.signal(number, _leave) for number in ENDING}
    try:
        tty.setraw(keys, termios.TCSANOW)
        yield
    finally:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)  # once is enough to be on our way
        with suppress(OSError, termios.error):  # it hung up
            termios.tcsetattr(keys, termios.TCSANOW, before)
            os.write(screen, _CALM)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _leave(number: int, _: object) -> None:
    raise SystemExit(128 + number)


@contextmanager
def changes() -> Iterator[int]:
    """A descriptor that becomes readable when the terminal's window has changed."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    handler = signal.signal(signal.SIGWINCH, lambda *_: None)
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGWINCH, handler)
        os.close(reader)
        os.close(writer)
