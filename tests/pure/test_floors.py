"""The house has three floors (README.md, "Working on it"), and imports go down only."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import devsup

ROOT = Path(devsup.__file__).parent
FLOORS = ("pure", "edges", "commands")
MODULES = sorted(path for floor in FLOORS for path in (ROOT / floor).glob("*.py"))
IMPURE = {"asyncio", "fcntl", "multiprocessing", "os", "select", "selectors", "shutil", "socket"}
IMPURE |= {"subprocess", "tempfile", "threading", "time", "datetime", "random", "psutil"}
DOORS = {"psutil": {"portable", "usage"}, "watchfiles": {"notify"}, "dotenv": {"envfile"}}


def imported(path: Path) -> set[str]:
    """Dotted names of all that a module imports, also within its functions."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_imports_go_down_only(path: Path) -> None:
    above = FLOORS[FLOORS.index(path.parent.name) + 1 :]
    for name in imported(path):
        assert not any(name.startswith(f"devsup.{floor}.") for floor in above)
        assert not name.startswith(("devsup.cli", "devsup.app"))


@pytest.mark.parametrize("path", sorted((ROOT / "pure").glob("*.py")), ids=lambda path: path.stem)
def test_what_decides_has_no_clock_and_touches_nothing(path: Path) -> None:
    assert not {name.partition(".")[0] for name in imported(path)} & IMPURE


@pytest.mark.parametrize("library", DOORS)
def test_each_library_has_one_door(library: str) -> None:
    users = {path.stem for path in MODULES for name in imported(path) if is_of(name, library)}
    assert users == DOORS[library]


def is_of(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_the_guardian_needs_the_standard_library_only() -> None:
    names = imported(ROOT / "edges" / "guardian.py")
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
