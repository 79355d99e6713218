"""The census after every change: asked for again until nothing is where it should not be."""

from dataclasses import dataclass

from devsup.pure import effects as do
from devsup.pure import notices as tell
from devsup.pure.effects import Effect
from devsup.pure.events import Counted

SWEEPS = 5
"""How often strays are swept before the run counts as not verified."""


@dataclass(slots=True)
class Verification:
    """The question that is open (`round`), and what the last answer that counted had found."""

    round: int = 0
    sweeps: int = 0
    strays: tuple[int, ...] = ()
    stale: tuple[int, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether the last census found every live process where and as it should be."""
        return not self.strays and not self.stale

    def begin(self) -> tuple[Effect, ...]:
        """Have every live process looked at; answers to older questions no longer count."""
        self.sweeps = 0
        return (self._ask(),)

    def sweep(self, count: Counted) -> tuple[Effect, ...]:
        """Have strays killed and look again; nothing when there are none, or it does not help."""
        if not count.strays or self.sweeps >= SWEEPS:
            return ()
        self.sweeps += 1
        return do.Say(tell.Swept(count.strays)), self._ask(count.strays)

    def end(self, count: Counted) -> None:
        """This is how it stays."""
        self.strays, self.stale = count.strays, count.stale

    def _ask(self, sweep: tuple[int, ...] = ()) -> Effect:
        self.round += 1
        return do.Count(self.round, sweep)
