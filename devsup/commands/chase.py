"""Catching what a look at everybody misses: fork chains.

A link of such a chain forks the next one and exits, and lives for less than a look takes. But the
chain has a live link at any time, and every link has a new pid. So look at new pids only, which
takes a fraction of a millisecond, and strike at once.
"""

import os
import time
from contextlib import closing, suppress
from dataclasses import replace
from enum import Enum
from signal import SIGKILL

from devsup.commands.search import Search
from devsup.edges import processes

SECONDS = 1.0
"""The longest chase, on a machine where others start and end processes all the time."""
QUIET_PASSES = 20
"""In a row: no new pid whose process died before it was looked at, so no chain."""


class Verdict(Enum):
    """What became of a new pid."""

    OURS = "killed"
    ANOTHER = "left alone"
    OPEN = "ours once its parent is dead, as the parent of a link soon is"
    GONE = "dead before anybody could tell whose it was"


def chase(search: Search, judged: frozenset[int]) -> bool:
    """Kill whoever is ours and not among the pids judged before; whether there was anybody."""
    known = set(judged)
    until = time.monotonic() + SECONDS
    quiet, caught = 0, False
    while quiet < QUIET_PASSES and time.monotonic() < until:
        verdicts = {pid: _strike(pid, search) for pid in processes.pids() if pid not in known}
        known.update(pid for pid, verdict in verdicts.items() if verdict is not Verdict.OPEN)
        quiet = quiet + 1 if {*verdicts.values()} <= {Verdict.ANOTHER} else 0
        caught = caught or Verdict.OURS in verdicts.values()
    return caught


def _strike(pid: int, search: Search) -> Verdict:
    """Kill a process if it certainly is left over.

    With it its session's first group, where that is all ours: the kernel lets no fork slip out of a
    killpg, so that a link which has forked already takes the next one with it.
    """
    grip = processes.grip(pid)
    if grip is None:
        return Verdict.GONE
    with closing(grip), suppress(PermissionError, ProcessLookupError):
        seen = processes.sight(pid)
        if seen is None:
            return Verdict.GONE
        if not search.is_ours(seen):
            would_be = search.is_ours(replace(seen, parent=None))
            return Verdict.OPEN if would_be else Verdict.ANOTHER
        grip.send(SIGKILL)
        if search.owns(seen):
            os.killpg(seen.row.session, SIGKILL)
    return Verdict.OURS
