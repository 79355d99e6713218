"""Who descends from whom, since when, and who is dead: by the kernel's word, not by devsup's."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stage import children, is_readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GONE = (FileNotFoundError, ProcessLookupError)
TICKS = os.sysconf("SC_CLK_TCK")


def descendants(parent: int) -> set[int]:
    """Children, their children and so on, the undead included."""
    found: set[int] = set()
    with contextlib.suppress(*GONE):
        for child in children(parent):
            found |= {child} | descendants(child)
    return found


def groups(devsup: int) -> list[set[int]]:
    """The live processes of each service.

    devsup's only child is its zygote, whose children are the guardians, one a service.
    """
    (zygote,) = children(devsup)
    return [set(filter(is_alive, descendants(guardian))) for guardian in children(zygote)]


def program(pid: int) -> str:
    """The last part of the path of what it runs."""
    with contextlib.suppress(*GONE):
        return Path(f"/proc/{pid}/exe").readlink().name
    return ""


def is_alive(pid: int) -> bool:
    """Whether it exists and is not undead."""
    return state(pid) not in {"Z", "X", ""}


def state(pid: int) -> str:
    return (stat(pid) or [""])[0]


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the program's name, which may contain anything."""
    with contextlib.suppress(*GONE):
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return text.rpartition(")")[2].split()
    return []


def born(pid: int) -> int:
    """When it was born, in ticks since the machine started."""
    return int(stat(pid)[19])


def now() -> int:
    """The present, on the clock of births."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS)


def environment(pid: int) -> dict[str, str]:
    """What it was started with."""
    text = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8")
    pairs = (entry.partition("=") for entry in text.split("\0") if entry)
    return {key: value for key, _, value in pairs}


@contextlib.contextmanager
def held(pids: Iterable[int]) -> Iterator[list[int]]:
    """A pidfd for each, so that none is mistaken for a later process with its number."""
    with contextlib.ExitStack() as files:
        fds = [os.pidfd_open(pid) for pid in pids]
        for fd in fds:
            files.callback(os.close, fd)
        yield fds


def are_dead(pidfds: Iterable[int]) -> bool:
    """Whether every one of them is."""
    return all(is_readable(pidfd) for pidfd in pidfds)
