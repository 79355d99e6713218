"""Where settings come from, and what counts as a live process that does not have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure import envfile
from devsup.pure.env_live import Difference, Found, Live, differences, found_in
from devsup.pure.env_report import SHELL, Origin, origin_lines, origins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devsup.pure.envfile import Layer, Settings

SECRET = "hunter2"
FIRST = envfile.parse(b"ONE=1\nBOTH=first\nTWICE=a\nTWICE=b\n", ".env")[0]
SECOND = envfile.parse(b"BOTH=second\nTWO=hunter2\n", ".env.local")[0]


def read(shell: Mapping[str, str]) -> tuple[tuple[Layer, ...], Settings]:
    layers = (FIRST, SECOND)
    return layers, envfile.resolve(layers, shell)[0]


def found_origins(**shell: str) -> dict[str, Origin]:
    layers, settings = read(shell)
    return {each.key: each for each in origins(layers, settings, shell)}


def test_a_key_comes_from_the_last_file_that_sets_it() -> None:
    assert found_origins() == {
        "BOTH": Origin("BOTH", ".env.local", (".env",)),
        "ONE": Origin("ONE", ".env", ()),
        "TWICE": Origin("TWICE", ".env", ()),
        "TWO": Origin("TWO", ".env.local", ()),
    }


def test_a_key_hides_the_shells_other_value_only() -> None:
    found = found_origins(BOTH="shell", ONE="1")
    assert found["BOTH"].hides == (".env", SHELL)
    assert found["ONE"].hides == ()


def test_values_are_printed_on_request_only() -> None:
    layers, settings = read({"BOTH": "shell"})
    found = origins(layers, settings, {"BOTH": "shell"})
    assert [*origin_lines(found, None)] == [
        "BOTH   .env.local (hides .env and the shell's)",
        "ONE    .env",
        "TWICE  .env",
        "TWO    .env.local",
    ]
    assert [*origin_lines(found, settings)][3].endswith(SECRET)


def test_no_key_is_no_line() -> None:
    assert [*origin_lines([], None)] == []


SHELLS = {"HOME": "/root", "LOST": "shell"}
SETTINGS = {"KEY": "new", "HOME": "/srv"}


@pytest.mark.parametrize(
    ("environ", "key", "expected"),
    [
        ({"KEY": "new"}, "KEY", Found.SAME),
        ({"KEY": "old"}, "KEY", Found.OTHER),
        ({}, "KEY", Found.ABSENT),
        (None, "KEY", Found.UNKNOWN),
        ({"HOME": "/root"}, "HOME", Found.OTHER),
        ({"GONE": "old"}, "GONE", Found.LEFT),
        ({}, "GONE", Found.SAME),
        ({"LOST": "shell"}, "LOST", Found.SAME),
        ({"LOST": "old"}, "LOST", Found.LEFT),
        ({}, "LOST", Found.ABSENT),
        ({"OWN": "x"}, "OWN", Found.OTHER),
    ],
)
def test_what_a_live_process_has(
    environ: Mapping[str, str] | None, key: str, expected: Found
) -> None:
    live = Live("web.1", 7, environ, keys=frozenset({"KEY", "GONE", "LOST"}))
    assert found_in(live, key, SETTINGS, SHELLS) is expected


def test_each_difference_names_service_process_and_key() -> None:
    live = [
        Live("web.1", 7, {"KEY": "old", "HOME": "/srv"}),
        Live("web.1", 8, {"KEY": "new", "HOME": "/srv"}),
        Live("worker.1", 9, {"KEY": "new", "HOME": "/srv", "GONE": "x"}, keys=frozenset({"GONE"})),
    ]
    assert differences(live, SETTINGS, SHELLS) == [
        Difference("web.1", 7, "KEY", Found.OTHER),
        Difference("worker.1", 9, "GONE", Found.LEFT),
    ]


@pytest.mark.parametrize(
    "live",
    [
        Live("web.1", 7, None),
        Live("web.1", 7, {}, assigned=frozenset(SETTINGS)),
        Live("web.1", 7, {}, exempt=frozenset(SETTINGS)),
        Live("web.1", 7, SETTINGS | {"OWN": "x"}),
    ],
)
def test_no_alarm_for_what_says_nothing_or_is_meant_so(live: Live) -> None:
    assert differences([live], SETTINGS, SHELLS) == []


variables = st.dictionaries(st.sampled_from("ABCD"), st.sampled_from(["", "x", "y"]))


@given(variables, variables, variables)
def test_what_is_started_on_the_files_as_they_are_differs_in_nothing(
    shell: dict[str, str], files: dict[str, str], others: dict[str, str]
) -> None:
    live = Live("web.1", 7, shell | files, keys=frozenset(files))
    assert differences([live], files, shell) == []
    changed = {key for key in files if others.get(key, shell.get(key)) != files[key]}
    assert {each.key for each in differences([live], others, shell)} == changed | {
        key for key in others if (shell | files).get(key) != others[key]
    }


def test_no_repr_shows_a_value() -> None:
    assert SECRET not in repr(Live("web.1", 7, {"KEY": SECRET}))
