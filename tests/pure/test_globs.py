"""Which files the patterns of `watch` mean."""

import pytest

from devsup.pure.globs import Aims, Glob, GlobError, anchored, parse


def aims_at(path: str, *patterns: str) -> Aims:
    """What is left of the patterns at this path below their common anchor."""
    [aims] = anchored({"worker": patterns}).values()
    for name in path.split("/"):
        aims = aims.step(name)
    return aims


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("app/**/*.py", "app/a.py"),
        ("app/**/*.py", "app/a/b/c.py"),
        ("app/**/*.py", "app/.hidden/a.py"),
        ("**/*.py", "a.py"),
        ("**/tests/**/*.py", "a/tests/b/c.py"),
        ("**/a/**/a/*.py", "a/a/a/x.py"),
        ("app/**", "app/a/b"),
        ("app", "app/a/b"),
        ("app/", "app/a"),
        ("./app//a.py", "app/a.py"),
        (".", "a/b"),
        ("app/../lib/*.py", "lib/a.py"),
        ("settings.toml", "settings.toml"),
        ("app/?[!a-c].py", "app/xd.py"),
        ("[app]/a.py", "a/a.py"),
        ("[app]/a.py", "[app]/a.py"),
        ("../shared/**/*.py", "shared/a.py"),
        ("/opt/*.py", "opt/a.py"),
    ],
)
def test_a_pattern_means_a_file(pattern: str, path: str) -> None:
    assert aims_at(path, pattern).watchers == {"worker"}


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.py", "app/a.py"),
        ("app/*", "app/a/b"),
        ("app/*.py", "app/a.pyc"),
        ("app/**/*.py", "apps/a.py"),
        ("app/**/*.py", "app"),
        ("app/*.PY", "app/a.py"),
        ("app", "apps/a"),
        ("a?b", "a/b"),
    ],
)
def test_a_pattern_means_no_other(pattern: str, path: str) -> None:
    assert not aims_at(path, pattern).watchers


@pytest.mark.parametrize(
    ("pattern", "anchor"),
    [("a/*", ""), ("../a/*", ".."), ("a/../../../b", "../.."), ("/a", "/"), ("/../a", "/")],
)
def test_a_pattern_may_leave_the_project(pattern: str, anchor: str) -> None:
    assert parse(pattern).anchor == anchor


def test_what_goes_up_again_is_left_out() -> None:
    assert parse("a/b/../c") == Glob("", ("a", "c"))


@pytest.mark.parametrize("pattern", ["app/**.py", "**app", "a/***/b", "*/../b", "**/.."])
def test_a_pattern_that_would_not_mean_what_it_seems_to_is_refused(pattern: str) -> None:
    with pytest.raises(GlobError):
        parse(pattern)


def test_nobody_goes_where_no_pattern_leads() -> None:
    assert not aims_at("docs", "app/**/*.py", "lib/*.py")
    assert aims_at("app/a", "app/**/*.py").lead_on
    assert not aims_at("lib/a.py", "lib/*.py").lead_on


def test_the_names_of_interest_are_known_where_no_wildcard_is_next() -> None:
    [aims] = anchored({"worker": ["app/**/*.py", "lib/a.py"]}).values()
    assert aims.names == frozenset({"app", "lib"})
    assert aims.step("lib").names == frozenset({"a.py"})
    assert aims.step("app").names is None


def test_everybody_watches_for_himself() -> None:
    [aims] = anchored({"web": ["app/*.py"], "worker": ["app/**/*.py"]}).values()
    assert aims.step("app").step("a.py").watchers == {"web", "worker"}
    assert aims.step("app").step("b").step("a.py").watchers == {"worker"}


def test_a_name_without_a_wildcard_is_told_from_one_that_a_wildcard_meets() -> None:
    [aims] = anchored({"web": ["**/*.py"], "worker": ["gen/a.py"]}).values()
    assert aims.step_by_name("gen").step("a.py").watchers == {"worker"}
