"""The patterns of `watch`: which names, on the way down a tree, lead to a watched file.

As in pathlib, relative to the Procfile's directory: `*`, `?` and `[...]` stay within one name, `**`
stands for any depth, none included. What a pattern names without a wildcard may be a folder, and
then stands for all that is in it; so does `**` at the end.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

ANY_DEPTH = "**"
_EVERYTHING = (ANY_DEPTH, "*")

Parts = tuple[str, ...]


class GlobError(ValueError):
    """A pattern that means nothing: how the sentence goes on after the pattern."""


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern below its anchor: `""` (the Procfile's directory), `..`, `../..` or `/`."""

    anchor: str
    parts: Parts

    @property
    def routes(self) -> Iterator[Parts]:
        """The ways to its files: what it names itself is a file or a folder."""
        if not self.parts or self.parts[-1] == ANY_DEPTH:
            yield (*self.parts, *_EVERYTHING)
            return
        yield self.parts
        if not _has_wildcard(self.parts[-1]):
            yield (*self.parts, *_EVERYTHING)


def parse(text: str) -> Glob:
    """Understand a pattern.

    Raises:
        GlobError: it can match nothing, or not what it seems to.
    """
    parts: list[str] = []
    ups = 0
    for part in text.split("/"):
        if part == "..":
            ups += not parts
            _go_up(parts)
        elif part not in {"", "."}:
            _check(part)
            parts.append(part)
    anchor = "/" if text.startswith("/") else "/".join([".."] * ups)
    return Glob(anchor, tuple(parts))


def _go_up(parts: list[str]) -> None:
    if parts and _has_wildcard(parts[-1]):
        raise GlobError("goes up (`..`) from a wildcard")
    del parts[-1:]


def _check(part: str) -> None:
    if ANY_DEPTH in part and part != ANY_DEPTH:
        raise GlobError("has a `**` that does not stand alone: write `**/*.py` for any depth")


def _has_wildcard(part: str) -> bool:
    return any(sign in part for sign in "*?[")


@dataclass(frozen=True, slots=True)
class Aims:
    """At one place of a tree: who watches there, and what is still ahead of him."""

    routes: frozenset[tuple[str, Parts]]

    def __bool__(self) -> bool:
        return bool(self.routes)

    @property
    def watchers(self) -> frozenset[str]:
        """Who watches the file here."""
        return frozenset(who for who, parts in self.routes if not parts)

    @property
    def lead_on(self) -> bool:
        """Whether something may be watched below."""
        return any(parts for _, parts in self.routes)

    @property
    def names(self) -> frozenset[str] | None:
        """The only names that are of interest below; None when any may be."""
        following = {parts[0] for _, parts in self.routes if parts}
        return None if any(map(_has_wildcard, following)) else frozenset(following)

    def step(self, name: str) -> "Aims":
        """What is left of them below this name."""
        return Aims(
            frozenset((who, left) for who, parts in self.routes for left in _step(parts, name))
        )

    def step_by_name(self, name: str) -> "Aims":
        """Likewise, for those only that name it without a wildcard."""
        return Aims(frozenset((who, p[1:]) for who, p in self.routes if p[:1] == (name,)))


def _step(parts: Parts, name: str) -> Iterator[Parts]:
    while parts[:1] == (ANY_DEPTH,):
        yield parts
        parts = parts[1:]
    if parts and (parts[0] == name or fnmatchcase(name, parts[0])):
        yield parts[1:]


def anchored(watch: Mapping[str, Iterable[str]]) -> dict[str, Aims]:
    """What everybody watches, by anchor; from patterns that `parse` has accepted."""
    found: dict[str, set[tuple[str, Parts]]] = {}
    for who, patterns in watch.items():
        for glob in map(parse, patterns):
            found.setdefault(glob.anchor, set()).update((who, route) for route in glob.routes)
    return {anchor: Aims(frozenset(routes)) for anchor, routes in found.items()}
