"""What `.gitignore` files name, as git understands them.

Pure. Held against `git check-ignore` by tests. Whoever descends a tree asks for each name; below
what is ignored nothing can be brought back, since nobody goes there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from devsup.pure.wildmatch import translate

_BOM = b"\xef\xbb\xbf"
_TRAILING = re.compile(rb"((?:\\.|[^\\])*?)( *)\Z", re.DOTALL)


@dataclass(frozen=True)
class Rule:
    """One line of a file. `whole` patterns are of the path below the file, others of the name."""

    pattern: bytes
    negated: bool
    only_directories: bool
    whole: bool

    @cached_property
    def matches(self) -> re.Pattern[bytes]:
        """Compiled when it is first needed: of many rules hardly any is."""
        return re.compile(self.pattern, re.DOTALL)


class Rules:
    """The rules of one file, the last one that matches decides."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        # Nearly every name is concerned by no rule: this one look says so.
        self._any = {
            whole: re.compile(
                b"|".join(b"(?:%b)" % rule.pattern for rule in rules if rule.whole is whole)
                or rb"(?!)",
                re.DOTALL,
            )
            for whole in (False, True)
        }

    def verdict(self, path: bytes, *, directory: bool) -> bool | None:
        """Whether it is ignored; None when no rule says so or the contrary."""
        name = path.rpartition(b"/")[2]
        if not (self._any[False].fullmatch(name) or self._any[True].fullmatch(path)):
            return None
        for rule in reversed(self.rules):
            if rule.only_directories and not directory:
                continue
            if rule.matches.fullmatch(path if rule.whole else name):
                return not rule.negated
        return None


def parse(data: bytes) -> Rules:
    """The rules of a file's content."""
    lines = data.removeprefix(_BOM).split(b"\n")
    return Rules([rule for line in lines if (rule := _rule(line.removesuffix(b"\r")))])


def _rule(line: bytes) -> Rule | None:
    line = line.partition(b"\0")[0]
    if line.startswith(b"#"):
        return None
    stripped = _TRAILING.match(line)
    pattern = stripped[1] if stripped else line
    negated = pattern.startswith(b"!")
    pattern = pattern[negated:]
    only_directories = pattern.endswith(b"/")
    pattern = pattern.removesuffix(b"/")
    if not pattern:
        return None
    whole = b"/" in pattern
    expression = translate(pattern.removeprefix(b"/") if whole else pattern)
    return Rule(expression, negated, only_directories, whole)
