"""What the files of a run say together, read again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devsup.commands.declarations import Declarations, Reading
from devsup.commands.project import Place
from devsup.pure.declaration import Declaration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Files:
    """A project, and the ports that its process types were given last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: Mapping[str, int] = {}
        self.write("Procfile", "web: serve\n")
        self.declarations = Declarations(Place(folder), {}, 5000, self.build)

    def build(
        self, _project: object, settings: Mapping[str, str], ports: Mapping[str, int]
    ) -> Declaration:
        self.ports = ports
        return Declaration((), settings)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def read(self) -> Reading:
        return self.declarations.take(self.declarations.contents())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_what_is_touched_is_named_and_a_pyproject_only_for_what_it_says_of_devsup(
    files: Files,
) -> None:
    files.write("pyproject.toml", "[tool.devsup]\nstop-timeout = 3.0\n")
    assert files.read().touched == ("pyproject.toml",)
    files.write("pyproject.toml", "[tool.devsup]\nstop-timeout = 3.0\n[tool.ruff]\n")
    files.write(".env", "A=1\n")
    assert files.read().touched == (".env",)
    files.write("pyproject.toml", "")
    assert files.read().touched == ("pyproject.toml",)
    assert files.read().touched == ()


def test_what_was_edited_while_another_file_was_broken_is_named_when_it_counts(
    files: Files,
) -> None:
    files.write("Procfile", "web serve\n")
    assert [problem.line for problem in files.read().problems] == [1]
    files.write(".env", "A=1\n")
    waiting = files.read()
    assert (waiting.touched, dict(waiting.declared.settings)) == ((".env",), {})
    files.write("Procfile", "web: serve\n")
    mended = files.read()
    assert (mended.touched, dict(mended.declared.settings)) == ((".env",), {"A": "1"})


def test_a_deleted_procfile_or_env_file_counts_with_its_last_content(files: Files) -> None:
    files.write(".env", "A=1\n")
    files.read()
    (files.folder / "Procfile").unlink()
    (files.folder / ".env").unlink()
    reading = files.read()
    assert (reading.deleted, reading.problems) == (("Procfile", ".env"), ())
    assert dict(reading.declared.settings) == {"A": "1"}
    assert files.read().deleted == ()


def test_a_deleted_configuration_is_just_none(files: Files) -> None:
    files.write("two.env", "A=2\n")
    files.write("devsup.toml", "env-files = ['two.env']\n")
    assert dict(files.read().declared.settings) == {"A": "2"}
    (files.folder / "devsup.toml").unlink()
    reading = files.read()
    assert (reading.deleted, reading.touched) == ((), ("devsup.toml",))
    assert dict(reading.declared.settings) == {}


def test_the_files_that_the_configuration_names_are_looked_at_from_then_on(files: Files) -> None:
    files.write("devsup.toml", "env-files = ['one.env', 'two.env']\n")
    files.read()
    assert [path.name for path in files.declarations.paths][2:] == [
        "Procfile",
        "one.env",
        "two.env",
    ]


def test_a_broken_configuration_leaves_the_files_as_they_were(files: Files) -> None:
    files.write("devsup.toml", "env-files = ['two.env']\n")
    files.read()
    files.write("devsup.toml", "env-files = [\n")
    assert files.read().problems
    assert [path.name for path in files.declarations.paths][3:] == ["two.env"]


def test_a_type_keeps_its_ports_wherever_its_line_goes(files: Files) -> None:
    files.write("Procfile", "api: serve\nweb: serve\n")
    files.read()
    assert files.ports == {"api": 5100, "web": 5000}
    files.write("Procfile", "web: serve\n")
    files.read()
    files.write("Procfile", "web: serve\nbeat: tick\n")
    files.read()
    assert files.ports == {"web": 5000, "beat": 5100}


def test_what_counts_from_the_next_run_is_said_when_it_is_edited(files: Files) -> None:
    files.write("devsup.toml", "log-size = 20\n")
    assert files.read().later == ("log-size",)
    files.write("devsup.toml", "log-size = 20\nprocfile = 'Other'\n")
    assert files.read().later == ("procfile",)
    files.write("devsup.toml", "")
    assert files.read().later == ()
