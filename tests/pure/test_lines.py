"""Runs of whole lines: nothing lost, nothing moved, however the reads fall."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.lines import LIMIT, Lines, Tone, own_prefixes, prefixed, prefixes

# Few different bytes, so that newlines, long lines and characters of several bytes are frequent.
TEXT = st.lists(st.sampled_from([b"\n", b"a", b"bcd", "é".encode(), "€".encode(), b"\xa9"])).map(
    b"".join
)
LINES = st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")))
PALETTE = {30, 33, 64, 134, 166, 168}


@st.composite
def reads(draw: st.DrawFn) -> list[bytes]:
    """A text as several reads deliver it."""
    text = draw(TEXT)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)))))
    return [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]


def passed_on(parts: list[bytes], limit: int) -> list[bytes]:
    lines = Lines(limit)
    return [*(lines.feed(part) for part in parts), lines.end()]


@given(reads(), st.integers(4, 9))
def test_every_run_consists_of_whole_lines_within_the_limit(parts: list[bytes], limit: int) -> None:
    for run in passed_on(parts, limit):
        assert run == b"" or run.endswith(b"\n")
        assert max(map(len, run.split(b"\n"))) <= limit


@given(reads())
def test_below_the_limit_nothing_changes_but_a_missing_last_newline(parts: list[bytes]) -> None:
    text = b"".join(parts)
    complete = text if text.endswith(b"\n") or not text else text + b"\n"
    assert b"".join(passed_on(parts, LIMIT)) == complete


@given(reads(), st.integers(4, 9))
def test_a_long_line_gains_newlines_and_loses_nothing(parts: list[bytes], limit: int) -> None:
    passed = b"".join(passed_on(parts, limit))
    assert passed.replace(b"\n", b"") == b"".join(parts).replace(b"\n", b"")


@given(reads(), st.integers(4, 9))
def test_the_pieces_do_not_depend_on_how_the_reads_fall(parts: list[bytes], limit: int) -> None:
    assert b"".join(passed_on(parts, limit)) == b"".join(passed_on([b"".join(parts)], limit))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n")))
def test_a_character_is_never_cut(text: str) -> None:
    for run in passed_on([text.encode()], 7):
        run.decode()


@given(reads())
def test_a_run_is_passed_on_with_the_read_that_completes_it(parts: list[bytes]) -> None:
    lines = Lines()
    for count, part in enumerate(parts, 1):
        run = lines.feed(part)
        assert run.count(b"\n") == part.count(b"\n"), f"read {count}"


def test_a_line_of_exactly_the_limit_is_whole() -> None:
    line = b"x" * LIMIT + b"\n"
    assert Lines().feed(line + line) == line + line


@given(LINES.filter(bool), st.binary(max_size=5))
def test_each_line_gets_one_prefix(lines: list[bytes], prefix: bytes) -> None:
    run = b"".join(line + b"\n" for line in lines)
    assert prefixed(run, prefix) == b"".join(prefix + line + b"\n" for line in lines)


def test_prefixes_are_padded_to_the_longest_name_devsup_included() -> None:
    plain = prefixes(["web.1", "scheduler.1"], colour=False)
    assert plain["web.1"].at(b"12:00:00 ") == b"12:00:00 web.1       | "
    assert plain["devsup"].at(b"") == b"devsup      | "
    assert prefixes(["web.1"], colour=False)["web.1"].at(b"") == b"web.1  | "


def test_a_prefix_in_colour_resets_what_a_service_left_open_and_ends_its_own() -> None:
    coloured = prefixes(["web.1"], colour=True)
    assert coloured["devsup"].at(b"12:00:00 ") == b"\x1b[0;2m12:00:00 devsup |\x1b[0m "


def shades(*names: str) -> dict[str, int]:
    coloured = prefixes(names, colour=True)
    return {name: int(coloured[name].at(b"").split(b";")[3].partition(b"m")[0]) for name in names}


TYPES = st.lists(st.from_regex(r"[a-z_-]{1,9}", fullmatch=True), min_size=1, unique=True)


@given(TYPES.map(lambda types: [f"{name}.1" for name in types]))
def test_types_share_a_colour_only_when_the_palette_is_used_up(names: list[str]) -> None:
    chosen = set(shades(*names).values())
    assert chosen <= PALETTE
    assert len(chosen) == min(len(names), len(PALETTE))


def luminance(shade: int) -> float:
    """Of one of the 216 colours of the cube, as the guidelines for accessibility define it."""
    levels = (0, 95, 135, 175, 215, 255)
    number = shade - 16
    rgb = [levels[each] / 255 for each in (number // 36, number // 6 % 6, number % 6)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("shade", PALETTE)
def test_a_colour_can_be_read_on_black_and_on_white(shade: int) -> None:
    assert (luminance(shade) + 0.05) / 0.05 >= 3.5
    assert 1.05 / (luminance(shade) + 0.05) >= 3.5


def test_own_lines_go_on_in_their_tone() -> None:
    own = own_prefixes(["worker.1"], colour=True)
    assert own[Tone.PLAIN].at(b"") == b"\x1b[0;2mdevsup   |\x1b[0m "
    assert own[Tone.ALARM].at(b"") == b"\x1b[0;2mdevsup   |\x1b[0;1;31m "
    assert {each.at(b"") for each in own_prefixes(["web.1"], colour=False).values()} == {
        b"devsup | "
    }


@pytest.mark.parametrize("others", [[], ["web.1"], ["web.1", "worker.2"]])
def test_a_type_keeps_its_colour_whatever_runs_beside_it(others: list[str]) -> None:
    assert shades("worker.1", *others)["worker.1"] == shades("worker.7")["worker.7"]


@pytest.mark.parametrize("name", ["web.1", "a-b_c.12"])
def test_instances_of_a_type_share_its_colour(name: str) -> None:
    first = name.replace("12", "1")
    assert shades(first, name)[first] == shades(first, name)[name]
