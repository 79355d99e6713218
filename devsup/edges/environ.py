"""The environment of a live process, by itself: who compares it needs no census for that."""

import sys

from devsup.pure.environ import parse


def variables(pid: int) -> dict[str, str] | None:
    """What a process was started with; None where it was written over or may not be read.

    These are somebody's secrets: to be compared, and shown to nobody who has not asked.
    """
    data = _raw(pid)
    found, intact = ({}, False) if data is None else parse(data)
    return found if intact else None


if sys.platform == "linux":
    from devsup.edges.proc import read

    def _raw(pid: int) -> bytes | None:
        return read(pid, "environ")

else:
    from devsup.edges.portable import environ as _raw
