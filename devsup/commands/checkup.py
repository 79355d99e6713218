"""`devsup check`: everything that can be known before starting."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from devsup.commands import kill, project, remote
from devsup.commands.ending import own_ports, scope_of
from devsup.commands.project import EnvFiles, Project
from devsup.commands.sources import reloaded_twice
from devsup.edges import processes
from devsup.edges.rundir import RunDirectory
from devsup.pure import envfile, procfile, stack
from devsup.pure.clash import Clash, clashes
from devsup.pure.errors import Problem, UnreadableError
from devsup.pure.hints import not_on_path
from devsup.pure.kill_report import program
from devsup.pure.shell import sought_program
from devsup.pure.stack import Spec

SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})
RUNNING_HERE = "devsup is running here"
DEPTH = 4
"""How many directories deep other env files are looked for."""


@dataclass(frozen=True, slots=True)
class Checkup:
    """What would keep the stack from starting, and what one should know all the same."""

    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()

    def as_text(self) -> str:
        """For people."""
        lines = [*map(str, self.problems), *self.remarks]
        verdict = "cannot start like this" if self.problems else "ready to start"
        return "\n".join([*lines, verdict])

    def as_json(self) -> str:
        """For scripts: `problems` as in `status --json`, and `remarks`, a list of sentences."""
        problems = [asdict(each) for each in self.problems]
        return json.dumps({"problems": problems, "remarks": list(self.remarks)})


def check(
    procfile_option: str | None, env_files: tuple[str, ...], shell: Mapping[str, str]
) -> Checkup:
    """Look at everything; nothing is started or changed."""
    try:
        found = project.load(procfile_option, env_files)
    except UnreadableError as error:
        return Checkup(
            error.problems, (*running_here(procfile_option), *filter(None, [error.hint]))
        )
    env = EnvFiles(found.root, found.env_files, shell)
    unreadable = env.take(env.contents())
    directory = RunDirectory.of(found.root)
    running = directory.locked()
    needed, spare = ((), ()) if running else taken_ports(found, env)
    sure, perhaps = shared_ports(found, env)
    problems = (*unreadable, *missing_programs(found, env, shell), *sure, *needed)
    remarks = (
        *([RUNNING_HERE] if running else []),
        *map(str, (*perhaps, *spare)),
        *(f"{name}: does not exist (devsup up would watch for it)" for name in env.missing),
        *hidden_keys(env),
        *([] if running else started_by_hand(found)),
        *unwatched(found),
        *reloaded_twice(specs_of(found, env)),
    )
    return Checkup(problems, remarks)


def running_here(procfile_option: str | None) -> Iterator[str]:
    """Whether there is a run of a project that cannot be read: it goes on meanwhile."""
    if remote.directory(procfile_option).locked():
        yield RUNNING_HERE


def specs_of(found: Project, env: EnvFiles) -> tuple[Spec, ...]:
    """The services that a plain `devsup up` would start."""
    services = procfile.services(found.entries, {}, (), procfile.FIRST_PORT)
    return stack.build(services, found.options, env.settings)


def missing_programs(found: Project, env: EnvFiles, shell: Mapping[str, str]) -> Iterator[Problem]:
    """Programs of the Procfile that are not on the PATH that they would be looked for on."""
    path = env.settings.get("PATH", shell.get("PATH", ""))
    for entry in found.entries:
        program = sought_program(entry.command)
        if program and shutil.which(program, path=path) is None:
            yield Problem(found.procfile.name, entry.line, not_on_path(program))


def taken_ports(found: Project, env: EnvFiles) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Ports that somebody listens on: such as a service is sure to need, and others it would get.

    Of a program that devsup does not know nobody can say whether it uses its PORT.
    """
    lines = {entry.name: entry.line for entry in found.entries}
    owners = {
        port: pid for pid, ports in processes.listening(processes.pids()).items() for port in ports
    }
    needed: list[Problem] = []
    spare: list[Problem] = []
    for spec in specs_of(found, env):
        own = own_ports(spec)
        for port in sorted({*own, spec.port}):
            if processes.is_taken(port):
                message = f"port {port} of {spec.name} is taken by {holder(owners.get(port))}"
                problem = Problem(found.procfile.name, lines[spec.type], message)
                (needed if port in own else spare).append(problem)
    return tuple(needed), tuple(spare)


def shared_ports(found: Project, env: EnvFiles) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Ports that two services want for sure, and others that both name."""
    found_clashes = tuple(clashes(specs_of(found, env)))
    return (
        tuple(both_want(found, env, each) for each in found_clashes if each.is_sure),
        tuple(both_want(found, env, each) for each in found_clashes if not each.is_sure),
    )


def both_want(found: Project, env: EnvFiles, clash: Clash) -> Problem:
    """Of two lines the later one is at fault, but for what an env file gives to both."""
    file, lines = found.procfile.name, {entry.name: entry.line for entry in found.entries}
    first = f"{clash.first.name} ({file}:{lines[clash.first.type]})"
    cure = "give one another one"
    if clash.is_given and "PORT" in env.settings:
        cure = f"{env.settings.source('PORT')} gives each service this PORT, remove it there"
    message = f"{clash.second.name} and {first} both want port {clash.port}: {cure}"
    return Problem(file, lines[clash.second.type], message)


def holder(pid: int | None) -> str:
    """Who has a port, as far as one may know."""
    seen = processes.sight(pid) if pid else None
    if seen is None:
        return "a process that this user cannot see"
    who = f"{seen.row.pid} ({program(seen.command)} in {seen.directory})"
    return f"{who}, which devsup runs for another project" if seen.marks.run else who


def hidden_keys(env: EnvFiles) -> Iterator[str]:
    """Keys that the shell exports, too."""
    for key in envfile.hidden_by(env.settings, env.shell):
        yield f"{env.settings.source(key)}: {key} hides the value that your shell exports"


def started_by_hand(found: Project) -> Iterator[str]:
    """Processes of the project that no running devsup started."""
    for each in kill.plan(scope_of(found)).findings:
        what = f"{each.pid} ({program(each.command)})"
        yield f"{what} {each.why.value}; to remove it: devsup kill"


def unwatched(found: Project) -> Iterator[str]:
    """Other env files below the project."""
    watched = {path.resolve() for path in found.env_files}
    for path in env_files_below(found.root, DEPTH):
        if path.resolve() not in watched:
            name = path.relative_to(found.root)
            typed = (os.path.relpath(each) for each in (*found.env_files, path))
            options = " ".join(f"-e {each}" for each in typed)
            yield f"{name}: is not read; to read it: devsup up {options}"


def env_files_below(folder: Path, depth: int) -> Iterator[Path]:
    """Files called `.env` or `.env.local`, but in hidden folders, environments and packages."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name in {".env", ".env.local"} and entry.is_file():
            yield Path(entry.path)
        elif depth and entry.is_dir(follow_symlinks=False) and is_own(entry):
            yield from env_files_below(Path(entry.path), depth - 1)


def is_own(entry: os.DirEntry[str]) -> bool:
    """Whether a folder may hold sources of the project."""
    is_environment = os.path.exists(f"{entry.path}/pyvenv.cfg")  # noqa: PTH110  never raises
    return not (entry.name.startswith(".") or entry.name in SKIPPED or is_environment)
