"""Whether live processes have the settings that a run keeps in force, as only the run can tell.

A file may be gone by now; values never leave the run.
"""

import re
from collections.abc import Mapping, Sequence

from devsup.edges.census import Process
from devsup.edges.environ import variables
from devsup.pure.env_live import Difference, Live, differences
from devsup.pure.sighting import RUN
from devsup.pure.supervisor import Supervisor

_ASSIGNED = re.compile(r"(?:^|[\s;&|('\"])([A-Za-z_]\w*)=")


def compare(
    supervisor: Supervisor, alive: Sequence[Process], shell: Mapping[str, str]
) -> list[Difference]:
    """Every key that a live process of a service has otherwise than the run's settings say."""
    services = ((each.lineage or each.service or "", each) for each in alive)
    found = [_live(supervisor, name, each) for name, each in services if name in supervisor.units]
    return differences(found, supervisor.settings, shell)


def _live(supervisor: Supervisor, name: str, seen: Process) -> Live:
    unit = supervisor.units[name]
    keys = frozenset(unit.settings)
    return Live(
        name,
        seen.pid,
        inherited(seen.pid, seen.run),
        keys=keys,
        assigned=assigned(unit.spec.command),
        exempt=frozenset(
            key for key in keys | supervisor.settings.keys() if not unit.spec.concerned_by([key])
        ),
    )


def inherited(pid: int, run: str | None) -> dict[str, str] | None:
    """The environment of a process, if it is one that was made by this run."""
    environ = variables(pid)
    return environ if environ and run and environ.get(RUN) == run else None


def assigned(command: str) -> frozenset[str]:
    """Keys that a command line assigns."""
    return frozenset(_ASSIGNED.findall(command))
