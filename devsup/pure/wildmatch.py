"""git's wildcard patterns as regular expressions, byte for byte: `?` is one byte, as in git."""

import re
from collections.abc import Iterator

_ASCII = bytes(range(128))
_CLASSES = {
    b"alnum": re.compile(rb"[A-Za-z0-9]"),
    b"alpha": re.compile(rb"[A-Za-z]"),
    b"blank": re.compile(rb"[ \t]"),
    b"cntrl": re.compile(rb"[\x00-\x1f\x7f]"),
    b"digit": re.compile(rb"[0-9]"),
    b"graph": re.compile(rb"[!-~]"),
    b"lower": re.compile(rb"[a-z]"),
    b"print": re.compile(rb"[ -~]"),
    b"punct": re.compile(rb"[!-/:-@\[-`{-~]"),
    b"space": re.compile(rb"[ \t\n\v\f\r]"),
    b"upper": re.compile(rb"[A-Z]"),
    b"xdigit": re.compile(rb"[0-9A-Fa-f]"),
}
_NEVER = rb"(?!)"
_SLASH = ord("/")


class _MalformedError(Exception):
    """git takes such a pattern for one that matches nothing."""


def translate(pattern: bytes) -> bytes:
    """A regular expression for whole paths: `*` and `?` match no `/`, `**` between slashes does."""
    try:
        return b"".join(_parts(pattern))
    except _MalformedError:
        return _NEVER


def _parts(pattern: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(pattern):
        here = pattern[at : at + 1]
        if here == b"*":
            part, at = _stars(pattern, at)
        elif here == b"[":
            part, at = _bracket(pattern, at + 1)
        elif here == b"?":
            part, at = rb"[^/]", at + 1
        elif here == b"\\":
            part, at = re.escape(_byte(pattern, at + 1)), at + 2
        else:
            part, at = re.escape(here), at + 1
        yield part


def _literal(pattern: bytes) -> int:
    return next((at for at, byte in enumerate(pattern) if byte in b"*?[\\"), len(pattern))


def _byte(pattern: bytes, at: int) -> bytes:
    if at >= len(pattern):
        raise _MalformedError
    return pattern[at : at + 1]


def _stars(pattern: bytes, at: int) -> tuple[bytes, int]:
    """Two or more between slashes stand for any depth, none included."""
    end = at
    while pattern[end : end + 1] == b"*":
        end += 1
    # git compares what is literal in front first, and takes the rest for a pattern of its own.
    opens = at == _literal(pattern) or pattern[at - 1 : at] == b"/"
    rest = pattern[end : end + 2]
    if end - at == 1 or not opens or not (not rest or rest[:1] == b"/" or rest == b"\\/"):
        return rb"[^/]*", end
    # The slash behind goes with it: `a/**/b` matches `a/b`.
    return (rb"(?:.*/)?", end + 1) if rest[:1] == b"/" else (rb".*", end)


def _bracket(pattern: bytes, at: int) -> tuple[bytes, int]:
    """`[...]` from behind its opening to behind its end: the bytes that it matches."""
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    members = set[int]()
    previous = 0
    first = True
    while first or _byte(pattern, at) != b"]":
        first = False
        found, previous, at = _member(pattern, at, previous)
        members |= found
    if negated:
        members = {*range(256)} - members
    return _one_of(members - {_SLASH}), at + 1


def _member(pattern: bytes, at: int, previous: int) -> tuple[set[int], int, int]:
    """One member of a bracket: its bytes, where a range from it begins (0: nowhere), its end."""
    here = _byte(pattern, at)
    following = pattern[at + 1 : at + 2]
    if here == b"\\":
        [byte] = _byte(pattern, at + 1)
        return {byte}, byte, at + 2
    if here == b"-" and previous and following and following != b"]":
        at += 2 if following == b"\\" else 1
        [last] = _byte(pattern, at)
        return {*range(previous, last + 1)}, 0, at + 1
    if here == b"[" and following == b":":
        return _named(pattern, at)
    return {*here}, here[0], at + 1


def _named(pattern: bytes, at: int) -> tuple[set[int], int, int]:
    """`[:alpha:]`; or, where no `:]` ends it, an ordinary `[`."""
    end = pattern.find(b"]", at + 2)
    if end < 0:
        raise _MalformedError
    if end == at + 2 or pattern[end - 1 : end] != b":":
        return {ord("[")}, ord("["), at + 1
    name = pattern[at + 2 : end - 1]
    if name not in _CLASSES:
        raise _MalformedError
    return {*b"".join(_CLASSES[name].findall(_ASCII))}, 0, end + 1


def _one_of(members: set[int]) -> bytes:
    if not members:
        return _NEVER
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(members)) + b"]"
