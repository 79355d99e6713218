"""A run told as a history: what happens goes in, what the supervisor does about it comes out.

Effects come as words: `spawn web on 2`, `TERM web`, `kill web`, `count 1`, `exit 0`. Timers and
probes are kept apart, since the world and not the reader has to follow them; so are notices.
"""

from dataclasses import replace
from signal import SIGTERM
from typing import TypeVar

from devsup.pure import effects as do
from devsup.pure import events as on
from devsup.pure.config import OnExit
from devsup.pure.declaration import Declaration
from devsup.pure.effects import Effect
from devsup.pure.errors import Problem
from devsup.pure.lifecycle import State
from devsup.pure.notices import Notice
from devsup.pure.programs import ListenReady, Ready, SettleReady, Step, Target
from devsup.pure.stack import EVERY_KEY, Concerns, Spec
from devsup.pure.supervisor import Supervisor

GRACE = 5.0
TERM = Step(SIGTERM, Target.LEADER, GRACE)
ON_PORT = ListenReady(8000)

N = TypeVar("N", bound=Notice)


def spec(
    name: str,
    *after: str,
    ready: Ready = SettleReady(),  # noqa: B008  frozen: nobody can change the shared default
    concerns: Concerns = EVERY_KEY,
    steps: tuple[Step, ...] = (TERM,),
) -> Spec:
    return Spec(name, name, name, name, 5000, steps, ready, after, concerns)


def word(effect: Effect) -> str | None:
    match effect:
        case do.Spawn(name, generation):
            return f"spawn {name} on {generation}"
        case do.Signal(name, number, to):
            return f"{number.name[3:]} {name}" + (" and its rest" if to is Target.ALL else "")
        case do.Kill(name):
            return f"kill {name}"
        case do.Count(round_, sweep):
            return " ".join(map(str, ("count", round_, *sweep)))
        case do.Exit(code):
            return f"exit {code}"
    return None


class History:
    """A supervisor and a clock; every method is something that happens, and returns the words."""

    def __init__(self, *specs: Spec, on_exit: OnExit = OnExit.WAIT, **settings: str) -> None:
        self.supervisor = Supervisor(Declaration(specs, settings, on_exit))
        self.now = 100.0
        self.effects: tuple[Effect, ...] = ()
        self.notices: list[Notice] = []

    # ---- what happens

    def tell(self, event: on.Event) -> list[str]:
        self.effects = self.supervisor.handle(event, self.now)
        self.notices = [effect.notice for effect in self.effects if isinstance(effect, do.Say)]
        return [text for effect in self.effects if (text := word(effect))]

    def launch(self) -> list[str]:
        return self.tell(on.Launched())

    def edit(self, **settings: str) -> list[str]:
        declared = replace(self.supervisor.declared, settings=settings)
        return self.tell(on.Edited(declared, (".env",)))

    def declare(self, *specs: Spec, on_exit: OnExit = OnExit.WAIT, **settings: str) -> list[str]:
        """The Procfile and the configuration say this now; without settings these stay."""
        declared = Declaration(specs, settings or self.supervisor.settings, on_exit)
        files = ("Procfile", ".env") if settings else ("Procfile",)
        return self.tell(on.Edited(declared, files))

    def breaks(self, line: int) -> list[str]:
        return self.tell(on.Broke((Problem(".env", line, "has no `=`"),)))

    def saves(self, file: str, *names: str) -> list[str]:
        """A file that these watch has changed."""
        return self.tell(on.SourceChanged(names, (file,)))

    def restart(self, *names: str) -> list[str]:
        return self.tell(on.RestartAsked(names))

    def start(self, *names: str) -> list[str]:
        return self.tell(on.StartAsked(names))

    def stop(self, *names: str) -> list[str]:
        return self.tell(on.StopAsked(names))

    def quit(self, code: int = 0, asker: on.Asker = on.Asker.SIGNAL) -> list[str]:
        return self.tell(on.Quit(code, asker))

    def ready(self, *names: str) -> list[str]:
        """Each is found ready by its probe."""
        return [
            text
            for name in names
            for text in self.tell(on.BecameReady(name, self.epoch(name), "port 8000"))
        ]

    def settle(self, *names: str) -> list[str]:
        """Each has lived long enough to count as ready."""
        return [
            text
            for name in names
            for text in self.tell(on.BecameReady(name, self.epoch(name), "settled"))
        ]

    def timer(self, name: str, epoch: int | None = None) -> list[str]:
        return self.tell(on.TimerFired(name, self.epoch(name) if epoch is None else epoch))

    def exits(self, name: str, code: int = 0) -> list[str]:
        return self.tell(on.LeaderExited(name, code))

    def empties(self, name: str) -> list[str]:
        return self.tell(on.Emptied(name))

    def ends(self, name: str, code: int = 0) -> list[str]:
        """The leader exits and leaves nobody behind."""
        return [*self.exits(name, code), *self.empties(name)]

    def crashes(self, name: str) -> list[str]:
        """Its guardian, or everything at once, is killed: nobody saw the leader exit."""
        return self.empties(name)

    def counted(
        self,
        *strays: int,
        stale: tuple[int, ...] = (),
        processes: int = 3,
        round_: int | None = None,
    ) -> list[str]:
        asked = self.supervisor.verification.round if round_ is None else round_
        return self.tell(on.Counted(asked, processes, strays, stale))

    # ---- several of them

    def all_ready(self) -> list[str]:
        """Whoever is starting becomes ready, and whoever starts because of that."""
        words = []
        while starting := [
            name for name in self.supervisor.units if self.state(name) == "starting"
        ]:
            words += self.ready(*starting)
        return words

    def steady(self) -> "History":
        """Launched, ready, and counted."""
        self.launch()
        self.all_ready()
        self.counted()
        assert self.phase == "steady"
        return self

    # ---- how things are

    @property
    def phase(self) -> str:
        return self.supervisor.phase.value

    def state(self, name: str) -> str:
        return self.supervisor.units[name].life.state.value

    @property
    def states(self) -> dict[str, State]:
        return {name: unit.life.state for name, unit in self.supervisor.units.items()}

    def epoch(self, name: str) -> int:
        return self.supervisor.units[name].life.epoch

    def armed(self, name: str) -> float:
        """Seconds of the timer that the last event armed for a service."""
        [delay] = [
            each.delay
            for each in self.effects
            if isinstance(each, do.Arm) and (each.name, each.epoch) == (name, self.epoch(name))
        ]
        return delay

    def said(self, kind: type[N]) -> N:
        """The one notice of this kind that the last event brought."""
        [notice] = [notice for notice in self.notices if isinstance(notice, kind)]
        return notice
