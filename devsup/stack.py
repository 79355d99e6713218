"""The services of one run, each with all that is decided about it before it starts."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from devsup.programs import Ready, Step

Concerns = frozenset[str]
"""Glob patterns of the keys whose edits restart a service."""

EVERY_KEY: Concerns = frozenset({"*"})
EXEMPT: Concerns = frozenset()


@dataclass(frozen=True, slots=True)
class Spec:
    """How one service is started, known to be ready, stopped, and which edits concern it."""

    name: str
    type: str
    command: str
    shell_line: str
    port: int
    steps: tuple[Step, ...]
    ready: Ready
    after: tuple[str, ...] = ()
    concerns: Concerns = EVERY_KEY

    def concerned_by(self, keys: Iterable[str]) -> bool:
        """Whether an edit of these keys restarts this service."""
        return any(fnmatchcase(key, pattern) for key in keys for pattern in self.concerns)
