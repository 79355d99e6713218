"""What a terminal is, and whether anything may be drawn in it now."""

import os

USUAL = 80
"""Columns of a terminal that does not tell, for what must not wrap."""


def is_clever(fd: int) -> bool:
    """Whether it is a terminal that can do more than show lines."""
    return os.isatty(fd) and os.environ.get("TERM") != "dumb"


def is_behind(fd: int) -> bool:
    """Whether this is our controlling terminal, and somebody else is in its foreground."""
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:
        return False


def columns(fd: int) -> int:
    """The width of this moment; 0 when it has none, or nobody knows."""
    try:
        return os.get_terminal_size(fd).columns
    except OSError:  # no terminal, or it hung up
        return 0


def is_attached() -> bool:
    """Whether a terminal controls us, in which somebody can type Ctrl-C."""
    try:
        os.close(os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
