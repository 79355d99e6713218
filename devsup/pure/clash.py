"""Two services of one project that want the same port: only one of them can listen on it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from devsup.pure.programs import ListenReady, recognise
from devsup.pure.shell import program_words
from devsup.pure.stack import Spec

_OWN_PORT = re.compile(r"\$PORT\b|\$\{PORT\b")


@dataclass(frozen=True, slots=True)
class Clash:
    """The port of two services, in the Procfile's order."""

    port: int
    first: Spec
    second: Spec

    @property
    def is_sure(self) -> bool:
        """Whether both listen there; of a program that devsup does not know nobody can say."""
        return self.port == stated_port(self.first) == stated_port(self.second)

    @property
    def is_given(self) -> bool:
        """Whether both take the PORT they are given, which only a file makes one and the same."""
        return all(_OWN_PORT.search(each.command) for each in (self.first, self.second))


def clashes(specs: Sequence[Spec]) -> Iterator[Clash]:
    """Every pair that names one port."""
    for first, second in combinations(specs, 2):
        for port in sorted(named_ports(first) & named_ports(second)):
            yield Clash(port, first, second)


def named_ports(spec: Spec) -> frozenset[int]:
    """The ports that its line names, to listen on or perhaps to ask."""
    own = spec.port if _OWN_PORT.search(spec.command) else None
    return frozenset(port for port in (own, stated_port(spec)) if port)


def stated_port(spec: Spec) -> int | None:
    """The port that its line has it listen on, whatever it is found ready by."""
    program = recognise(program_words(spec.command), spec.port)
    ready = program.ready if program else None
    return ready.port if isinstance(ready, ListenReady) else None
