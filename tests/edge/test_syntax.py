"""Which lines the shell is asked about, and what it says of them."""

from __future__ import annotations

import pytest

from devsup.edges.syntax import complaint
from devsup.pure.shell import is_plain

PLAIN = [
    "serve --port $PORT",
    "cd app && A='1 2' exec serve > log 2>&1",
    "echo $(date)",
    "a; b",
    "echo '#'",
]
GOOD = ["for i in 1 2; do serve $i; done", "a | b", "(a; b)", "A=1", "if a; then b; fi"]
BAD = ['echo "$PORT', "it's", "for i in 1; do", "if a; then", "a &&", "(a", "echo `date", "a | | b"]


@pytest.mark.parametrize("line", PLAIN)
def test_a_plain_line_needs_no_question(line: str) -> None:
    assert is_plain(line)
    assert complaint(line) is None


@pytest.mark.parametrize("line", GOOD)
def test_the_shell_understands_much_that_is_not_plain(line: str) -> None:
    assert not is_plain(line)
    assert complaint(line) is None


@pytest.mark.parametrize("line", BAD)
def test_what_it_does_not_understand_it_says(line: str) -> None:
    assert not is_plain(line)
    said = complaint(line)
    assert said
    assert "sh:" not in said
