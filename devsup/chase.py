"""Catching what a look at everybody misses: fork chains.

A link of such a chain forks the next one and exits, and lives for less than a look takes. But the
chain has a live link at any time, and every link has a new pid. So look at new pids only, which
takes a fraction of a millisecond, and strike at once.
"""

import os
import time
from contextlib import closing, suppress
from enum import Enum
from signal import SIGKILL

from devsup import processes
from devsup.search import Found, Search

SECONDS = 1.0
"""The longest chase, on a machine where others start and end processes all the time."""
QUIET_PASSES = 20
"""In a row: no new pid whose process died before it was looked at, so no chain."""


class Verdict(Enum):
    """What became of a new pid."""

    OURS = "killed"
    ANOTHER = "left alone"
    GONE = "dead before anybody could tell whose it was"


def chase(search: Search, found: Found) -> bool:
    """Kill whoever is ours and new since a look; whether there was anybody."""
    judged = set(found.judged)
    until = time.monotonic() + SECONDS
    quiet, caught = 0, False
    while quiet < QUIET_PASSES and time.monotonic() < until:
        new = [pid for pid in processes.pids() if pid not in judged]
        verdicts = {_strike(pid, search, found) for pid in new}
        judged.update(new)
        quiet = quiet + 1 if verdicts <= {Verdict.ANOTHER} else 0
        caught = caught or Verdict.OURS in verdicts
    return caught


def _strike(pid: int, search: Search, found: Found) -> Verdict:
    """Kill a process if it certainly is left over, and its group if nobody else can be in that.

    The group of a session's leader has only its descendants: such a group starts empty.
    """
    grip = processes.grip(pid)
    if grip is None:
        return Verdict.GONE
    with closing(grip), suppress(PermissionError):
        seen = processes.sight(pid)
        if seen is None:
            return Verdict.GONE
        if not search.is_ours(seen):
            return Verdict.ANOTHER
        group = seen.row.group
        if group in found.groups or (group == seen.row.session == pid):
            _kill_group(group, search)
        grip.send(SIGKILL)
    return Verdict.OURS


def _kill_group(group: int, search: Search) -> None:
    if group not in search.spared_groups:
        with suppress(ProcessLookupError):
            os.killpg(group, SIGKILL)
