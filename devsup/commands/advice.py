"""Adds a line of advice when a service's output shows an error that devsup knows."""

from collections.abc import Callable, Mapping

from devsup.edges import processes
from devsup.pure.hints import Seen, Sign, sentence, signs
from devsup.pure.kill_report import program


class Advice:
    """Says each piece of advice once a generation of settings, however often the error shows."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[tuple[int, Sign, str]] = set()

    def look(
        self, lines: bytes, service: str, generation: int, settings: Mapping[str, str]
    ) -> None:
        """Whole lines of a service that runs on these settings."""
        for seen in signs(lines):
            # The loop trouble is everybody's at once; a taken port is one service's.
            about = service if seen.sign is Sign.PORT_TAKEN else ""
            if (generation, seen.sign, about) not in self._said:
                self._said.add((generation, seen.sign, about))
                self._say(sentence(seen, service, settings, _owner(seen)))


def _owner(seen: Seen) -> str:
    """Who listens on the port: pid, program and directory."""
    if seen.port is None:
        return ""
    for pid, ports in processes.listening(processes.pids()).items():
        if seen.port in ports and (owner := processes.sight(pid)):
            return f"{pid} ({program(owner.command)} in {owner.directory})"
    return ""
