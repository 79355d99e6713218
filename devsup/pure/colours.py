"""Colours in lines of output (SGR sequences): who wants any, and the lines without them."""

import re
from collections.abc import Mapping

_COLOUR = rb"\x1b\[[0-9;:]*m"  # compiled when there is one


def are_wanted(environ: Mapping[str, str]) -> bool:
    """Whether somebody with this environment wants colours on a terminal."""
    return "NO_COLOR" not in environ and environ.get("TERM") != "dumb"


def without(lines: bytes) -> bytes:
    """The same lines in no colour."""
    return re.sub(_COLOUR, b"", lines) if b"\x1b" in lines else lines
