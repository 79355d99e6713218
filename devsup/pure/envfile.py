"""`.env` text to values and problems, the diff of two, the environment a child gets.

The dialect is python-dotenv's, read by its own parser; this module is the door to it. Values are
secrets: no repr, problem or exception here contains one, and no problem contains any text of a
file at all, because what looks like a key may be the continuation of a value.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO

from dotenv.parser import Binding as Statement
from dotenv.parser import parse_stream
from dotenv.variables import parse_variables

from devsup.pure import colours
from devsup.pure.errors import Problem
from devsup.pure.utf8 import decoded

LARGEST_FILE = 1024 * 1024

LARGEST_STRING = 128 * 1024
"""MAX_ARG_STRLEN of Linux: `execve` refuses a longer `KEY=value`, its NUL included."""

LARGEST_TOTAL = 1024 * 1024
"""Of all settings together: half of what `execve` takes by default."""

RESERVE = 64 * 1024
"""Of what `execve` takes: for the command line, what devsup adds, and a pointer to each string."""

MOST_BLANKS = 1000
MOST_REFERENCES = 1000
"""In a row, and in one value: the parser's patterns take time in the square of both (minutes)."""

_NAME = r"\s*(?:export[^\S\n]+)?(?:'[^']+'|[^=#\s]+)[^\S\n]*"
# Not compiled here: that takes a millisecond, and only a broken file has need of them.
_CLOSED_VALUE = rf"""(?s){_NAME}=[^\S\n]*(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_OPENED_VALUE = rf"{_NAME}=[^\S\n]*['\"]"
_OPENED_NAME = r"\s*(?:export[^\S\n]+)?'[^']*$"

_UNFIT = (
    (re.compile("\0"), "contains a NUL byte"),
    (re.compile(rf"[^\S\n]{{{MOST_BLANKS}}}"), f"has {MOST_BLANKS} blanks in a row"),
)
_TOO_LONG = (
    "this value outgrows what the kernel passes to a program (128 KiB, and at most 1 MiB in all,"
    " less where the shell exports much)"
)

MARK = "DEVSUP_"


@dataclass(frozen=True, slots=True)
class Binding:
    """One `KEY=value` as written, references not yet filled in; `line` counts from 1."""

    key: str
    value: str = field(repr=False)
    line: int


@dataclass(frozen=True, slots=True)
class Layer:
    """What one env file says, in its order."""

    file: str
    bindings: tuple[Binding, ...]


class Settings(Mapping[str, str]):
    """The settings of all env files together; keeps its values out of its repr."""

    __slots__ = ("_sources", "_values")

    def __init__(self, values: Mapping[str, str], sources: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._sources = dict(sources)

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Settings({', '.join(self._values)})"

    def source(self, key: str) -> str:
        """The file whose value it is."""
        return self._sources[key]


@dataclass(frozen=True, slots=True)
class Diff:
    """The keys in which two environments differ."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.changed, *self.added, *self.removed)

    def __bool__(self) -> bool:
        return bool(self.keys)

    def __str__(self) -> str:
        """`~CHANGED +ADDED -REMOVED`."""
        signs = (("~", self.changed), ("+", self.added), ("-", self.removed))
        return " ".join(sign + key for sign, keys in signs for key in keys)


def parse(data: bytes, file: str) -> tuple[Layer, tuple[Problem, ...]]:
    """What a file says, and what is wrong with it: of a file with a problem nothing is taken.

    A problem with a quote near is the last that is reported. What follows it is, or may be, the
    inside of a value.
    """
    text = _readable(data, file)
    if isinstance(text, Problem):
        return Layer(file, ()), (text,)
    bindings, problems = [], []
    for statement in parse_stream(StringIO(text)):
        found = _understood(statement)
        if isinstance(found, Binding):
            bindings.append(found)
        elif found:
            problems.append(Problem(file, _line(statement), found))
            if "'" in statement.original.string or '"' in statement.original.string:
                break
    return Layer(file, () if problems else tuple(bindings)), tuple(problems)


def _readable(data: bytes, file: str) -> str | Problem:
    if len(data) > LARGEST_FILE:
        return Problem(file, None, "is larger than 1 MiB: that is no file of settings")
    text = decoded(data, file)
    if isinstance(text, Problem):
        return text
    for unfit, message in _UNFIT:
        if found := unfit.search(text):
            return Problem(file, text.count("\n", 0, found.start()) + 1, message)
    return text


def _understood(statement: Statement) -> Binding | str | None:
    """A binding, or what is wrong with the statement, or nothing for a comment."""
    if statement.error:
        return _error(statement.original.string)
    if statement.key is None:
        return None
    if statement.value is None:
        return "has no `=`: write KEY= for an empty value, and quotes around one of many lines"
    fault = _fault(statement.key, statement.value)
    return fault or Binding(statement.key, statement.value, _line(statement))


def _fault(key: str, value: str) -> str | None:
    """What the parser lets pass and no environment can hold, or no time allows."""
    if "=" in key or "\n" in key:
        return "a name has a `=` or a line break in it: no environment can hold it"
    if len(value) > LARGEST_STRING:
        return _TOO_LONG
    if value.count("${") > MOST_REFERENCES:
        return f"this value has more than {MOST_REFERENCES} references"
    return None


def _error(statement: str) -> str:
    """Which of its rules the parser missed; it only says that it did."""
    if re.match(_CLOSED_VALUE, statement):
        return "text follows the end of the quoted value that begins here; is a quote missing?"
    if re.match(_OPENED_VALUE, statement) or re.match(_OPENED_NAME, statement):
        return "a quote is opened here and not closed"
    return "is not of the form KEY=value"


def _line(statement: Statement) -> int:
    """Where it begins; for the parser the blank lines before it belong to it."""
    text = statement.original.string
    return statement.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def resolve(
    layers: Sequence[Layer], shell: Mapping[str, str], limit: int = 2 * LARGEST_TOTAL
) -> tuple[Settings, tuple[Problem, ...]]:
    """The settings of all layers; a later binding wins over an earlier one of the same key.

    `${VAR}` and `${VAR:-default}` mean what was bound last before them, in this file or an earlier
    one, else the shell's value. References multiply: a few short lines can ask for gigabytes. The
    one problem that may come back is a value that outgrows the kernel's limits, of which `limit` is
    that of arguments and environment together, in bytes.
    """
    known, values, sources = dict(shell), {}, {}
    bound = {binding.key for layer in layers for binding in layer.bindings}
    others = sum(_size(f"{key}={shell[key]}\0") for key in shell.keys() - bound)
    room = min(LARGEST_TOTAL, limit - RESERVE - others)
    for layer in layers:
        for binding in layer.bindings:
            value = _filled(binding, known, min(LARGEST_STRING, room))
            if value is None:
                return Settings({}, {}), (Problem(layer.file, binding.line, _TOO_LONG),)
            known[binding.key] = values[binding.key] = value
            sources[binding.key] = layer.file
            room -= _size(f"{binding.key}={value}\0")
    return Settings(values, sources), ()


def _filled(binding: Binding, known: Mapping[str, str], most: int) -> str | None:
    """The value with its references filled in; None when it takes more than `most` bytes."""
    parts: list[str] = []
    size = _size(f"{binding.key}=\0")
    for atom in parse_variables(binding.value):
        parts.append(atom.resolve(known))
        size += _size(parts[-1])
        if size > most:
            return None
    return "".join(parts)


def _size(text: str) -> int:
    """In bytes, as the kernel gets it: what is no UTF-8 in the shell's environment included."""
    return len(text.encode("utf-8", "surrogateescape"))


def diff(old: Mapping[str, str], new: Mapping[str, str]) -> Diff:
    """What an edit did, by the values that count: a comment or a touch is no difference."""
    return Diff(
        added=tuple(key for key in new if key not in old),
        removed=tuple(key for key in old if key not in new),
        changed=tuple(key for key in new if key in old and old[key] != new[key]),
    )


def hidden_by(settings: Mapping[str, str], shell: Mapping[str, str]) -> tuple[str, ...]:
    """Keys that the shell exports with another value, which no service gets to see."""
    return tuple(key for key in settings if shell.get(key, settings[key]) != settings[key])


ADDED = frozenset({"PORT", "PYTHONUNBUFFERED", "FORCE_COLOR"})
"""Keys that devsup gives to a service of its own accord, beside the marks."""


def environment(
    shell: Mapping[str, str],
    settings: Mapping[str, str],
    *,
    port: int,
    terminal: bool,
    marks: Mapping[str, str],
) -> dict[str, str]:
    """What a service is started with: shell, env files, what devsup adds, and our marks last.

    `terminal` says whether devsup's output goes to one: programs see a pipe and would not colour.
    What a devsup around this one has set is not ours to pass on.
    """
    own = {key: value for key, value in shell.items() if not key.startswith(MARK)}
    given = own | dict(settings)
    added = {"PYTHONUNBUFFERED": "1"}
    if terminal and colours.are_wanted(given):
        added["FORCE_COLOR"] = "1"
    return added | given | {"PORT": settings.get("PORT", str(port))} | dict(marks)
