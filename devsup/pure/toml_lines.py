"""Where each key of a TOML text stands: the standard library's parser does not say."""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType

Path = tuple[str, ...]

NOWHERE: Mapping[Path, int] = MappingProxyType({})


def key_lines(text: str) -> Mapping[Path, int]:
    """The first line of each key and table header, for a text that is valid as a whole."""
    lines: dict[Path, int] = {}
    header: Path = ()
    for start, is_header, table in _statements(text):
        paths = [path if is_header else (*header, *path) for path in _paths(table)]
        header = paths[-1] if is_header else header
        for path in paths:
            lines.setdefault(path, start)
    return lines


def _statements(text: str) -> Iterator[tuple[int, bool, Mapping[str, object]]]:
    """First line of each statement, whether it is a table header, and what it parses to.

    A statement of TOML begins on a line of its own and is a valid text on its own: lines are
    gathered until they parse.
    """
    start, statement = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        statement += f"{line}\n"
        with suppress(tomllib.TOMLDecodeError):
            yield start, statement.lstrip().startswith("["), tomllib.loads(statement)
            start, statement = number + 1, ""


def _paths(table: Mapping[str, object]) -> Iterator[Path]:
    """The path of each key, a table's own before those of what it holds."""
    for key, value in table.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *path) for path in _paths(value))
