"""A line without its newline is shown when somebody may want to see it, and not twice."""

from __future__ import annotations

import pytest

from devsup.pure.unfinished import EVERY, Shown, Unfinished


@pytest.mark.parametrize(
    "rest",
    [b"(Pdb) ", b"ipdb> ", b">>> ", b"In [1]: ", b"Password:", b"Sure? [y/N] ", b"root@x:/# "],
)
def test_a_prompt_that_stays_is_shown_and_told_of_once(rest: bytes) -> None:
    line = Unfinished()
    assert line.look(rest, 1.0, quiet=False, asks=True) is None
    assert line.look(rest, 2.0, quiet=True, asks=True) == Shown(rest, is_prompt=True)
    assert line.look(rest, 3.0, quiet=True, asks=True) is None
    assert line.completed(rest + b"n\n") == rest + b"n\n"
    assert line.look(rest, 4.0, quiet=True, asks=True) == Shown(rest, is_prompt=True)


@pytest.mark.parametrize("rest", [b"Loading", b"Loading... ", b"", b"  ", b"\x1b[?25l", b"37%"])
def test_what_asks_for_nothing_is_left_alone(rest: bytes) -> None:
    assert Unfinished().look(rest, 9.0, quiet=True, asks=True) is None


def test_who_cannot_be_answered_does_not_prompt() -> None:
    assert Unfinished().look(b"(Pdb) ", 9.0, quiet=True, asks=False) is None


def test_a_bar_is_shown_now_and_then_and_when_it_stands_still() -> None:
    line = Unfinished()
    states = [
        line.look(b"\r%d%%" % now, float(now), quiet=now == 24, asks=False)
        for now in (10, 11, 10 + EVERY, 16, 24)
    ]
    assert [state and state.text for state in states] == [b"10%", None, b"15%", None, b"24%"]


def test_a_bar_that_stands_still_is_no_prompt() -> None:
    shown = Unfinished().look(b"\r[====>    ]", 1.0, quiet=True, asks=True)
    assert shown == Shown(b"[====>    ]", is_prompt=False)


def test_a_state_that_was_shown_is_not_shown_again_when_it_gets_its_newline() -> None:
    line = Unfinished()
    line.look(b"\r100%", 9.0, quiet=True, asks=False)
    assert line.completed(b"100%\nnext\n") == b"next\n"
    assert line.completed(b"100%\n") == b"100%\n"
