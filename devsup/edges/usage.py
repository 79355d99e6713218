"""What live processes use, as psutil measures it (the door to psutil where there is a /proc)."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Used:
    """Resident bytes, and percent of one core since the last look at it (or since its start)."""

    rss_bytes: int
    cpu_percent: float


NOTHING = Used(0, 0.0)


class Usage:
    """Remembers the processor time of each process, to tell what it used since."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, float, float]] = {}

    def look(self, pids: list[int]) -> dict[int, Used]:
        """What each of these uses now; nothing for one that is dead."""
        now = time.time()
        found = {pid: self._measure(pid, now) for pid in pids}
        self._known = {pid: self._known[pid] for pid in pids if pid in self._known}
        return found

    def _measure(self, pid: int, now: float) -> Used:
        import psutil  # noqa: PLC0415  slow, and a run that nobody asks never needs it

        try:
            process = psutil.Process(pid)
            with process.oneshot():
                times, born = process.cpu_times(), process.create_time()
                resident = process.memory_info().rss
        except psutil.Error:
            return NOTHING
        spent = times.user + times.system
        before = self._known.get(pid)
        since, earlier = before[1:] if before and before[0] == born else (born, 0.0)
        self._known[pid] = born, now, spent
        return Used(resident, round(100 * (spent - earlier) / max(now - since, 0.01), 1))
