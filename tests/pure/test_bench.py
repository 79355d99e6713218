"""The benchmark's arithmetic, tables and plots; what it measures is no test."""

import xml.etree.ElementTree as ET

import pytest

from bench import aims, plots, readme, tables
from bench.book import Book, Summary
from bench.stamps import parse


def book(**medians: float) -> Book:
    found = Book()
    for tool, milliseconds in medians.items():
        found.add("launch/20", tool, milliseconds)
    return found


def test_a_summary_is_the_median_and_both_ends() -> None:
    assert Summary.of([3, 1, 10]) == Summary(3, 1, 10)


def test_ratios_are_to_the_best_peer_and_to_the_floor() -> None:
    table = tables.measure_table(book(floor=10, devsup=30, honcho=60, circus=120), "launch/20")

    lines = table.splitlines()
    assert "| **devsup** | 30.0 | 30.0 to 30.0 | 0.50 | 3.00 |" in lines
    assert "| honcho | 60.0 | 60.0 to 60.0 | 1.00 | 6.00 |" in lines


def test_neither_devsup_nor_the_floor_is_a_peer() -> None:
    assert tables.best_peer(book(floor=1, devsup=2), "launch/20") is None


def test_more_is_better_where_lines_are_counted() -> None:
    found = Book()
    found.add("output/pipe 1", "honcho", 50)
    found.add("output/pipe 1", "foreman (Ruby)", 90)
    assert tables.best_peer(found, "output/pipe 1") == 90


@pytest.mark.parametrize(("ours", "is_met"), [(20.0, True), (20.1, False)])
def test_an_aim_is_met_up_to_its_bound(ours: float, is_met: bool) -> None:  # noqa: FBT001
    (verdict,) = aims.verdicts(book(devsup=ours, honcho=60))
    assert verdict.is_met is is_met


def test_an_aim_without_figures_is_left_out() -> None:
    assert aims.verdicts(Book()) == []


def test_a_part_of_the_readme_is_replaced_between_its_markers_only() -> None:
    text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n"
    assert readme.between(text, "x", "new") == "a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb\n"
    assert readme.between(text, "y", "new") == text


def test_a_plot_is_xml_with_every_name_in_it() -> None:
    rows = [plots.Row("a & b", 3, 2, 40), plots.Row("devsup", 0.5, 0, 1, is_ours=True)]
    svg = ET.fromstring(plots.plot("Title", "ms", rows))
    assert {"Title", "a & b", "devsup"} <= set(svg.itertext())


def test_an_axis_spans_whole_decades_and_all_rows() -> None:
    axis = plots.Axis.over([plots.Row("a", 3, 2, 40), plots.Row("b", 500, 400, 600)])
    assert (axis.low, axis.high) == (0, 3)
    assert axis.x(1) < axis.x(10) < axis.x(1000)


def test_a_stamp_tells_seconds_of_its_clock() -> None:
    stamp = parse("start 7 1500000000 s1 -")
    assert (stamp.what, stamp.pid, stamp.time, stamp.name, stamp.value) == (
        "start",
        7,
        1.5,
        "s1",
        "-",
    )
