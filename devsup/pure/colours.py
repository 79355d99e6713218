"""Colours in lines of output (SGR sequences), for whoever wants the words alone."""

import re

_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")


def without(lines: bytes) -> bytes:
    """The same lines in no colour."""
    return _COLOUR.sub(b"", lines) if b"\x1b" in lines else lines
