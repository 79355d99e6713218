"""`devsup env`: what the files say, and what each live process has of it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from devsup import client, processes, procfile, project
from devsup.env_report import (
    Found,
    Live,
    differences,
    found_in,
    origin_lines,
    origins,
)
from devsup.errors import USAGE, DevsupError, UnreadableError
from devsup.nearest import did_you_mean
from devsup.options import ServiceOptions
from devsup.project import EnvFiles, Project
from devsup.protocol import Command, Kind, Request, ServiceStatus, Status, load_status
from devsup.rundir import RunDirectory
from devsup.sighting import RUN
from devsup.words import count

_ASSIGNED = re.compile(r"(?:^|[\s;&|('\"])([A-Za-z_]\w*)=")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What there is to say of live processes, and whether one differs from the files."""

    lines: tuple[str, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A project's env files as they are now, and its run if there is one.

    `shell` is what the run was started with, or would be. `service` narrows the question to one
    service or process type.
    """

    project: Project
    env: EnvFiles
    status: Status | None
    service: str | None
    shell: Mapping[str, str] = field(repr=False)

    @property
    def services(self) -> tuple[ServiceStatus, ...]:
        """Those of the run that are asked about.

        Raises:
            DevsupError: nothing is running.
        """
        if self.status is None:
            raise client.NotRunningError
        return tuple(
            each for each in self.status.services if self.service in {None, each.name, each.type}
        )

    def live(self) -> list[Live]:
        """Every live process of these services, with its environment.

        Raises:
            DevsupError: nothing is running.
        """
        return [
            Live(
                each.name,
                process.pid,
                inherited(process.pid),
                process.fresh,
                frozenset(each.keys),
                self._assigned(each),
                self._exempt(each),
            )
            for each in self.services
            for process in each.processes
            if processes.identity(process.pid)
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
            for key in {*self.env.settings, *service.keys}
            if not any(fnmatchcase(key, pattern) for pattern in options.env_restart)
        )

    def lines(self, *, show: bool) -> Iterator[str]:
        """Where each key comes from; for a service also what devsup adds."""
        settings = self.env.settings
        found = origins(self.env.layers, settings, self.shell)
        yield from origin_lines(found, settings if show else None)
        if self.service and "PORT" not in settings:
            yield f"PORT  devsup{f'  {self.port}' if show else ''}"
        if not found:
            yield f"{' '.join(self.env.names)}: no key is set"

    @property
    def port(self) -> int:
        """The PORT of the (first) service, as the run has it, or as a plain `up` would."""
        if self.status:
            return self.services[0].port
        only = (self.service,) if self.service else ()
        return procfile.services(self.project.entries, {}, only, procfile.FIRST_PORT)[0].port

    def compare(self) -> Comparison:
        """Every live process against the files."""
        live = self.live()
        found = differences(live, self.env.settings, self.shell)
        stale = [each for each in live if not each.fresh]
        silent = Counter(each.service for each in live if each.environ is None and each.fresh)
        headline = (
            f"{count(len(live), 'process', 'processes')},"
            f" {'NOT all' if found or stale else 'all'} on the current settings"
        )
        lines = (
            headline,
            *(f"{each.service} {each.pid}: was started on older settings" for each in stale),
            *(f"{each.service} {each.pid}: {each.key} {each.found.value}" for each in found),
            *(
                f"{name}: {count(number, 'process', 'processes')} with an environment of its own"
                " (written over, or not from here): current by lineage"
                for name, number in silent.items()
            ),
        )
        return Comparison(lines, bool(found or stale))


def inherited(pid: int) -> dict[str, str] | None:
    """The environment of a process, if it is one that devsup has made."""
    environ = processes.environ(pid)
    return environ if environ and RUN in environ else None


def inquire(
    procfile: str | None,
    env_files: tuple[str, ...],
    service: str | None,
    shell: Mapping[str, str],
) -> Inquiry:
    """Read everything.

    Raises:
        UnreadableError: a file cannot be understood.
        DevsupError: there is no such service.
    """
    found = project.load(procfile, env_files)
    status = running(RunDirectory.of(found.root))
    refuse_unknown(service, found, status)
    paths = found.env_files
    if status:
        # References in the files mean the variables of the terminal where `up` was typed.
        shell = processes.environ(status.pid) or shell
        paths = paths if env_files else tuple(found.root / name for name in status.env_files)
    env = EnvFiles(found.root, paths, shell)
    reading = env.take(env.contents())
    if reading.problems:
        raise UnreadableError(reading.problems)
    return Inquiry(found, env, status, service, shell)


def refuse_unknown(service: str | None, found: Project, status: Status | None) -> None:
    """A name with a slip must not pass for a service without processes."""
    known = {each.name for each in found.entries}
    if status:
        known = {name for each in status.services for name in (each.name, each.type)}
    if service and service not in known and (status or service.rpartition(".")[0] not in known):
        raise DevsupError(
            f'no service "{service}"{did_you_mean(service, known)}',
            hint=f"known are: {', '.join(sorted(known))}",
            exit_code=USAGE,
        )


def running(directory: RunDirectory) -> Status | None:
    """The status of the run, if there is one."""
    with suppress(client.NotRunningError):
        for reply in client.ask(directory.socket, Request(Command.STATUS)):
            if reply.kind is Kind.STATUS:
                return load_status(reply.status)
    return None


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
        yield "no file sets it"
    for each in inquiry.live() if inquiry.status else ():
        yield f"{each.service} {each.pid}: {_standing(each, key, inquiry)}"


def _places(lines: list[int]) -> str:
    if not lines:
        return "does not set it"
    first = f"line {', '.join(map(str, lines))}"
    return first if len(lines) == 1 else f"{first} (the last one counts)"


def _standing(live: Live, key: str, inquiry: Inquiry) -> str:
    found = found_in(live, key, inquiry.env.settings, inquiry.shell)
    is_set = live.environ is not None and key in live.environ
    if found is Found.SAME and key not in inquiry.env.settings:
        return "has the shell's" if is_set else "does not have it, as it should be"
    if found in {Found.SAME, Found.UNKNOWN, Found.LEFT}:
        return str(found.value)
    if key in live.exempt:
        return f"{found.value}; it does not concern this service (env-restart)"
    if key in live.assigned:
        return f"{found.value}; its Procfile line sets it"
    return str(found.value if key in inquiry.env.settings else "has it, from elsewhere")
