"""Text and formation to services and command lines."""

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from devsup.pure.errors import USAGE, DevsupError, Problem
from devsup.pure.nearest import did_you_mean

FIRST_PORT = 5000
"""PORT of the first process type, when nobody says otherwise."""

MOST_INSTANCES = 100
"""Of one process type: each has a port of the hundred that belong to its type."""

NO_PORTS: Mapping[str, int] = MappingProxyType({})
"""What a run has given out before it has begun."""

_HIGHEST_PORT = 65535
_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9_-]+):(?P<command>.*)", re.DOTALL)
_COUNT = r"(?P<name>[A-Za-z0-9_-]+)\s*=\s*(?P<count>[0-9]{1,9})"  # seldom needed


@dataclass(frozen=True, slots=True)
class Entry:
    """A process type as the Procfile declares it; `line` counts from 1."""

    name: str
    command: str
    line: int


@dataclass(frozen=True, slots=True)
class Service:
    """One instance of a process type: `web.1`."""

    name: str
    type: str
    instance: int
    command: str
    port: int


def parse(text: str, file: str) -> tuple[tuple[Entry, ...], tuple[Problem, ...]]:
    """The entries in their order, and a problem for every line that is none.

    Blank lines and `#` lines are skipped. A name that is declared again keeps its first command.
    """
    entries: dict[str, Entry] = {}
    problems = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = _entry(line, number, entries)
        if isinstance(entry, Entry):
            entries[entry.name] = entry
        else:
            problems.append(Problem(file, number, entry))
    if not entries and not problems:
        problems.append(Problem(file, None, "declares nothing: write lines like `web: command`"))
    return tuple(entries.values()), tuple(problems)


def _entry(line: str, number: int, earlier: Mapping[str, Entry]) -> Entry | str:
    """The entry of a line, or what is wrong with the line."""
    match = _ENTRY.fullmatch(line)
    if match is None:
        return "neither `name: command` nor a `#` comment (a name has letters, digits, _ and -)"
    name, command = match["name"], match["command"].strip()
    if not command:
        return f"no command after `{name}:`"
    if "\0" in command:
        return f"a NUL byte in the command of `{name}`"
    if name in earlier:
        return f"`{name}` is declared twice, first in line {earlier[name].line}"
    return Entry(name, command, number)


def parse_formation(text: str) -> dict[str, int]:
    """`web=1,worker=2` to the number of instances a type; `all` stands for every other type."""
    items = [re.fullmatch(_COUNT, item.strip()) for item in text.split(",")]
    counts = [(item["name"], int(item["count"])) for item in items if item]
    if len(counts) < len(items) or len(dict(counts)) < len(counts):
        raise _usage(f"formation {text!r} is not of the form web=1,worker=2, each type once")
    for name, count in counts:
        if count > MOST_INSTANCES:
            raise _usage(f"formation {name}={count}: at most {MOST_INSTANCES} instances of a type")
    return dict(counts)


def first_ports(
    entries: Sequence[Entry], base_port: int, kept: Mapping[str, int] = NO_PORTS
) -> dict[str, int]:
    """The PORT of the first instance of each process type: by its place, +100 a type.

    Those that a run has given out are `kept`, wherever their lines stand now. A new type whose
    place is taken by one of them gets the next hundred that is free.
    """
    ports = {entry.name: kept[entry.name] for entry in entries if entry.name in kept}
    for index, entry in enumerate(entries):
        if entry.name not in ports:
            hundreds = itertools.count(base_port + 100 * index, 100)
            ports[entry.name] = next(port for port in hundreds if port not in ports.values())
    return ports


def services(
    entries: Sequence[Entry],
    formation: Mapping[str, int],
    only: Sequence[str],
    base_port: int,
    kept: Mapping[str, int] = NO_PORTS,
) -> tuple[Service, ...]:
    """The services to start, in the Procfile's order.

    Ports depend on the place in the Procfile only (`first_ports`, +1 an instance), not on what else
    is started. `only` names types or instances; empty means all.
    """
    types = [entry.name for entry in entries]
    _refuse_unknown(formation, [*types, "all"], "process type")
    formed = tuple(_formed(entries, formation, first_ports(entries, base_port, kept)))
    _refuse_unknown(only, [*types, *(service.name for service in formed)], "service")
    chosen = tuple(s for s in formed if not only or s.name in only or s.type in only)
    _refuse_absent(only, chosen)
    return chosen


def _formed(
    entries: Iterable[Entry], formation: Mapping[str, int], ports: Mapping[str, int]
) -> Iterator[Service]:
    for entry in entries:
        for instance in range(1, formation.get(entry.name, formation.get("all", 1)) + 1):
            port = ports[entry.name] + instance - 1
            name = f"{entry.name}.{instance}"
            if not 0 < port <= _HIGHEST_PORT:
                raise _usage(f"{name} would get port {port}: choose another with --port")
            yield Service(name, entry.name, instance, entry.command, port)


def _refuse_unknown(names: Iterable[str], known: Collection[str], what: str) -> None:
    for name in names:
        if name not in known:
            raise _usage(f'no {what} "{name}"{did_you_mean(name, known)}', known)


def _refuse_absent(only: Iterable[str], chosen: Sequence[Service]) -> None:
    """A name that is known and still starts nothing has no instance in the formation."""
    started = Counter(s.type for s in chosen)
    started.update(s.name for s in chosen)
    for name in only:
        if not started[name]:
            raise _usage(f'the formation has no instance of "{name}"')
    if not chosen:
        raise _usage("the formation starts nothing")


def _usage(message: str, known: Iterable[str] = ()) -> DevsupError:
    hint = f"known are: {', '.join(known)}" if known else ""
    return DevsupError(message, hint=hint, exit_code=USAGE)
