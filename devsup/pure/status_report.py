"""A status as people read it: a headline that answers the one question, and a table."""

from collections.abc import Iterator

from devsup.pure.snapshot import ServiceStatus, Status
from devsup.pure.words import columns, count

HEADINGS = (
    "service",
    "state",
    "pid",
    "gen",
    "uptime",
    "restarts",
    "cpu",
    "memory",
    "ports",
    "fresh",
)
UNITS = ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s"))
MEBIBYTE = 1024 * 1024


def lines(status: Status) -> Iterator[str]:
    """The headline, the table, and what is wrong with the files."""
    yield headline(status)
    yield from columns([HEADINGS, *map(row, status.services)])
    for problem in status.problems:
        place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
        yield f"{place}: {problem.message}"


def headline(status: Status) -> str:
    """Which generation, how many services and processes, and whether all of it is current."""
    services = [each for each in status.services if each.processes]
    members = [process for each in services for process in each.processes]
    parts = [
        f"generation {status.generation}",
        f"{len(services)} of {count(len(status.services), 'service')}"
        if len(services) < len(status.services)
        else count(len(services), "service"),
        count(len(members), "process", "processes"),
    ]
    stale = [str(process.pid) for process in members if not process.fresh]
    if stale:
        parts.append(f"NOT on the current settings: {' '.join(stale)}")
    elif status.verified:
        parts.append("all on the current settings")
    else:
        parts.append(status.phase)
    crashed = [each.name for each in status.services if each.state == "crashed"]
    if crashed:
        parts.append(f"CRASHED: {' '.join(crashed)}")
    stuck = [each for each in status.services if each.state == "stuck"]
    if stuck:
        pids = " ".join(str(process.pid) for each in stuck for process in each.processes)
        names = " ".join(each.name for each in stuck)
        parts.append(f"STUCK: {names}, which others may wait for (as root: kill -9 {pids})")
    if status.problems:
        parts.append("the files have problems, see below")
    return ", ".join(parts)


def row(service: ServiceStatus) -> tuple[str, ...]:
    """A line of the table."""
    cpu = sum(each.cpu_percent for each in service.processes)
    memory = sum(each.rss_bytes for each in service.processes) / MEBIBYTE
    ports = sorted({port for each in service.processes for port in each.listening if port})
    alive = bool(service.processes)
    return (
        service.name,
        state(service),
        str(service.pid or "-"),
        str(service.generation or "-"),
        "-" if service.uptime_s is None else duration(service.uptime_s),
        str(service.restarts),
        f"{cpu:.0f}%" if alive else "-",
        f"{memory:.0f}M" if alive else "-",
        " ".join(map(str, ports)) or "-",
        freshness(service),
    )


def state(service: ServiceStatus) -> str:
    """The state, with how it ended where that matters."""
    if service.state == "crashed" and service.exit_code is not None:
        return f"crashed ({service.exit_code})"
    return service.state


def freshness(service: ServiceStatus) -> str:
    """`yes`, `STALE`, `lineage` where some have written over their mark; `-` for nobody."""
    if not service.processes:
        return "-"
    if not all(each.fresh for each in service.processes):
        return "STALE"
    known = all(each.generation is not None for each in service.processes)
    return "yes" if known else "lineage"


def duration(seconds: float) -> str:
    """`42s`, `3m05s`, `2h07m`, `3d04h`."""
    whole = int(seconds)
    for size, unit, smaller, small in UNITS:
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // smaller:02d}{small}"
    return f"{whole}s"
