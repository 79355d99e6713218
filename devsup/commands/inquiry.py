"""`devsup env` and `devsup run`: what the files say, for the run if there is one."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devsup.commands import project
from devsup.commands.project import EnvFiles, Project
from devsup.edges import client
from devsup.edges.rundir import RunDirectory
from devsup.pure.env_report import origin_lines, origins
from devsup.pure.errors import USAGE, DevsupError, Problem
from devsup.pure.nearest import did_you_mean
from devsup.pure.protocol import Command, Kind, Request


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A project's env files as they are now, and a glance at its run if there is one.

    `shell` is what the run was started with, or would be. `service` narrows the question to one
    service or process type. With `problems` of the env files their settings are not known.
    """

    project: Project
    env: EnvFiles
    status: dict[str, Any] | None
    service: str | None
    shell: Mapping[str, str] = field(repr=False)
    problems: tuple[Problem, ...] = ()

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
        from devsup.pure import procfile  # noqa: PLC0415  the Procfile was read without it

        if self.status:
            return int(next(each["port"] for each in self.status["services"] if self.asks(each)))
        only = (self.service,) if self.service else ()
        return procfile.services(self.project.entries, {}, only, procfile.FIRST_PORT)[0].port

    @property
    def missing(self) -> tuple[str, ...]:
        """Env files that are not there; a run keeps what they said last."""
        return self.env.missing if self.status else ()

    def asks(self, service: Mapping[str, Any]) -> bool:
        """Whether the question is about this service of the run, too."""
        return self.service in {None, service["name"], service["type"]}


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
    asked = inquire_of_run(procfile, env_files, service, shell)
    project.fail(asked.problems)
    return asked


def inquire_of_run(
    procfile: str | None,
    env_files: tuple[str, ...],
    service: str | None,
    shell: Mapping[str, str],
) -> Inquiry:
    """The same, for what a run can answer though its env files are broken by now.

    Raises:
        UnreadableError: another file cannot be understood, or an env file and there is no run.
        DevsupError: there is no such service.
    """
    found = project.load(procfile, env_files)
    status = running(found, Command.GLANCE)
    refuse_unknown(service, found, status)
    paths = found.env_files
    if status:
        shell = shell_of(status["pid"]) or shell
        paths = paths if env_files else paths_of(status, found.root)
    env = EnvFiles(found.root, paths, shell)
    problems = env.take(env.contents())
    if status is None or paths != paths_of(status, found.root):
        project.fail(problems)
    return Inquiry(found, env, status, service, shell, problems)


def paths_of(status: Mapping[str, Any], root: Path) -> tuple[Path, ...]:
    """The env files of a run."""
    return tuple(root / name for name in status["env_files"])


def shell_of(pid: int) -> Mapping[str, str] | None:
    """The environment that a run was started with: references in the files mean its variables."""
    from devsup.edges import environ  # noqa: PLC0415  only for a run

    return environ.variables(pid)


def refuse_unknown(service: str | None, found: Project, status: Mapping[str, Any] | None) -> None:
    """A name with a slip must not pass for a service without processes."""
    if service is None:
        return
    known = {each.name for each in found.entries}
    if status:
        known = {each[key] for each in status["services"] for key in ("name", "type")}
    if service not in known and (status or service.rpartition(".")[0] not in known):
        raise DevsupError(
            f'no service "{service}"{did_you_mean(service, known)}',
            hint=f"known are: {', '.join(sorted(known))}",
            exit_code=USAGE,
        )


def running(found: Project, command: Command) -> dict[str, Any] | None:
    """The status of a project's run, if there is one."""
    addresses = RunDirectory.of(found.root).addresses
    with suppress(client.NotRunningError):
        for reply in client.ask(addresses, Request(command)):
            if reply.kind is Kind.STATUS:
                return reply.status
    return None
