"""Whether live processes have what the files say; pure. No value ever leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum


class Found(Enum):
    """What a live process has for a key, compared with the files."""

    SAME = "has this value"
    OTHER = "has another value"
    ABSENT = "does not have it"
    LEFT = "still has it, though no file sets it any more"
    UNKNOWN = "has an environment of its own"


@dataclass(frozen=True, slots=True)
class Live:
    """The environment of a live process; None where that tells nothing of its age.

    That is so where it was written over, and where the process was started without ours.
    `keys` are those that its service was started with, `assigned` those that its line in the
    Procfile sets itself, `exempt` those that do not concern it.
    """

    service: str
    pid: int
    environ: Mapping[str, str] | None = field(repr=False)
    fresh: bool = True
    keys: frozenset[str] = frozenset()
    assigned: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """A key for which a live process does not have what the files say."""

    service: str
    pid: int
    key: str
    found: Found


def found_in(live: Live, key: str, settings: Mapping[str, str], shell: Mapping[str, str]) -> Found:
    """What a live process has for a key; one that no file sets is the shell's to give."""
    if live.environ is None:
        return Found.UNKNOWN
    meant = settings.get(key, shell.get(key))
    if live.environ.get(key) == meant:
        return Found.SAME
    if key not in live.environ:
        return Found.ABSENT
    return Found.LEFT if key in live.keys - settings.keys() else Found.OTHER


def differences(
    live: Sequence[Live], settings: Mapping[str, str], shell: Mapping[str, str]
) -> list[Difference]:
    """Every key, of the files now or when it was started, that a live process has otherwise.

    Silent about a process with an environment of its own, about what a Procfile line assigns, and
    about keys that do not concern the service.
    """
    return [
        Difference(each.service, each.pid, key, found)
        for each in live
        for key in sorted((settings.keys() | each.keys) - each.assigned - each.exempt)
        if (found := found_in(each, key, settings, shell)) not in {Found.SAME, Found.UNKNOWN}
    ]
