"""Bytes to text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.errors import Problem
from devsup.pure.utf8 import decoded


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"a\nb", "a\nb"),
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        (b"\xef\xbb\xbfa", "a"),
        (b"\xef\xbb\xbf\xef\xbb\xbfa", "\ufeffa"),
        ("caf\u00e9 \u20ac\u2028\x85".encode(), "caf\u00e9 \u20ac\u2028\x85"),
    ],
)
def test_text_has_one_kind_of_line_end_and_no_mark(data: bytes, text: str) -> None:
    assert decoded(data, "f") == text


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"\xff", 1),
        (b"a\nb\n\xe9x\n\xff", 3),
        (b"a\r\nb\xc3", 2),
        ("a\nb".encode("utf-16"), 1),
        (b"a\n\xed\xa0\x80", 2),
    ],
)
def test_the_line_of_the_first_byte_that_is_no_text_is_told(data: bytes, line: int) -> None:
    assert decoded(data, "f") == Problem("f", line, "is not UTF-8 text")


@given(st.binary())
def test_any_bytes_are_text_or_a_problem(data: bytes) -> None:
    assert isinstance(decoded(data, "f"), str | Problem)
