"""What the files of a project say together, and how two such declarations differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from devsup.pure.envfile import Diff, diff
from devsup.pure.options import OnExit
from devsup.pure.stack import Spec


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different: process types by name, `on-exit`, and settings by key."""

    services: Diff
    options: Diff
    settings: Diff

    def __bool__(self) -> bool:
        return bool(self.services or self.options or self.settings)

    def __str__(self) -> str:
        """`~CHANGED +ADDED -REMOVED`."""
        return " ".join(filter(None, map(str, (self.services, self.options, self.settings))))


@dataclass(frozen=True, slots=True)
class Declaration:
    """Services in the Procfile's order, settings, and what follows an exit that nobody asked for.

    Command lines may hold secrets as well as settings do, so both stay out of the repr.
    """

    specs: tuple[Spec, ...] = field(repr=False)
    settings: Mapping[str, str] = field(repr=False)
    on_exit: OnExit = OnExit.WAIT

    def changes(self, new: "Declaration") -> Changes:
        """What is different in the new one; another order of the same services is no change."""
        return Changes(
            _changed_types(self.specs, new.specs),
            diff({"on-exit": self.on_exit.value}, {"on-exit": new.on_exit.value}),
            diff(self.settings, new.settings),
        )


def _changed_types(old: Sequence[Spec], new: Sequence[Spec]) -> Diff:
    before = {spec.name: spec for spec in old}
    changed = [each.type for each in new if before.get(each.name, each) != each]
    types_before = dict.fromkeys(spec.type for spec in old)
    types_now = dict.fromkeys(spec.type for spec in new)
    return Diff(
        added=tuple(each for each in types_now if each not in types_before),
        removed=tuple(each for each in types_before if each not in types_now),
        changed=tuple(dict.fromkeys(changed)),
    )
