"""Adds a line of advice when a service's output shows an error that devsup knows."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devsup.commands.ending import own_ports
from devsup.edges import modules, processes
from devsup.edges.census import Process
from devsup.pure.hints import Facts, Owner, Python, Server, Whereabouts, sentence
from devsup.pure.kill_report import program
from devsup.pure.lifecycle import State
from devsup.pure.notices import Cause
from devsup.pure.shell import changes_directory, program_words
from devsup.pure.signs import Seen, Sign, signs
from devsup.pure.supervisor import Supervisor
from devsup.pure.unit import Unit

EVERYBODYS = frozenset({Sign.OTHER_LOOP, Sign.CLOSED, Sign.GREENLET})
"""The loop trouble is everybody's at once; any other sign is one service's."""


class Advice:
    """Says each piece of advice once a generation of settings, however often the error shows.

    Once more to who restarts by hand: it is to be among the last lines of what fails then.
    `say` gets a piece and the service that it is about; `alive` looks at all processes of the run;
    `path` is the PATH of the services.
    """

    def __init__(
        self,
        say: Callable[[str, str], None],
        supervisor: Supervisor,
        alive: Callable[[], Sequence[Process]],
        root: Path,
        shell: Mapping[str, str],
    ) -> None:
        self._say = say
        self._supervisor = supervisor
        self._alive = alive
        self._root = root
        self._shell = shell
        self._said: set[tuple[int, float, Sign, str, int | None]] = set()

    def look(self, lines: bytes, unit: Unit) -> None:
        """Whole lines of a service."""
        for seen in signs(lines):
            whose = "" if seen.sign in EVERYBODYS else unit.spec.name
            port = seen.port if seen.sign is Sign.REFUSED else None
            about = (unit.generation, self._asked, seen.sign, whose, port)
            if about not in self._said:
                self._said.add(about)
                self._say(self._advise(seen, unit), unit.spec.name)

    @property
    def _asked(self) -> float:
        """When somebody asked for what is under way, or was done last; 0 when nobody had to."""
        change = self._supervisor.change
        return change.began if change.cause is Cause.ASKED else 0.0

    def _advise(self, seen: Seen, unit: Unit) -> str:
        name = unit.spec.name
        match seen.sign:
            case Sign.PORT_TAKEN:
                return self._of_taken(seen, unit)
            case Sign.NO_MODULE:
                return sentence(
                    seen, name, Facts(module=self._whereabouts(seen.module or "", unit))
                )
            case Sign.REFUSED:
                return sentence(seen, name, self._around(seen, unit))
            case Sign.NO_PROGRAM if (seen.program or "") not in unit.spec.command:
                # Not as the Procfile has it: a shell that expands `$COMMAND` says what it holds.
                return sentence(Seen(seen.sign), name, Facts())
            case _:
                return sentence(seen, name, Facts(unit.settings))

    # ---- ports

    def _of_taken(self, seen: Seen, unit: Unit) -> str:
        """A program that does not name the port wants the service's own."""
        listeners = self._listeners()
        taken = {at for at, who in listeners.items() if who.service != unit.spec.name}
        port = seen.port or next((each for each in wanted_ports(unit) if each in taken), None)
        facts = Facts(
            unit.settings,
            owner=listeners.get(port or 0),
            is_taken=port is not None and processes.is_taken(port),
        )
        return sentence(Seen(seen.sign, port), unit.spec.name, facts)

    def _listeners(self) -> dict[int, Owner]:
        """Who listens on each port, a service of this run before anybody else."""
        services = {each.pid: each.lineage for each in self._alive()}
        found: dict[int, Owner] = {}
        for pid, ports in processes.listening(processes.pids()).items():
            owner = self._owner(pid, services.get(pid)) if ports else None
            if owner:
                found |= {port: owner for port in ports if port not in found or owner.service}
        return found

    def _owner(self, pid: int, service: str | None) -> Owner | None:
        seen = processes.sight(pid)
        if seen is None:
            return None
        is_run = seen.marks.run is not None
        return Owner(pid, program(seen.command), seen.directory, service, is_run)

    # ---- servers

    def _around(self, seen: Seen, unit: Unit) -> Facts:
        """Which service should have answered, or who else could have."""
        owner = self._listeners().get(seen.port) if seen.port else None
        others = [each for each in self._supervisor.units.values() if each is not unit]
        return Facts(
            type=unit.spec.type,
            owner=owner,
            server=self._server(seen.port, owner, unit, others),
            idle=tuple(
                f"{each.spec.name} {each.life.state.value}"
                for each in others
                if each.life.state is not State.UP
            ),
            keys=tuple(_keys_with(f":{seen.port}" if seen.port else seen.socket, unit.settings)),
        )

    def _server(
        self, port: int | None, owner: Owner | None, unit: Unit, others: Sequence[Unit]
    ) -> Server | None:
        """The service that listens there, or is configured to."""
        for each in others:
            listens = owner is not None and owner.service == each.spec.name
            if listens or (owner is None and port and _is_configured(each, port)):
                spec = each.spec
                awaited = spec.name in unit.spec.after
                return Server(spec.name, spec.type, each.life.state, listens, awaited)
        return None

    # ---- modules

    def _whereabouts(self, module: str, unit: Unit) -> Whereabouts:
        root, package = self._root, module.partition(".")[0]
        return Whereabouts(
            lies_in=modules.places(root, module),
            package_in=modules.places(root, package),
            environment=modules.environment_with(root, module),
            python=self._python(unit),
            left=str(root) if changes_directory(unit.spec.command) else "",
        )

    def _python(self, unit: Unit) -> Python:
        """Not when a file sets the PATH: what it says is not for printing."""
        words = program_words(unit.spec.command)
        if "PATH" in unit.settings or not words:
            return Python()
        return modules.python_of(words[0], self._shell.get("PATH", ""), self._root)


def wanted_ports(unit: Unit) -> list[int]:
    """Those that it may have asked for, the likeliest first."""
    return [*sorted(own_ports(unit.spec)), unit.port, *named_ports(unit)]


def _is_configured(unit: Unit, port: int) -> bool:
    """Whether its options or its line name the port."""
    return port in own_ports(unit.spec) or port in named_ports(unit)


def named_ports(unit: Unit) -> list[int]:
    """What may be a port among the words of its line."""
    return [*map(int, re.findall(r"(?<![\w.])\d{2,5}(?![\w.])", unit.spec.command))]


def _keys_with(address: str | None, settings: Mapping[str, str]) -> list[str]:
    """Keys of settings whose value has this address in it."""
    there = re.compile(rf"{re.escape(address)}(?![\w.])") if address else None
    return [key for key, value in settings.items() if there and there.search(value)]
