"""Which names in a source tree are nobody's source."""

import pytest

from devsup.pure.noise import is_noise


@pytest.mark.parametrize(
    "name",
    [
        *("a.py~", ".a.py.swp", ".a.py.swo", "a.py.swx", "4913", ".#a.py", "#a.py#"),
        *("a.py___jb_tmp___", "a.py___jb_old___", ".goutputstream-X1Y2Z3", ".a.py.kate-swp"),
    ],
)
def test_what_editors_leave_for_a_moment_is_noise(name: str) -> None:
    assert is_noise(name, directory=False)


@pytest.mark.parametrize("name", [".git", "node_modules", "__pycache__"])
def test_folders_of_tools_are_noise(name: str) -> None:
    assert is_noise(name, directory=True)
    assert not is_noise(name, directory=False)


@pytest.mark.parametrize(
    "name", ["a.py", ".env", "4913.py", "a.swift", "swap", "#a", "a#", ".a.py", "~a", "a.sw"]
)
def test_everything_else_is_not(name: str) -> None:
    assert not is_noise(name, directory=False)
