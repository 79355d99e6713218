"""Where there is no subreaper, no /proc, no pidfd and no memfd: a service is its process group.

The real files, told that this is not Linux and without what only Linux has. What differs in a
kernel's answers (macOS refuses to signal a group of zombies) is not covered.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stage import HERE, SECONDS, adopting, is_readable, python
from supervised import Words

import devsup

if TYPE_CHECKING:
    from collections.abc import Iterator

LINUX = 'LINUX = sys.platform.startswith("linux")\n'
ELSEWHERE = """LINUX = False
for name in ("waitid", "pidfd_open", "memfd_create"):
    delattr(os, name)
"""
HOSTILE = ("sleep", "forks", "stubborn", "stopped", "holder", "zombies")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with the package as it is on another system."""
    package = shutil.copytree(Path(devsup.__file__).parent, tmp_path / "elsewhere" / "devsup")
    guardian = package / "edges" / "guardian.py"
    text = guardian.read_text(encoding="utf-8")
    assert text.count(LINUX) == 1
    guardian.write_text(text.replace(LINUX, ELSEWHERE), encoding="utf-8")
    return package.parent


class Caged:
    """A supervisor in a cage, which buries orphans as that system's init would."""

    def __init__(self, folder: Path, package: Path, *lines: str) -> None:
        scripts = str(HERE / "cage.py"), sys.executable, str(HERE / "supervise.py")
        self.process = subprocess.Popen(
            [sys.executable, *scripts, str(folder), *lines],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(package)},
        )
        assert self.process.stdout
        self.words = Words(self.process.stdout.fileno())
        assert self.words.listen()
        self.supervisor = int(self.words.heard.splitlines()[0])


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[list[Words]]:
    """A FIFO for each hostile program."""
    paths = [tmp_path / f"ready-{kind}" for kind in HOSTILE]
    for path in paths:
        os.mkfifo(path)
    lives = [Words(os.open(path, os.O_RDONLY | os.O_NONBLOCK)) for path in paths]
    yield lives
    for life in lives:
        os.close(life.descriptor)


def lines(folder: Path) -> list[str]:
    return [f"exec {python('hostile.py', kind, folder / f'ready-{kind}')}" for kind in HOSTILE]


def test_closing_waits_until_no_group_is_left(
    tmp_path: Path, elsewhere: Path, lives: list[Words]
) -> None:
    with adopting():
        caged = Caged(tmp_path, elsewhere, *lines(tmp_path))
        for life in lives:
            life.wait_for("")
        os.kill(caged.supervisor, signal.SIGTERM)
        assert caged.words.wait_for("closed ") == "True"
        left = [life for life in lives if not is_readable(life.descriptor)]
        caged.process.communicate(timeout=SECONDS)
    assert left == []


def test_a_killed_supervisor_leaves_no_group(
    tmp_path: Path, elsewhere: Path, lives: list[Words]
) -> None:
    with adopting():
        caged = Caged(tmp_path, elsewhere, *lines(tmp_path))
        for life in lives:
            life.wait_for("")
        os.kill(caged.supervisor, signal.SIGKILL)
        for life in lives:
            life.wait_for_end()
        caged.process.communicate(timeout=SECONDS)


def test_ends_are_told_in_order(tmp_path: Path, elsewhere: Path) -> None:
    with adopting():
        caged = Caged(tmp_path, elsewhere, "exit 3", "sleep 0.1 & exit 0", "kill -TERM $$")
        for number, code in enumerate((3, 0, -15)):
            for happening in (f"Exited(code={code})", "Gone()"):
                caged.words.wait_for(f"{number} {happening}")
        caged.process.communicate(timeout=SECONDS)
    said = [line for line in caged.words.heard.splitlines() if line.startswith("1 ")]
    assert [re.split(r"[ (]", line)[1] for line in said] == [
        "guardian",
        "Started",
        "Exited",
        "Gone",
    ]
