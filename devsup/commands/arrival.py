"""`devsup env --live` and `--explain`: did a setting arrive in the live processes?"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from devsup.commands.comparing import assigned, inherited
from devsup.commands.inquiry import Inquiry, running
from devsup.edges import client, processes
from devsup.edges.rundir import RunDirectory
from devsup.pure.env_live import Difference, Found, Live, differences, found_in
from devsup.pure.envfile import ADDED, MARK
from devsup.pure.nearest import did_you_mean
from devsup.pure.options import ServiceOptions
from devsup.pure.protocol import Command, Request
from devsup.pure.snapshot import ServiceStatus, load_status
from devsup.pure.words import count


@dataclass(frozen=True, slots=True)
class Comparison:
    """What there is to say of live processes, and whether one differs from the files."""

    lines: tuple[str, ...]
    differs: bool


def live(inquiry: Inquiry) -> list[Live]:
    """Every live process of the services that are asked about, with its environment.

    Raises:
        DevsupError: nothing is running.
    """
    status = running(inquiry.project, Command.STATUS)
    if status is None:
        raise client.NotRunningError
    seen = load_status(status)
    commands = {entry.name: entry.command for entry in inquiry.project.entries}
    return [
        Live(
            each.name,
            process.pid,
            inherited(process.pid, seen.run),
            process.fresh,
            frozenset(each.keys),
            assigned(commands.get(each.type, "")),
            exempt(inquiry, each),
        )
        for each in seen.services
        if inquiry.service in {None, each.name, each.type}
        for process in each.processes
        if processes.identity(process.pid)
    ]


def exempt(inquiry: Inquiry, service: ServiceStatus) -> frozenset[str]:
    """Keys that do not concern it."""
    options = inquiry.project.options.services.get(service.type, ServiceOptions())
    return frozenset(
        key
        for key in {*inquiry.env.settings, *service.keys}
        if not any(fnmatchcase(key, pattern) for pattern in options.env_restart)
    )


def compare(inquiry: Inquiry) -> Comparison:
    """Every live process against the files.

    Raises:
        DevsupError: nothing is running.
    """
    alive = live(inquiry)
    found = differing(inquiry, alive)
    stale = [each for each in alive if not each.fresh]
    silent = Counter(each.service for each in alive if each.environ is None and each.fresh)
    headline = (
        f"{count(len(alive), 'process', 'processes')},"
        f" {'NOT all' if found or stale else 'all'} on the current settings"
    )
    lines = (
        headline,
        *(f"{each.service} {each.pid}: was started on older settings" for each in stale),
        *(f"{each.service} {each.pid}: {each.key} {each.found.value}" for each in found),
        *(
            f"{name}: {count(number, 'process', 'processes')} with an environment of its own:"
            " current by lineage"
            for name, number in silent.items()
        ),
    )
    return Comparison(lines, bool(found or stale))


def differing(inquiry: Inquiry, alive: list[Live]) -> list[Difference]:
    """What differs from the files; where one is missing or broken, from what the run keeps."""
    if not (inquiry.missing or inquiry.problems):
        return differences(alive, inquiry.env.settings, inquiry.shell)
    asked = {each.service for each in alive}
    addresses = RunDirectory.of(inquiry.project.root).addresses
    replies = client.ask(addresses, Request(Command.COMPARE))
    told = [each for reply in replies for each in reply.status.get("differences", ())]
    return [
        Difference(service, pid, key, Found(found))
        for service, pid, key, found in told
        if service in asked
    ]


def explain(inquiry: Inquiry, key: str, *, show: bool) -> Iterator[str]:
    """One key through the layers and into each live process."""
    env = inquiry.env
    whose = "the shell that started devsup" if inquiry.status else "the shell"
    yield f"{whose}: {'exports it' if key in inquiry.shell else 'does not export it'}"
    for layer in env.layers:
        yield f"{layer.file}: {_places([each.line for each in layer.bindings if each.key == key])}"
    if key in env.settings:
        value = f": {env.settings[key]}" if show else ""
        yield f"the value of {env.settings.source(key)} counts{value}"
    else:
        yield f"no file sets it{did_you_mean(key, env.settings)}"
    for each in live(inquiry) if inquiry.status else ():
        yield f"{each.service} {each.pid}: {_standing(each, key, inquiry)}"


def _places(lines: list[int]) -> str:
    if not lines:
        return "does not set it"
    first = f"line {', '.join(map(str, lines))}"
    return first if len(lines) == 1 else f"{first} (the last one counts)"


def _standing(process: Live, key: str, inquiry: Inquiry) -> str:
    found = found_in(process, key, inquiry.env.settings, inquiry.shell)
    is_set = process.environ is not None and key in process.environ
    if found is Found.SAME and key not in inquiry.env.settings:
        return "has the shell's" if is_set else "does not have it, as it should be"
    if found in {Found.SAME, Found.UNKNOWN, Found.LEFT}:
        return str(found.value)
    if key in process.exempt:
        return f"{found.value}; it does not concern this service (env-restart)"
    if key in process.assigned:
        return f"{found.value}; its Procfile line sets it"
    if key in inquiry.env.settings:
        return str(found.value)
    is_added = key in ADDED or key.startswith(MARK)
    return "has what devsup gave it" if is_added else "has it, from elsewhere"
