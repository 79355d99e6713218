"""What is at a path, and whether a watcher of its surroundings means it."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from os.path import dirname, lexists
from pathlib import Path
from typing import TypeAlias

from devsup.edges import files
from devsup.pure import gitignore
from devsup.pure.gitignore import Rules
from devsup.pure.noise import VENV, is_noise

GITIGNORE = ".gitignore"

Identity: TypeAlias = tuple[int, int]
Signature: TypeAlias = tuple[int, int, int, int]
Rulebook: TypeAlias = tuple[tuple[str, Rules], ...]
"""The rules that hold in a folder, the nearest first, each with the folder that has them."""

_NOTHING: Signature = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Here:
    """What is at the end of a path, and whether it is a link that leads there.

    `signature` is what differs after each save and each touch.
    """

    path: str
    linked: bool
    mode: int = 0
    signature: Signature = _NOTHING

    @classmethod
    def at(cls, path: str) -> "Here":
        """Look there; what cannot be seen is not there."""
        linked = False
        try:
            status = os.lstat(path)
            linked = stat.S_ISLNK(status.st_mode)
            if linked:
                status = os.stat(path)
        except (OSError, ValueError):
            return cls(path, linked)
        signature = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
        return cls(path, linked, status.st_mode, signature)

    @property
    def identity(self) -> Identity:
        """What differs when another has taken the place."""
        return self.signature[:2]

    @property
    def directory(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def regular(self) -> bool:
        """Whether it is a file with content."""
        return stat.S_ISREG(self.mode)


def is_ignored(rules: Rulebook, name: str, here: Here) -> bool:
    """Whether only who names it without a wildcard can mean it."""
    if is_noise(name, directory=here.directory):
        return True
    # To git a link is no directory.
    if any(_verdicts(rules, here.path, directory=here.directory and not here.linked)):
        return True
    return here.directory and lexists(f"{here.path}/{VENV}")


def _verdicts(rules: Rulebook, path: str, *, directory: bool) -> Iterator[bool]:
    """What the nearest rule says, if any does."""
    for folder, own in rules:
        below = os.fsencode(path[len(folder.rstrip("/")) + 1 :])
        verdict = own.verdict(below, directory=directory)
        if verdict is not None:
            yield verdict
            return


def outer_rules(folder: str) -> Rulebook:
    """The rules of the repository that a folder lies in, from above it; none outside of one."""
    found: list[tuple[str, Rules]] = []
    while not lexists(f"{folder}/.git"):
        above = dirname(folder)
        if above == folder:
            return ()
        folder = above
        if ignore := ignore_file(folder):
            found.append((folder, gitignore.parse(ignore)))
    return tuple(found)


def ignore_file(folder: str) -> bytes | None:
    """The content of the `.gitignore` in a folder; None when there is none that can be read."""
    path = f"{folder}/{GITIGNORE}"
    if not lexists(path):
        return None
    content = files.read(Path(path))
    return content if isinstance(content, bytes) else None
