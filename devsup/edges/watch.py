"""Hints to look at files again: never the truth, and never one too few.

Events of the directories make it quick. A comparison of what `stat` says, each 600 ms, makes it
sure: a write through mmap, over a network or through another hard link causes no event, nor does a
new directory in the place of a parent. A file is never watched itself: such a watch goes deaf with
the first atomic save, which replaces the file.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from devsup.pure.writing import Writer

if sys.platform == "linux":
    from devsup.edges.inotify import Inotify as _Native
else:
    from devsup.edges.notify import Notify as _Native

PERIOD = 0.6
"""Seconds between two comparisons, of which one a second is 0.05 % of a core."""

_LINKS = 40  # the kernel follows no more symbolic links in one path


class Events(Protocol):
    """Calls back in the loop soon after something happened to a watched name of a directory."""

    def arm(self, places: Mapping[str, frozenset[str]]) -> None:
        """Watch these names, by directory, and nothing else; skip a directory that is not there."""

    def close(self) -> None:
        """Stop at once, leaving nothing behind."""


_Source: TypeAlias = Callable[[asyncio.AbstractEventLoop, Callable[[Writer], None]], Events]
_Signature: TypeAlias = tuple[int, ...] | None


class Watch:
    """Calls `hint` in the loop for every reason to look at one of `paths` again, with its writer.

    Neither the files nor their directories need to exist. Each symbolic link on the way to a file
    is watched like the file, and so is what it points to.
    """

    def __init__(
        self, paths: Sequence[Path], hint: Callable[[Writer], None], source: _Source = _Native
    ) -> None:
        self._paths = paths
        self._hint = hint
        self._source = source
        self._directories: dict[str, frozenset[str]] = {}
        self._seen: list[_Signature] = []
        self._events: Events | None = None
        self._next: asyncio.Handle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch from now on. The first hint comes at once, for what was edited before."""
        self._loop = loop
        try:
            self._events = self._source(loop, self._changed)
        except OSError:  # no more inotify instances for this user: the comparisons remain
            self._events = None
        self._next = loop.call_soon(self._compare)

    def follow(self, paths: Sequence[Path]) -> None:
        """Watch these from now on; a hint comes if they are others than before."""
        if paths != self._paths:
            self._paths = paths
            if self._next:
                self._changed(Writer.UNKNOWN)

    def close(self) -> None:
        """No hint from now on, and nothing left behind. Harmless before `start` and twice."""
        if self._next:
            self._next.cancel()
        if self._events:
            self._events.close()
        self._next = self._events = None

    def _compare(self) -> None:
        self._next = self._loop.call_later(PERIOD, self._compare)
        if self._signatures() != self._seen:
            self._changed(Writer.UNKNOWN)

    def _changed(self, writer: Writer) -> None:
        """First the watches, then the hint: an edit in between must not be overlooked."""
        self._directories = _directories(self._paths)
        # Before arming: a directory that is replaced meanwhile then differs at the next comparison.
        self._seen = self._signatures()
        if self._events:
            self._events.arm(self._directories)
        self._hint(writer)

    def _signatures(self) -> list[_Signature]:
        return [*map(_content, self._paths), *map(_identity, self._directories)]


def _content(path: Path) -> _Signature:
    """What differs after an edit; None when there is no file."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    return (
        status.st_dev,
        status.st_ino,
        status.st_mode,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _identity(directory: str) -> _Signature:
    """What differs when another directory has taken the place."""
    signature = _content(Path(directory))
    return signature and signature[:2]


def _directories(paths: Sequence[Path]) -> dict[str, frozenset[str]]:
    """The names to watch in each directory."""
    found: dict[str, frozenset[str]] = {}
    for place in (place for path in paths for place in _places(path)):
        directory = str(place.parent)
        found[directory] = found.get(directory, frozenset()) | {place.name}
    return found


def _places(path: Path) -> Iterator[Path]:
    """Where the way to `path` can change: each link, the file, and whatever is missing."""
    here, ahead, links = Path("/"), [*reversed(path.absolute().parts)], 0
    while ahead and links <= _LINKS:
        name = ahead.pop()
        # The way so far holds no link any more, so that `..` is its parent.
        place = here.parent if name == ".." else here / name
        target = _target(place)
        if target or not ahead or _content(place) is None:
            yield place
        if target:
            links += 1
            ahead += reversed(target.parts)
        else:
            here = place


def _target(place: Path) -> Path | None:
    """What a symbolic link points to, None for anything else."""
    try:
        return place.readlink()
    except (OSError, ValueError):
        return None
