"""What the watched files of some trees look like on disk, and which of them differ by now.

No content is read: time of the last write, size and inode tell of every save, and of a touch, but
not of a chmod or of reading. Symbolic links are followed, to files and to folders.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os.path import basename, dirname, realpath
from typing import TypeAlias

from devsup.edges.ignoring import (
    GITIGNORE,
    Here,
    Identity,
    Rulebook,
    Signature,
    ignore_file,
    is_ignored,
    outer_rules,
)
from devsup.pure import gitignore
from devsup.pure.globs import Aims
from devsup.pure.noise import VENV

LINKS = 3
"""Links to folders within folders behind links that are followed: a few folders that are full of
links to each other would never end otherwise."""

ITSELF = ""
"""In the place of a name: anything may have happened in a folder."""

Place: TypeAlias = tuple[str, str]
"""A folder, and a name in it."""


@dataclass(slots=True)
class _Folder:
    path: str
    aims: Aims
    inherited: Rulebook
    above: frozenset[Identity] = frozenset()
    links: int = 0
    identity: Identity | None = None
    ignore: bytes | None = None
    rules: Rulebook = ()
    names: set[str] = field(default_factory=set)


class Tree:
    """Remembers the files that somebody watches, and compares them with the disk when asked to.

    `fresh` are folders that came since it was last emptied.
    """

    def __init__(self, anchors: Mapping[str, Aims]) -> None:
        """Nothing is looked at before `read`; anchors are absolute paths."""
        self.fresh: set[str] = set()
        self._folders = {
            path: _Folder(path, aims, outer_rules(path)) for path, aims in anchors.items()
        }
        self._anchors = frozenset(anchors)
        self._seen: dict[str, Signature] = {}
        self._targets: dict[str, Place] = {}
        self._links: dict[Place, set[str]] = {}
        self._changed: dict[str, frozenset[str]] = {}

    @property
    def folders(self) -> tuple[str, ...]:
        """Every folder in which something is watched."""
        return tuple(self._folders)

    @property
    def places(self) -> frozenset[str]:
        """Where something happens that concerns a watched file: also where links lead."""
        targets = {folder for (folder, _), links in self._links.items() if links}
        return frozenset(self._folders).union(targets)

    def read(self) -> None:
        """See how everything is now."""
        for path in self._anchors:
            self._read(self._folders[path])
        self._changed = {}

    def look(self, places: Iterable[Place]) -> dict[str, frozenset[str]]:
        """What differs there from what was last seen, and who watches it."""
        for folder, name in places:
            for link in self._links_to(folder, name):
                self._look_at(dirname(link), basename(link))
            self._look_at(folder, name)
        changed, self._changed = self._changed, {}
        return changed

    def _links_to(self, folder: str, name: str) -> list[str]:
        """The links whose target has this place."""
        if name != ITSELF:
            return [*self._links.get((folder, name), ())]
        return [
            link for place, links in self._links.items() if place[0] == folder for link in links
        ]

    def _look_at(self, path: str, name: str) -> None:
        folder = self._folders.get(path)
        if folder is None:
            return
        if name == VENV and path not in self._anchors:
            self._look_at(dirname(path), basename(path))
        elif name in {ITSELF, GITIGNORE}:
            self._read(folder)
        else:
            self._check(folder, name)

    # ---- folders

    def _read(self, folder: _Folder) -> None:
        """Everything in a folder, and below it what is new."""
        before = folder.identity
        listing = self._listing(folder)
        if folder.identity not in {None, before}:
            self.fresh.add(folder.path)
        for name in sorted(folder.names.union(listing)):
            self._check(folder, name)

    def _listing(self, folder: _Folder) -> Iterable[str]:
        """The names that are of interest; its rules are brought up to date before."""
        folder.identity = None
        try:
            status = os.stat(folder.path)
            self._learn(folder)
            names = folder.aims.names
            found = os.listdir(folder.path) if names is None else names
        except OSError:  # gone, or not for us to read: nothing is known of it
            return ()
        folder.identity = status.st_dev, status.st_ino
        return found

    def _learn(self, folder: _Folder) -> None:
        ignore = ignore_file(folder.path)
        if (ignore, folder.inherited) != (folder.ignore, folder.rules[bool(folder.ignore) :]):
            own = ((folder.path, gitignore.parse(ignore)),) if ignore else ()
            folder.ignore, folder.rules = ignore, own + folder.inherited

    def _enter(self, parent: _Folder, name: str, aims: Aims, here: Here) -> None:
        """A folder is here: known, new, or another than before."""
        child = self._folders.get(here.path)
        if child and (child.identity, child.inherited) == (here.identity, parent.rules):
            return
        if child is None:
            above = parent.above | {parent.identity or here.identity}
            child = _Folder(here.path, aims, parent.rules, above, parent.links + here.linked)
            self._folders[here.path] = child
            parent.names.add(name)
        child.inherited = parent.rules
        self._read(child)

    def _leave(self, parent: _Folder, name: str, path: str) -> None:
        """No folder that leads to a watched file is here any more."""
        parent.names.discard(name)
        folder = self._folders.pop(path)
        self.fresh.discard(path)
        for each in tuple(folder.names):
            below = _join(path, each)
            drop = self._leave if below in self._folders else self._forget
            drop(folder, each, below)

    # ---- names

    def _check(self, folder: _Folder, name: str) -> None:
        """Look at one name."""
        aims = folder.aims.step(name)
        if not aims:
            return
        here = Here.at(_join(folder.path, name))
        if is_ignored(folder.rules, name, here):
            aims = folder.aims.step_by_name(name)
        if here.directory and aims.lead_on and not self._turns_back(folder, here):
            self._forget(folder, name, here.path)
            self._enter(folder, name, aims, here)
            return
        if here.path in self._folders:
            self._leave(folder, name, here.path)
        watchers = aims.watchers
        if watchers and not here.directory:
            self._aim(here)
        if watchers and here.regular:
            self._compare(folder, name, here, watchers)
        else:
            self._forget(folder, name, here.path)

    @staticmethod
    def _turns_back(folder: _Folder, here: Here) -> bool:
        """Whether a link leads to where one comes from, or is one too many."""
        loop = here.identity == folder.identity or here.identity in folder.above
        return here.linked and (loop or folder.links >= LINKS)

    def _compare(self, folder: _Folder, name: str, here: Here, watchers: frozenset[str]) -> None:
        if self._seen.get(here.path) != here.signature:
            self._seen[here.path] = here.signature
            self._changed[here.path] = watchers
        folder.names.add(name)

    def _forget(self, folder: _Folder, name: str, path: str) -> None:
        """No watched file is here any more."""
        if self._seen.pop(path, None):
            self._changed[path] = folder.aims.step(name).watchers
            folder.names.discard(name)

    def _aim(self, here: Here) -> None:
        """Remember where the target of a link is: what happens to it happens there."""
        before = self._targets.pop(here.path, None)
        if before:
            self._links[before].discard(here.path)
        if here.linked:
            target = realpath(here.path)
            place = self._targets[here.path] = dirname(target), basename(target)
            self._links.setdefault(place, set()).add(here.path)
            if place != before:
                self.fresh.add(place[0])


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"
