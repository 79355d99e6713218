"""SIGKILL of the supervisor, the zygote, a guardian, and of any two of them: nothing survives.

Those that are killed together are stopped before: none can react to the death of another.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from stage import SECONDS, is_readable, python
from supervised import supervised

if TYPE_CHECKING:
    from pathlib import Path

    from supervised import Supervised

HOSTILE = [
    "sleep",
    "daemon --clear",
    "daemon --clear --stay",
    "forks",
    "escapes",
    "stubborn",
    "stopped",
    "holder",
    "headless",
]


def lines() -> list[str]:
    """Services, each one hostile program; the first and the last are under a guardian's eyes."""
    return [
        f"exec {python('hostile.py', *each.split()[:1], '$READY', *each.split()[1:])}"
        for each in HOSTILE
    ]


def kill(*pids: int) -> None:
    """All of them, without a chance to look at each other.

    Whoever is watched by one of the living comes first: that one would end and bury it otherwise.
    """
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, number)


def victims(supervisor: Supervised, names: str) -> list[int]:
    pids = {"supervisor": supervisor.pid, "zygote": supervisor.zygote}
    return [pids.get(name) or supervisor.guardian(0) for name in names.split()]


@pytest.mark.parametrize(
    "names",
    [
        "supervisor",
        "zygote",
        "guardian zygote",
        "guardian supervisor",
        "supervisor zygote",
    ],
)
def test_nothing_survives(tmp_path: Path, names: str) -> None:
    with supervised(tmp_path, *lines()) as supervisor:
        for life in supervisor.lives:
            life.listen()
        watched = [
            os.pidfd_open(pid)
            for pid in (
                supervisor.pid,
                supervisor.zygote,
                *(supervisor.guardian(number) for number in range(len(HOSTILE))),
            )
        ]
        kill(*victims(supervisor, names))
        for life in supervisor.lives:
            life.wait_for_end()
        for pidfd in watched:
            assert is_readable(pidfd, SECONDS)
            os.close(pidfd)
