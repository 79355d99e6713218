"""What /proc says of processes: whose children they are, what they cost; and how they end."""

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Usage:
    """Of some processes, all their threads, since their starts."""

    cpu: float
    """Seconds."""
    wakeups: int
    """Voluntary context switches: each is a wait that was over."""

    def since(self, earlier: "Usage") -> "Usage":
        return Usage(self.cpu - earlier.cpu, self.wakeups - earlier.wakeups)


def become_subreaper() -> None:
    """Adopt whatever loses its parent among our descendants: nothing of a tool gets away."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid: int) -> set[int]:
    """All of them, the dead that nobody buried included."""
    found: set[int] = set()
    fresh = {pid}
    while fresh:
        fresh = {child for parent in fresh for child in children(parent)} - found
        found |= fresh
    return found


def children(pid: int) -> set[int]:
    """Of every thread; none when the process is gone."""
    found: set[int] = set()
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(map(int, listing.read_text().split()))
    return found


def is_alive(pid: int) -> bool:
    """A zombie is not."""
    try:
        return state(pid) not in "ZX"
    except OSError:
        return False


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def executable(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return ""


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def end_children(spared: AbstractSet[int]) -> None:
    """Kill and bury until the kernel says that nobody is left but the spared."""
    me = os.getpid()
    while pids := children(me) - spared:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def usage(pids: Iterable[int]) -> Usage:
    cpu, wakeups = 0, 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*"):
            with contextlib.suppress(OSError):
                cpu += int((thread / "schedstat").read_text().split()[0])
                wakeups += field(thread / "status", "voluntary_ctxt_switches")
    return Usage(cpu / 1e9, wakeups)


def memory(pids: Iterable[int]) -> int:
    """Their proportional set sizes together, in bytes: what is shared counts once."""
    kibibytes = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            kibibytes += field(Path(f"/proc/{pid}/smaps_rollup"), "Pss")
    return 1024 * kibibytes


def field(file: Path, key: str) -> int:
    """A number of a file of `key: number` lines; 0 where it has none."""
    for line in file.read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    return 0
