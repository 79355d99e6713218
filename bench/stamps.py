"""What the services of a scene wrote: when each started and stopped, on which value."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import is_alive


@dataclass(frozen=True, slots=True)
class Stamp:
    """One line of the program `stamp`; the time in seconds of `time.monotonic`."""

    what: str
    pid: int
    time: float
    name: str
    value: str


@dataclass(slots=True)
class Stamps:
    """Read as they come."""

    path: Path
    offset: float = 0.0
    """Seconds from the clock of the stamps to `time.monotonic`."""
    all: list[Stamp] = field(default_factory=list)
    by_value: dict[str, list[Stamp]] = field(default_factory=dict)
    """The starts; asked for so often that a thousand edits must not make it slow."""
    position: int = 0

    def look(self) -> None:
        """Take the lines that were written since: where two pages meet, one may show by halves."""
        if not self.path.exists():
            return
        with self.path.open() as file:
            file.seek(self.position)
            text = file.read()
        text = text[: text.rfind("\n") + 1]
        self.position += len(text)
        for stamp in (parse(line, self.offset) for line in text.splitlines()):
            self.all.append(stamp)
            if stamp.what == "start":
                self.by_value.setdefault(stamp.value, []).append(stamp)

    def starts(self, value: str | None = None) -> list[Stamp]:
        self.look()
        if value is not None:
            return self.by_value.get(value, [])
        return [each for each in self.all if each.what == "start"]

    def stops(self) -> list[Stamp]:
        self.look()
        return [each for each in self.all if each.what == "stop"]

    def living(self) -> list[Stamp]:
        """The starts of those that are alive; numbers come round again within a thousand edits."""
        self.look()
        latest = {each.pid: each for each in self.all}
        return [each for each in latest.values() if each.what == "start" and is_alive(each.pid)]


def parse(line: str, offset: float = 0.0) -> Stamp:
    what, pid, nanoseconds, name, value = line.split()
    return Stamp(what, int(pid), int(nanoseconds) / 1e9 + offset, name, value)


def wall_offset() -> float:
    """For stamps that were taken of the wall clock."""
    return time.monotonic() - time.time()
