"""The line at the bottom of the terminal: cut to the width, and gone without a trace."""

from __future__ import annotations

import unicodedata

import pytest
from emulator import Emulator
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.bottom import ERASE, RESET, Layer, drawn, fitting


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("waiting", 80, "waiting"),
        ("waiting", 8, "waiting"),
        ("waiting", 7, "wait…"),
        ("waiting", 3, ""),
        ("größe", 8, "größe"),
        ("größe", 7, "grö…"),
        ("a\x1b[2Jb\r\nc", 80, "a[2Jbc"),
    ],
)
def test_it_is_cut_to_less_than_the_width(text: str, columns: int, expected: str) -> None:
    assert fitting(text, columns) == expected


def columns_of(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WFA" else 1 for each in text)


@given(st.text(), st.integers(1, 40))
def test_whatever_it_says_it_never_wraps(text: str, columns: int) -> None:
    assert columns_of(fitting(text, columns)) < columns


@given(st.text(), st.integers(1, 40))
def test_it_is_drawn_in_one_row_and_erased_without_a_trace(text: str, columns: int) -> None:
    screen = Emulator(columns).feed(drawn(Layer.PROMPT, text, columns).decode())
    assert screen.rows == [fitting(text, columns)]
    assert (screen.row, screen.column, screen.colour) == (0, 0, "0")
    assert screen.feed(ERASE.decode()).lines == []


def test_an_open_colour_does_not_leak_into_it() -> None:
    for layer in Layer:
        assert drawn(layer, "waiting", 80).startswith(b"\x1b[0;")
    assert RESET == b"\x1b[0m"
