"""`devsup env`: what the files say, and what each live process has of it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from devsup import client, processes, procfile, project
from devsup.config import ServiceOptions
from devsup.env_report import (
    Found,
    Live,
    differences,
    found_in,
    origin_lines,
    origins,
)
from devsup.errors import DevsupError, UnreadableError
from devsup.project import EnvFiles, Project
from devsup.protocol import Command, Kind, Request, ServiceStatus, Status, load_status
from devsup.report import count
from devsup.rundir import RunDirectory

SHELL = "the shell"
_ASSIGNED = re.compile(r"(?:^|[\s;&])([A-Za-z_]\w*)=")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What there is to say of live processes, and whether one differs from the files."""

    lines: tuple[str, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A project's env files as they are now, and its run if there is one."""

    project: Project
    env: EnvFiles
    status: Status | None
    shell: Mapping[str, str] = field(repr=False)

    def live(self, service: str | None) -> list[Live]:
        """Every live process of the run (or of one service or process type), with its environment.

        Raises:
            DevsupError: nothing is running.
        """
        if self.status is None:
            raise client.NotRunningError
        return [
            Live(
                each.name,
                process.pid,
                processes.environ(process.pid),
                self._assigned(each),
                self._exempt(each),
            )
            for each in self.status.services
            if service in {None, each.name, each.type}
            for process in each.processes
        ]

    def _assigned(self, service: ServiceStatus) -> frozenset[str]:
        """Keys that its Procfile line assigns."""
        entries = {entry.name: entry.command for entry in self.project.entries}
        return frozenset(_ASSIGNED.findall(entries.get(service.type, "")))

    def _exempt(self, service: ServiceStatus) -> frozenset[str]:
        """Keys that do not concern it."""
        options = self.project.options.services.get(service.type, ServiceOptions())
        return frozenset(
            key
            for key in self.env.settings
            if not any(fnmatchcase(key, pattern) for pattern in options.env_restart)
        )

    def lines(self, service: str | None, *, show: bool) -> Iterator[str]:
        """Where each key comes from; for a service also what devsup adds."""
        settings = self.env.settings
        found = origins(self.env.layers, settings, self.shell)
        yield from origin_lines(found, settings if show else None)
        if service:
            port = self._port(service)
            if "PORT" not in settings:
                yield f"PORT  devsup{f'  {port}' if show else ''}"
        if not found:
            yield f"{' '.join(self.env.names)}: no key is set"

    def _port(self, service: str) -> int:
        services = procfile.services(self.project.entries, {}, (service,), procfile.FIRST_PORT)
        return services[0].port

    def compare(self, service: str | None) -> Comparison:
        """Every live process against the files."""
        live = self.live(service)
        found = differences(live, self.env.settings)
        unknown = Counter(each.service for each in live if each.environ is None)
        lines = [f"{each.service} {each.pid}: {each.key} {each.found.value}" for each in found] + [
            f"{name}: {count(number, 'process', 'processes')} with an environment written over:"
            " current by lineage"
            for name, number in unknown.items()
        ]
        stale = [
            f"{each.name}: was started on generation {each.generation}, which is not current"
            for each in (self.status.services if self.status else ())
            if not each.fresh and each.processes and service in {None, each.name, each.type}
        ]
        headline = (
            f"{count(len(live), 'process', 'processes')},"
            f" {'NOT all' if found or stale else 'all'} on the current settings"
        )
        return Comparison((headline, *stale, *lines), bool(found or stale))


def inquire(procfile: str | None, env_files: tuple[str, ...], shell: Mapping[str, str]) -> Inquiry:
    """Read everything.

    Raises:
        UnreadableError: a file cannot be understood.
    """
    found = project.load(procfile, env_files)
    status = running(RunDirectory.of(found.root))
    paths = found.env_files
    if status and not env_files:
        paths = tuple(found.root / name for name in status.env_files)
    env = EnvFiles(found.root, paths, shell)
    reading = env.take(env.contents())
    if reading.problems:
        raise UnreadableError(reading.problems)
    return Inquiry(found, env, status, shell)


def running(directory: RunDirectory) -> Status | None:
    """The status of the run, if there is one."""
    with suppress(DevsupError):
        for reply in client.ask(directory.socket, Request(Command.STATUS)):
            if reply.kind is Kind.STATUS:
                return load_status(reply.status)
    return None


def explain(inquiry: Inquiry, key: str, *, show: bool) -> Iterator[str]:
    """One key through the layers and into each live process."""
    env = inquiry.env
    yield f"{SHELL}: {'exports it' if key in inquiry.shell else 'does not export it'}"
    for layer in env.layers:
        lines = [str(binding.line) for binding in layer.bindings if binding.key == key]
        yield f"{layer.file}: " + (f"line {' '.join(lines)}" if lines else "does not set it")
    if key in env.settings:
        value = f": {env.settings[key]}" if show else ""
        yield f"the value of {env.settings.source(key)} counts{value}"
    else:
        yield "no file sets it"
    for each in inquiry.live(None) if inquiry.status else ():
        yield f"{each.service} {each.pid}: {_standing(each, key, inquiry)}"


def _standing(live: Live, key: str, inquiry: Inquiry) -> str:
    found = found_in(live, key, inquiry.env.settings)
    if found is Found.ABSENT and key not in inquiry.env.settings:
        return "does not have it, as it should be"
    if found is Found.OTHER and key not in inquiry.env.settings:
        return "has it, from elsewhere"
    if found is Found.SAME:
        return found.value
    if key in live.exempt:
        return f"{found.value}; it does not concern this service (env-restart)"
    if key in live.assigned:
        return f"{found.value}; its Procfile line sets it"
    return found.value
