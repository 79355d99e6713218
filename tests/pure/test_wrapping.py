"""Devsup's own sentences on a narrow terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.words import enumerated
from devsup.pure.wrapping import NARROW, wrapped

LONG = "web.1 (port 5000) worker.1 (log line) on generation 1 in 0.8 s"


def test_a_line_is_broken_between_words_and_what_follows_is_indented() -> None:
    assert wrapped(LONG, 40) == (
        "web.1 (port 5000) worker.1 (log line) on\n  generation 1 in 0.8 s"
    )


def test_what_is_indented_stays_so() -> None:
    assert wrapped(f"devsup: no\n        {LONG}", 48) == (
        "devsup: no\n"
        "        web.1 (port 5000) worker.1 (log line) on\n"
        "        generation 1 in 0.8 s"
    )


@pytest.mark.parametrize("width", [0, -20, NARROW - 1])
def test_without_room_to_wrap_in_it_stays_as_it_is(width: int) -> None:
    assert wrapped(LONG, width) == LONG


def test_what_fits_and_what_has_no_blank_stays_as_it_is() -> None:
    assert wrapped(LONG, len(LONG)) == LONG
    assert wrapped("x" * 100, 40) == "x" * 100


@given(st.text("ab -\n"), st.integers(NARROW, 60))
def test_no_word_is_lost_or_changed(text: str, width: int) -> None:
    assert wrapped(text, width).split() == text.split()


def test_of_very_many_services_the_first_are_named() -> None:
    names = [f"web.{number}" for number in range(1, 20)]
    assert enumerated(names) == "web.1 web.2 web.3 web.4 web.5 web.6 and 13 more"
    assert enumerated(names[:7]) == "web.1 web.2 web.3 web.4 web.5 web.6 web.7"
    assert enumerated(names[:1]) == "web.1"
