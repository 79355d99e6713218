"""What a terminal would show in the end, as lines that cannot harm others."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.cleaning import MOST_COLUMNS, cleaned, folded
from devsup.pure.lines import LIMIT, Lines

DRAWING = rb"[\x07\x08\x0b-\x0f\x1b\r\n]|\xc2(?=[\x80-\x9f])"
PLAIN = st.binary(max_size=30).map(lambda text: re.sub(DRAWING, b"", text))
PIECES = st.lists(
    st.sampled_from(
        b"\r|\b|ab|c|\xc3\xa9|\xff| |\t|\x1b[K|\x1b[2K|\x1b[31m|\x1b[0m|\x1b[3G|\x1b[2D|\x1b[C"
        b"|\x1b[1K|\x1b[A|\x1b[P|\x1b[2@|\x1b[99999999G|\x1b]0;t\x07|\x1b[H|\x07".split(b"|")
    )
).map(b"".join)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"one\r\ntwo\r\n", b"one\ntwo\n"),
        (b"one\r\r\n", b"one\n"),
        (b"10%\r50%\r100%\n", b"100%\n"),
        (b"longer\rab\n", b"abnger\n"),
        (b"longer\r\x1b[Kab\n", b"ab\n"),
        (b"longer\x1b[2K\rab\n", b"ab\n"),
        (b"longer\x1b[1G\x1b[Jab\n", b"ab\n"),
        (b"spin |\b/\b-\n", b"spin -\n"),
        (b"(Pdb) ab\b\x1b[Kc\r\n", b"(Pdb) ac\n"),
        (b"\x1b[2A\x1b[Bup\x1b[3;1Hdown\n", b"down\n"),
        (b"\x1b]0;a title\x07text\n", b"text\n"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", b"link\n"),
        (b"\x1b[?1049h\x1b[?25l\x1b7text\x1b8\x1b(B\x0f\x07\n", b"text\n"),
        (b"\x1b[31mred\x1b[0m\n", b"\x1b[31mred\x1b[0m\n"),
        (b"\x1b[1;38;5;9mred\nmore\n", b"\x1b[1;38;5;9mred\x1b[0m\nmore\n"),
        (b"\x1b[32m 10%\r\x1b[32m100%\n", b"\x1b[32m100%\x1b[0m\n"),
        (b"\x1b]0;a title without its end\n", b"0;a title without its end\n"),
        (b"\x1b\n", b"\n"),
        (b"\xff\xc3\xa9\r\xfe\n", b"\xfe\xc3\xa9\n"),
        (b"tab\there\n", b"tab\there\n"),
        (b"keys\x1b[>4;2m stay\n", b"keys stay\n"),
        (b"keys\x1b[>4;2m\r\x1b[?4mstay\n", b"stay\n"),
        (b"one\xc2\x85two\xc2\x9b2J\xc2\x8d\n", b"onetwo2J\n"),
        (b"\xc2\xa9 \xc3\x85\n", b"\xc2\xa9 \xc3\x85\n"),
    ],
)
def test_a_line_is_what_a_terminal_shows_in_the_end(written: bytes, shown: bytes) -> None:
    assert cleaned(written) == shown


@given(PLAIN.map(lambda text: text + b"\n"))
def test_what_draws_nothing_stays_as_it_is(run: bytes) -> None:
    assert cleaned(run) == run


@given(st.lists(PIECES | st.binary()))
def test_each_line_stays_one_and_holds_nothing_but_text_and_colours(lines: list[bytes]) -> None:
    run = b"".join(line.replace(b"\n", b"") + b"\n" for line in lines)
    out = cleaned(run)
    assert out.count(b"\n") == run.count(b"\n")
    text = re.sub(rb"\x1b\[[0-?]*[ -/]*m", b"", out)
    assert not re.search(rb"[\x07\x08\x0b-\x0f\x1b\r]", text)


@given(PIECES)
def test_no_colour_is_open_at_the_end_of_a_line(line: bytes) -> None:
    colours = re.findall(rb"\x1b\[[0-9;]*m", cleaned(line + b"\n"))
    assert not colours or colours[-1] == b"\x1b[0m"


@given(PIECES, st.integers(0, 100))
def test_a_folded_beginning_goes_on_as_it_was(line: bytes, cut: int) -> None:
    """Also where the cursor is and in which colour it writes; what draws in the end shows that."""
    end = line[cut:] + b"x\ry\n"
    assert cleaned(folded(line[:cut]) + end) == cleaned(line[:cut] + end)


def test_a_bar_without_end_is_held_back_in_bounds_and_keeps_its_last_state() -> None:
    lines = Lines()
    for number in range(20_000):
        assert lines.feed(b"\r%6d of 20000 %s" % (number, b"#" * 40)) == b""
        assert len(lines.rest) <= LIMIT
    assert cleaned(lines.feed(b"\n")) == b" 19999 of 20000 %s\n" % (b"#" * 40)


def test_a_cursor_sent_far_away_costs_no_memory() -> None:
    assert len(cleaned(b"\x1b[999999G" * 1000 + b"x\x1b[999999C\x1b[999999@y\n")) < 5 * MOST_COLUMNS


@pytest.mark.parametrize(
    "line",
    [
        b"\x1b[999@" * 10_900,
        b"x" * 30_000 + b"\x1b[1K" * 8_000,
        b"\x1b[" + b"0;" * 16_000 + b"m" + b"x" * 10_900 + b"\x1b[m\r" + b"\x1b[Cy" * 5_400,
    ],
    ids=["blanks", "erasing", "a long colour"],
)
def test_no_line_becomes_much_longer_than_it_was(line: bytes) -> None:
    assert len(cleaned(line + b"\n")) < 8 * LIMIT
    lines = Lines()
    for _ in range(4):
        assert len(lines.feed(line)) < 8 * LIMIT


def test_the_end_of_a_long_line_that_was_drawn_follows_its_beginning() -> None:
    lines = Lines()
    out = lines.feed(b"\r" + b"x" * (LIMIT + 64)) + lines.feed(b"end\n")
    assert cleaned(out).replace(b"\n", b"") == b"x" * (LIMIT + 64) + b"end"
