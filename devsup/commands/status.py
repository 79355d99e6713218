"""What a run is doing, put together from what the supervisor decided and what is seen alive."""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from devsup.edges.census import Process, listening
from devsup.edges.usage import NOTHING, Usage, Used
from devsup.pure.kill_report import program
from devsup.pure.snapshot import ProblemStatus, ProcessStatus, ServiceStatus, Status
from devsup.pure.supervisor import Supervisor
from devsup.pure.unit import Unit


class Observer:
    """Takes the status of a run; remembers processor times between two looks."""

    def __init__(
        self, supervisor: Supervisor, root: str, run: str, env_files: Callable[[], Sequence[str]]
    ) -> None:
        self._supervisor = supervisor
        self._root = root
        self._run = run
        self._env_files = env_files
        self._usage = Usage()

    def look(self, alive: Sequence[Process], leaders: Mapping[str, int], now: float) -> Status:
        """The status as of `now`, given who is alive."""
        supervisor = self._supervisor
        members = self._members(alive)
        problems = supervisor.problems
        return Status(
            root=self._root,
            run=self._run,
            pid=os.getpid(),
            generation=supervisor.generation,
            phase=supervisor.phase.value,
            verified=supervisor.verified and all(map(self._is_fresh, alive)),
            env_files=tuple(self._env_files()),
            problems=tuple(ProblemStatus(each.file, each.line, each.message) for each in problems),
            services=tuple(
                self._service(unit, members[name], leaders.get(name), now)
                for name, unit in supervisor.units.items()
            ),
        )

    def _members(self, alive: Sequence[Process]) -> defaultdict[str, list[ProcessStatus]]:
        """The live processes of each service; a stray counts with the service of its mark."""
        pids = [each.pid for each in alive]
        ports, used = listening(pids), self._usage.look(pids)
        members = defaultdict[str, list[ProcessStatus]](list)
        for each in alive:
            name = each.lineage or each.service or ""
            seen = self._process(each, ports.get(each.pid, ()), used.get(each.pid, NOTHING))
            members[name].append(seen)
        return members

    def _service(
        self, unit: Unit, processes: list[ProcessStatus], leader: int | None, now: float
    ) -> ServiceStatus:
        return ServiceStatus(
            name=unit.spec.name,
            type=unit.spec.type,
            state=unit.life.state.value,
            pid=leader,
            generation=unit.generation,
            uptime_s=None if unit.life.at_rest else round(now - unit.started, 3),
            restarts=max(unit.starts - 1, 0),
            exit_code=unit.life.exit_code,
            port=port(unit),
            ready=unit.how,
            fresh=self._supervisor.fresh(unit.spec.name),
            keys=tuple(sorted(unit.settings)),
            processes=tuple(processes),
        )

    def _process(self, each: Process, ports: tuple[int, ...], used: Used) -> ProcessStatus:
        return ProcessStatus(
            pid=each.pid,
            generation=each.generation,
            fresh=self._is_fresh(each),
            listening=ports,
            rss_bytes=used.rss_bytes,
            cpu_percent=used.cpu_percent,
            command=program(each.command),
        )

    def _is_fresh(self, each: Process) -> bool:
        return self._supervisor.is_current(each.lineage, each.generation)


def port(unit: Unit) -> int:
    """The PORT that the service was started with."""
    given = unit.settings.get("PORT", "")
    return int(given) if given.isdecimal() else unit.started_as.port
