"""What `devsup kill` has to know of a project, which may be broken by now."""

from devsup.commands import project
from devsup.commands.project import Place, Project
from devsup.commands.search import Scope
from devsup.edges.rundir import RunDirectory
from devsup.pure import procfile, stack
from devsup.pure.errors import UnreadableError
from devsup.pure.programs import ListenReady, PortReady
from devsup.pure.shell import program_words
from devsup.pure.stack import Spec


def scope(procfile_option: str | None) -> Scope:
    """Where to look and what for; of a project that cannot be read, only what was recorded."""
    place = Place.named(procfile_option, ())
    try:
        found = project.understand(place)
    except UnreadableError:
        return Scope(place.folder, RunDirectory.of(place.folder))
    return scope_of(found)


def scope_of(found: Project) -> Scope:
    """Where to look, and what for."""
    services = procfile.services(found.entries, {}, (), procfile.FIRST_PORT)
    programs = {entry.name: program_words(entry.command) for entry in found.entries}
    specs = stack.build(services, found.options)
    ports = frozenset(port for spec in specs for port in (spec.port, *own_ports(spec)))
    return Scope(found.root, RunDirectory.of(found.root), programs, ports)


def own_ports(spec: Spec) -> frozenset[int]:
    """The ports that a service cannot do without."""
    ready = spec.ready.port if isinstance(spec.ready, ListenReady | PortReady) else None
    named = spec.port if "PORT" in spec.command else None
    return frozenset(port for port in (ready, named) if port)
