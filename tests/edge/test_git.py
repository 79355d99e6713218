"""Our reading of `.gitignore` files against git's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devsup.edges.tree import Tree
from devsup.pure.globs import anchored

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")

FOLDERS = ("", "a", "ab", "a/b", ".a", "a b", "[a", "!a", "é", "#a", "a/b/a")
NAMES = ("a", "b", "ab.c", "a.b", ".b", "a ", "[b", "b]", "!b", "#b", "é", "-", "A", "1", "b\\")
ATOMS = (
    *("a", "b", "*", "**", "***", "?", "/", "/", "**/", "/**", "/**/", "!", "#", " ", ".", "é"),
    *("[a-b]", "[!a]", "[^b/]", "[]a]", "[b-a]", "[[:alpha:]]", "[[:x:]]", "[[:digit:]-]", "[a"),
    *("[", "]", "\\", "\\*", "[\\]]", "[a\\-z]", "[[:", "-", "[[a:]]", "\r", "\t"),
)
LINES = st.lists(st.sampled_from(ATOMS), min_size=1, max_size=5).map("".join)
FILES = st.lists(LINES, max_size=4).map("\n".join)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    git(root, "init", "-q")
    for folder in FOLDERS:
        (root / folder).mkdir(exist_ok=True)
    for folder in FOLDERS:
        for name in NAMES:
            if not (root / folder / name).exists():
                (root / folder / name).touch()
    return root


def git(root: Path, *arguments: str, said: bytes = b"") -> bytes:
    done = subprocess.run(
        ["git", "-c", "core.excludesFile=", *arguments],
        cwd=root,
        input=said,
        capture_output=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def everything(root: Path) -> set[bytes]:
    return {
        os.fsencode(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] != ".git"
    }


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(top=FILES, below=FILES)
def test_what_git_ignores_is_watched_by_nobody(repository: Path, top: str, below: str) -> None:
    (repository / ".gitignore").write_bytes(top.encode())
    (repository / "a/.gitignore").write_bytes(below.encode())
    files = everything(repository)
    ignored = git(repository, "check-ignore", "--no-index", "-z", "--stdin", said=b"\0".join(files))
    tree = Tree({str(repository): anchored({"worker": ["**"]})[""]})
    tree.read()
    watched = {os.fsencode(os.path.relpath(path, repository)) for path in tree._seen}
    assert watched == files - {*ignored.split(b"\0")}
