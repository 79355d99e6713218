"""Whatever happens in whatever order, what a run promises holds: against a model of the world."""

from dataclasses import replace
from signal import SIGINT, SIGQUIT, SIGTERM
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from trial import Trial
from world import Settings, Wait, World

from devsup.pure import events as on
from devsup.pure.config import OnExit
from devsup.pure.declaration import Declaration
from devsup.pure.errors import Problem
from devsup.pure.programs import LogReady, SettleReady, Step, Target
from devsup.pure.stack import Spec
from devsup.pure.supervisor import Phase

T = TypeVar("T")

NAMES = ("ant", "bee", "cat", "dog")
STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from([SIGTERM, SIGINT, SIGQUIT]),
        st.sampled_from(Target),
        st.sampled_from([1.0, 5.0]),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
READY = st.one_of(st.builds(SettleReady), st.builds(LogReady, st.just("up")))
CONCERNS = st.sampled_from([("*",), (), ("A",), ("B", "C*")]).map(frozenset)
SETTINGS = st.dictionaries(
    st.sampled_from(["A", "B", "CC"]), st.sampled_from(["secret 1", "secret 2"])
)
CODES = st.sampled_from([0, 0, 1, -15])
EXITS = st.sampled_from([0, 130, 143])
SOME = st.sets(st.integers(0, len(NAMES) - 1), min_size=1, max_size=3)
"""Services by their number."""


@st.composite
def stacks(draw: st.DrawFn) -> list[Spec]:
    """Services in any order, each after some of those that come earlier in another order."""
    names = draw(st.permutations(NAMES[: draw(st.sampled_from([3, 4, 2, 1]))]))
    specs = []
    for position, name in enumerate(names):
        earlier = names[:position]
        after = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        ready = draw(READY)
        stop, concerns = draw(STEPS), draw(CONCERNS)
        line = f"{name} {draw(st.integers(1, 2))}"
        specs.append(Spec(name, name, line, line, 0, stop, ready, tuple(after), concerns))
    return draw(st.permutations(specs))


class Run(RuleBasedStateMachine):
    """Rules are what may happen next; `World` says what has to follow."""

    trial: Trial

    @initialize(
        specs=stacks(),
        first=SETTINGS,
        on_exit=st.sampled_from(OnExit),
        stubborn=st.sets(st.sampled_from(NAMES)),
        quits_late=st.integers(5, 40),
    )
    def launch(
        self,
        specs: list[Spec],
        first: Settings,
        on_exit: OnExit,
        stubborn: set[str],
        quits_late: int,
    ) -> None:
        self.trial = Trial(World(Declaration(tuple(specs), first, on_exit)))
        self.stubborn = frozenset(stubborn)
        self.before_quit = quits_late
        self.trial.tell(on.Launched())

    def names(self, numbers: set[int]) -> tuple[str, ...]:
        specs = self.trial.world.declared.specs
        return tuple(dict.fromkeys(specs[number % len(specs)].name for number in sorted(numbers)))

    # ---- people and files

    @precondition(lambda self: not self.trial.over)
    @rule(newest=st.none() | SETTINGS)
    def edit(self, newest: Settings | None) -> None:
        if newest is None:
            self.trial.tell(on.Broke((Problem(".env", 1, "has no `=`"),)))
        else:
            declared = replace(self.trial.world.declared, settings=newest)
            self.trial.tell(on.Edited(declared, (".env",)))

    @precondition(lambda self: not self.trial.over)
    @rule(specs=stacks())
    def redeclare(self, specs: list[Spec]) -> None:
        """Another Procfile and configuration."""
        declared = replace(self.trial.world.declared, specs=tuple(specs))
        self.trial.tell(on.Edited(declared, ("Procfile",)))

    @precondition(lambda self: not self.trial.over)
    @rule(data=st.data(), newest=SETTINGS, on_exit=st.sampled_from(OnExit))
    def check_out(self, data: st.DataObject, newest: Settings, on_exit: OnExit) -> None:
        """Everything at once, where some services may be as before, removed, or new."""
        specs = [*self.trial.world.declared.specs]
        kept = specs[: data.draw(st.integers(1, len(specs)))]
        names = {spec.name for spec in kept}
        kept = [replace(spec, after=tuple(names.intersection(spec.after))) for spec in kept]
        added = [spec for spec in data.draw(stacks()) if spec.name not in names]
        added = [replace(spec, after=()) for spec in added]
        declared = Declaration((*added, *kept), newest, on_exit)
        self.trial.tell(on.Edited(declared, ("Procfile", ".env")))

    @precondition(lambda self: not self.trial.over)
    @rule(some=SOME)
    def sources_change(self, some: set[int]) -> None:
        self.trial.tell(on.SourceChanged(self.names(some), ("app/tasks.py",)))

    @precondition(lambda self: not self.trial.over)
    @rule(some=SOME)
    def restart(self, some: set[int]) -> None:
        self.trial.tell(on.RestartAsked(self.names(some)))

    @precondition(lambda self: not self.trial.over)
    @rule(some=SOME)
    def start(self, some: set[int]) -> None:
        self.trial.tell(on.StartAsked(self.names(some)))

    @precondition(lambda self: not self.trial.over)
    @rule(some=SOME)
    def stop(self, some: set[int]) -> None:
        self.trial.tell(on.StopAsked(self.names(some)))

    @precondition(lambda self: not self.trial.over and self.before_quit <= 0)
    @rule(code=EXITS)
    def quit(self, code: int) -> None:
        self.trial.tell(on.Quit(code))

    # ---- processes

    @precondition(lambda self: not self.trial.over and self.leaders())
    @rule(data=st.data(), code=CODES)
    def leader_exits(self, data: st.DataObject, code: int) -> None:
        self.trial.tell(on.LeaderExited(data.draw(st.sampled_from(self.leaders())), code))

    @precondition(lambda self: not self.trial.over and self.leaderless())
    @rule(data=st.data())
    def rest_ends(self, data: st.DataObject) -> None:
        self.trial.tell(on.Emptied(data.draw(st.sampled_from(self.leaderless()))))

    @precondition(lambda self: not self.trial.over and self.leaders())
    @rule(data=st.data())
    def guardian_is_lost(self, data: st.DataObject) -> None:
        self.trial.tell(on.Emptied(data.draw(st.sampled_from(self.leaders()))))

    @precondition(lambda self: not self.trial.over and self.leaders())
    @rule(data=st.data(), code=CODES)
    def service_ends(self, data: st.DataObject, code: int) -> None:
        name = data.draw(st.sampled_from(self.leaders()))
        self.trial.tell(on.LeaderExited(name, code))
        if not self.trial.over:
            self.trial.tell(on.Emptied(name))

    def leaders(self) -> list[str]:
        return [name for name, group in self.trial.world.groups.items() if group.leader]

    def leaderless(self) -> list[str]:
        return [name for name, group in self.trial.world.groups.items() if not group.leader]

    @precondition(lambda self: not self.trial.over)
    @rule(steps=st.integers(1, 5))
    def everybody_does_what_is_asked(self, steps: int) -> None:
        for _ in range(steps):
            if not self.trial.over:
                self.trial.cooperate()

    # ---- answers, also late ones

    @precondition(lambda self: not self.trial.over and self.trial.probes)
    @rule(data=st.data())
    def probe_answers(self, data: st.DataObject) -> None:
        probe: Wait = data.draw(st.sampled_from(self.trial.probes))
        self.trial.answer_probe(probe)

    @precondition(lambda self: not self.trial.over and self.trial.timers)
    @rule(late=st.sampled_from([0.0, 0.0, 4.0, 60.0]))
    def timer_fires(self, late: float) -> None:
        self.trial.now += late
        self.trial.fire(min(self.trial.timers))

    @precondition(lambda self: not self.trial.over and self.trial.counts)
    @rule(data=st.data(), stale=st.sampled_from([(), (), (7,)]))
    def census_answers(self, data: st.DataObject, stale: tuple[int, ...]) -> None:
        self.trial.answer_count(data.draw(st.sampled_from(self.trial.counts)), stale)

    @precondition(lambda self: not self.trial.over)
    @rule(pid=st.integers(1, 3), immortal=st.booleans())
    def stray_appears(self, pid: int, *, immortal: bool) -> None:
        self.trial.strays.add(pid)
        if immortal:
            self.trial.immortal.add(pid)

    @precondition(lambda self: self.trial.over)
    @rule(on_exit=st.sampled_from(OnExit))
    def another_run_begins(self, on_exit: OnExit) -> None:
        self.trial = Trial(World(replace(self.trial.world.declared, on_exit=on_exit)))
        self.trial.tell(on.Launched())

    # ---- what comes of it

    @invariant()
    def a_step_was_taken(self) -> None:
        self.before_quit = getattr(self, "before_quit", 0) - 1

    @precondition(lambda self: not self.trial.over)
    @rule()
    def left_alone_it_settles(self) -> None:
        """The world cooperates: the run ends, or is steady on the newest settings."""
        self.trial.settle()
        if self.trial.world.quits:
            assert self.trial.over
        else:
            self.check_steady()

    def check_steady(self) -> None:
        world = self.trial.world
        assert self.trial.supervisor.phase is Phase.STEADY
        assert [*self.trial.supervisor.units] == [*world.names]
        for name in world.spec:
            group = world.groups.get(name)
            if group:
                assert group.ready
                assert not world.stale(name)
                assert not world.outdated(name)
            else:
                assert name in world.held | world.crashed | world.finished | world.due
        if world.on_exit is OnExit.RESTART:
            assert not world.crashed - world.held
        assert not self.forgotten()

    def forgotten(self) -> set[str]:
        """Who is still to be started although nobody it comes after ended."""
        return {
            name
            for name in self.trial.world.due
            if not any(self.hopeless(other) for other in self.trial.world.awaited(name))
        }

    def hopeless(self, name: str) -> bool:
        return name in self.trial.world.crashed | self.trial.world.due

    def teardown(self) -> None:
        """A quit ends every run, even if some services never do."""
        if not hasattr(self, "trial") or self.trial.over:
            return
        self.trial.tell(on.Quit(130))
        if not self.trial.over:
            self.trial.settle(self.stubborn)
        assert self.trial.over


TestRun = Run.TestCase
TestRun.settings = settings(max_examples=300, stateful_step_count=50, deadline=None)
