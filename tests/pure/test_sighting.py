"""Environments as the kernel shows them."""

from __future__ import annotations

import pytest

from devsup.pure.environ import is_cleared, parse
from devsup.pure.sighting import Marks, marks


def test_an_environment_is_keys_and_values_whatever_bytes_they_have() -> None:
    data = b"A=1\0B=\0C=x=y\nz\0D=\xff\0"
    assert parse(data) == ({"A": "1", "B": "", "C": "x=y\nz", "D": "\udcff"}, True)


@pytest.mark.parametrize("data", [b"\0\0\0", b"title\0\0\0", b"A=1\0\0", b"postgres: writer\0"])
def test_an_overwritten_environment_is_told_from_an_empty_one(data: bytes) -> None:
    variables, intact = parse(data)
    assert not intact
    assert not is_cleared(variables, intact=intact)


@pytest.mark.parametrize(
    ("data", "cleared"),
    [
        (b"", True),
        (b"PATH=/bin\0LC_CTYPE=C.UTF-8\0", True),
        (b"PATH=/bin\0HOME=/root\0", False),
        (b"PWD=/\0", False),
        (b"USER=x\0", False),
        (b"LOGNAME=x\0", False),
        (b"SHLVL=1\0", False),
        (b"INVOCATION_ID=1\0", False),
    ],
)
def test_cleared_is_what_lacks_every_usual_variable(data: bytes, *, cleared: bool) -> None:
    variables, intact = parse(data)
    assert is_cleared(variables, intact=intact) is cleared


def test_marks_are_read_where_they_are() -> None:
    environ = {"DEVSUP_RUN": "a-b", "DEVSUP_SERVICE": "web.1", "DEVSUP_GENERATION": "12"}
    assert marks(environ) == Marks("a-b", "web.1", 12)
    assert marks({}) == Marks()
