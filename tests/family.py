"""Who is who below a running devsup, as the kernel shows it: zygote, guardians, and the members.

Only to be asked while nothing starts or ends: until its exec a child looks like its parent.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import kin
from stage import children

if TYPE_CHECKING:
    from collections.abc import Mapping

GUARDIAN = b"guardian.py"


class Family:
    """The processes of one `devsup up`; `supervisor` is its pid."""

    def __init__(self, supervisor: int) -> None:
        self.supervisor = supervisor

    @property
    def zygote(self) -> int:
        [found] = filter(is_guardian, children(self.supervisor))
        return found

    @property
    def guardians(self) -> set[int]:
        """One a service; what a killed one has left is a child of the zygote, too, and is none."""
        return set(filter(is_guardian, children(self.zygote)))

    def members(self) -> Mapping[int, Mapping[str, str]]:
        """Every live process of the services, with the environment it was started with."""
        found = {pid for guardian in self.guardians for pid in kin.descendants(guardian)}
        return {pid: kin.environment(pid) for pid in found if kin.is_alive(pid)}

    def values(self, key: str) -> set[str | None]:
        """What a variable is in the processes of the services."""
        return {environment.get(key) for environment in self.members().values()}


def is_guardian(pid: int) -> bool:
    """Whether it is the zygote or a fork of it."""
    return GUARDIAN in Path(f"/proc/{pid}/cmdline").read_bytes()
