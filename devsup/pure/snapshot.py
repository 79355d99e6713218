"""The status of a run, as it goes over the control socket and as `status --json` prints it."""

from dataclasses import asdict, dataclass
from typing import Any

from devsup.pure.protocol import another_version


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """A live process; `generation` is None where it has written over the mark in its environment.

    `cpu_percent` is of one core, since the last look at it or since its start.
    """

    pid: int
    generation: int | None
    fresh: bool
    listening: tuple[int, ...]
    rss_bytes: int
    cpu_percent: float
    command: str


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service; `uptime_s` since it was last started, None while it is down.

    `keys` are the names of the settings that it was last started with.
    """

    name: str
    type: str
    state: str
    pid: int | None
    generation: int
    uptime_s: float | None
    restarts: int
    exit_code: int | None
    port: int
    ready: str
    fresh: bool
    keys: tuple[str, ...] = ()
    processes: tuple[ProcessStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class ProblemStatus:
    """What is wrong with a file; `line` is None for the whole of it."""

    file: str
    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Status:
    """The whole run."""

    root: str
    run: str
    pid: int
    generation: int
    phase: str
    verified: bool
    env_files: tuple[str, ...]
    problems: tuple[ProblemStatus, ...]
    services: tuple[ServiceStatus, ...]


def as_data(status: Status) -> dict[str, Any]:
    """A status as `status --json` prints it."""
    return asdict(status)


def load_status(data: dict[str, Any]) -> Status:
    """A status out of a reply.

    Raises:
        DevsupError: it is none.
    """
    try:
        services = tuple(_service(each) for each in data["services"])
        problems = tuple(ProblemStatus(**each) for each in data["problems"])
        files = tuple(data["env_files"])
        return Status(**{**data, "services": services, "problems": problems, "env_files": files})
    except (TypeError, KeyError):
        raise another_version() from None


def _service(data: dict[str, Any]) -> ServiceStatus:
    processes = tuple(
        ProcessStatus(**{**each, "listening": tuple(each["listening"])})
        for each in data["processes"]
    )
    return ServiceStatus(**{**data, "keys": tuple(data["keys"]), "processes": processes})
