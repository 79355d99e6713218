"""A service that writes very many lines, and tells how many bytes of them it got rid of.

    python flood.py NAME LINES GATE NEWS

It tells NEWS, a FIFO, `NAME waiting`, reads one byte from the FIFO GATE, writes, and tells
`NAME BYTES` after each write and in the end `NAME done`.
"""

from __future__ import annotations

import os
import sys

LENGTH = 100
"""Of a line, its newline included."""
BLOCK = 500
"""Lines a write."""


def line(name: bytes, number: int) -> bytes:
    """A line that tells whose and which it is, and that all of it is there."""
    return (b"%s %07d " % (name, number)).ljust(LENGTH - 1, b"x") + b"\n"


def block(name: bytes, start: int) -> bytes:
    return b"".join(line(name, start + each) for each in range(BLOCK))


def main() -> None:
    name, lines = sys.argv[1].encode(), int(sys.argv[2])
    gate, news = os.open(sys.argv[3], os.O_RDONLY), os.open(sys.argv[4], os.O_WRONLY)
    os.write(news, b"%s waiting\n" % name)
    os.read(gate, 1)
    for start in range(0, lines, BLOCK):
        # To a pipe that nobody has set otherwise: this returns when all of it is in there.
        os.write(1, block(name, start))
        os.write(news, b"%s %d\n" % (name, (start + BLOCK) * LENGTH))
    os.write(news, b"%s done\n" % name)


if __name__ == "__main__":
    main()
