"""Where a missing module lies, and which Python a service uses, in real folders."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from devsup.edges.modules import MOST, environment_with, places, python_of
from devsup.pure.hints import Python

if TYPE_CHECKING:
    from pathlib import Path


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in a virtual environment of the project."""
    touch(tmp_path / ".venv" / "pyvenv.cfg")
    touch(tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "fastapi" / "__init__.py")
    found = touch(tmp_path / ".venv" / "bin" / "uvicorn")
    found.chmod(0o755)
    return found


def test_a_module_is_found_as_a_file_or_a_package_wherever_it_lies(tmp_path: Path) -> None:
    touch(tmp_path / "backend" / "app" / "main.py")
    assert places(tmp_path, "app") == ("backend",)
    assert places(tmp_path, "app.main") == ("backend",)
    assert places(tmp_path, "main") == ("backend/app",)
    assert places(tmp_path, "backend") == (".",)
    assert places(tmp_path, "app.nosuch") == ()


def test_what_is_installed_does_not_lie_in_the_project(tmp_path: Path, program: Path) -> None:
    assert program.is_file()
    touch(tmp_path / "odd-name" / "pyvenv.cfg")
    touch(tmp_path / "odd-name" / "fastapi.py")
    assert places(tmp_path, "fastapi") == ()


def test_a_project_of_any_size_and_shape_is_looked_through_in_no_time(tmp_path: Path) -> None:
    for number in range(MOST):
        (tmp_path / f"{number:04}").mkdir()
    touch(tmp_path / "9999" / "app.py")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert places(tmp_path, "app") == ()


def test_a_folder_that_may_not_be_read_hides_what_is_in_it(tmp_path: Path) -> None:
    assert places(tmp_path / "gone", "app") == ()


@pytest.mark.usefixtures("program")
def test_an_environment_of_the_project_tells_what_is_installed_in_it(tmp_path: Path) -> None:
    assert environment_with(tmp_path, "fastapi.routing") == ".venv"
    assert environment_with(tmp_path, "celery") == ""


def test_a_program_on_the_path_tells_its_environment(tmp_path: Path, program: Path) -> None:
    path = os.pathsep.join(["/nowhere", str(program.parent)])
    assert python_of("uvicorn", path, tmp_path) == Python(str(program), ".venv", has_pip=False)
    elsewhere = Python(str(program), str(tmp_path / ".venv"), has_pip=False)
    assert python_of("uvicorn", path, tmp_path / "other") == elsewhere
    assert python_of("sh", os.environ["PATH"], tmp_path).environment == ""
    assert python_of("nosuch", path, tmp_path) == Python()


def test_an_environment_may_have_a_pip_of_its_own(tmp_path: Path, program: Path) -> None:
    (program.parent.parent / "lib/python3.11/site-packages/pip").mkdir(parents=True)
    assert python_of("uvicorn", str(program.parent), tmp_path).has_pip


def test_a_name_that_no_file_can_have_is_nowhere(tmp_path: Path, program: Path) -> None:
    assert program.exists()
    assert places(tmp_path, "x" * 300) == ()
    assert environment_with(tmp_path, "x" * 300) == ""
