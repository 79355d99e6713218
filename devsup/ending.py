"""What `devsup kill` has to know of a project, which may be broken by now."""

from pathlib import Path

from devsup import procfile, project
from devsup.errors import UnreadableError
from devsup.project import Project
from devsup.rundir import RunDirectory
from devsup.search import Scope
from devsup.shell import program_words


def scope(procfile_option: str | None) -> Scope:
    """Where to look and what for; of a project that cannot be read, only what was recorded."""
    try:
        found = project.load(procfile_option)
    except UnreadableError:
        root = Path(procfile_option).absolute().parent if procfile_option else Path.cwd()
        return Scope(root, RunDirectory.of(root))
    return scope_of(found)


def scope_of(found: Project) -> Scope:
    """Where to look, and what for."""
    services = procfile.services(found.entries, {}, (), procfile.FIRST_PORT)
    programs = {entry.name: program_words(entry.command) for entry in found.entries}
    ports = frozenset(service.port for service in services)
    return Scope(found.root, RunDirectory.of(found.root), programs, ports)
