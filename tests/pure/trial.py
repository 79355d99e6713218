"""A supervisor in a model of the world: its effects are carried out, and objected to."""

from signal import SIGTERM

from world import Group, Settings, Wait, World

from devsup.pure import effects as do
from devsup.pure import events as on
from devsup.pure.config import OnExit
from devsup.pure.errors import FAILED
from devsup.pure.lifecycle import KILL_PATIENCE, State
from devsup.pure.notices import Exited, NotConcerned, Notice
from devsup.pure.programs import Target
from devsup.pure.supervisor import Phase, Supervisor
from devsup.pure.unit import BACKOFF_FIRST, BACKOFF_LIMIT
from devsup.pure.verification import SWEEPS

TICK = 0.01
"""Seconds between two events: an earlier timer is over earlier."""


class Trial:
    """One run; `timers` are still to fire, `probes` and `counts` are what it ever asked."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.supervisor = Supervisor(world.declared)
        self.now = 0.0
        self.event: on.Event = on.Launched()
        self.timers: list[tuple[float, Wait]] = []
        self.probes: list[Wait] = []
        self.waited: set[tuple[type[do.Arm | do.Probe], str, int]] = set()
        self.counts: list[int] = []
        self.strays: set[int] = set()
        self.immortal: set[int] = set()
        self.told: set[int] = set()
        self.stale: tuple[int, ...] = ()
        self.sweeps = 0
        self.counted = False
        self.over = False

    def tell(self, event: on.Event) -> None:
        """Let something happen, do what the supervisor says, and compare."""
        self.now += TICK
        self.event = event
        self.world.take(event, self.now)
        effects = self.supervisor.handle(event, self.now)
        assert "secret" not in repr(effects)
        for effect in effects:
            assert not self.over, "something is done after the end"
            self.carry_out(effect)
        if not self.over:
            self.check()

    # ---- effects: done, and objected to

    def carry_out(self, effect: do.Effect) -> None:
        match effect:
            case do.Spawn(name, generation, settings):
                self.spawn(name, generation, settings)
            case do.Probe(name, epoch):
                self.wait(do.Probe, name, epoch)
                self.probes.append((name, epoch))
            case do.Arm(name, epoch, delay):
                self.arm(name, epoch, delay)
            case do.Signal(name):
                self.signal(name, effect)
            case do.Kill(name):
                self.kill(self.world.groups[name])
            case do.Count(round_, sweep):
                self.count(round_, set(sweep))
            case do.Say(notice):
                self.hear(notice)
            case do.Exit(exit_code):
                self.leave(exit_code)

    def spawn(self, name: str, generation: int, settings: Settings) -> None:
        world = self.world
        assert name not in world.groups, "two groups of one service"
        assert not world.quits, "a start while quitting"
        assert not world.doomed(), "a start before everything that must go is gone"
        assert name not in world.held, "a held service starts"
        assert name in world.names, "a start of what is not declared"
        assert name in world.due, "a start that nobody wants"
        assert settings == world.settings, "a start on old settings"
        assert generation == world.generation, "a start as the wrong generation"
        assert not world.awaited(name), "a start before its turn"
        for names in (world.due, world.crashed, world.finished):
            names.discard(name)
        world.groups[name] = Group(settings, world.spec[name].steps)
        world.started_on[name], world.started_as[name] = settings, world.spec[name]
        world.started_from[name] = world.sources.get(name, 0)

    def arm(self, name: str, epoch: int, delay: float) -> None:
        group = self.world.groups.get(name)
        if group is None:
            self.back_off(name, delay)
        elif group.killed:
            assert delay == KILL_PATIENCE
        elif group.taken:
            assert self.now + delay == group.patience, "another grace than its step's"
        self.wait(do.Arm, name, epoch)
        self.timers.append((self.now + delay, (name, epoch)))

    def wait(self, what: type[do.Arm | do.Probe], name: str, epoch: int) -> None:
        """One answer of each kind in an epoch: when it is ready, and when that is too late."""
        assert (what, name, epoch) not in self.waited, "an old answer would be taken for a new one"
        self.waited.add((what, name, epoch))
        self.world.waits[name] = epoch

    def back_off(self, name: str, delay: float) -> None:
        world = self.world
        assert world.on_exit is OnExit.RESTART
        assert name in world.crashed | world.finished
        assert BACKOFF_FIRST <= delay <= BACKOFF_LIMIT
        assert delay in (BACKOFF_FIRST, 2 * world.delays.get(name, 0.0), BACKOFF_LIMIT)
        world.delays[name] = delay

    def signal(self, name: str, effect: do.Signal) -> None:
        group, steps = self.world.groups[name], self.world.groups[name].steps
        assert not group.killed, "a signal after SIGKILL"
        if not group.leader:
            assert (effect.number, effect.to) == (SIGTERM, Target.ALL)
            group.taken = len(steps)
            group.patience = self.now + steps[0].grace
            return
        step = steps[group.taken]
        assert group.doomed, "a stop that nobody wants"
        assert self.now >= group.patience, "the next step before the grace is over"
        assert (effect.number, effect.to) == (step.signal, step.to)
        assert group.taken or not self.world.dependants(name), "a stop before its dependants'"
        group.taken += 1
        group.patience = self.now + step.grace

    def kill(self, group: Group) -> None:
        graced = group.taken == len(group.steps) and self.now >= group.patience
        assert graced or group.killed or self.world.signals > 1, "SIGKILL before the grace is over"
        group.killed, group.stuck = True, False

    def count(self, round_: int, sweep: set[int]) -> None:
        again = isinstance(self.event, on.Counted)
        assert sweep == (self.told if again else set()), "others are swept than were found"
        self.sweeps = self.sweeps + 1 if again else 0
        self.counted = False
        self.counts.append(round_)
        self.strays -= sweep - self.immortal

    def hear(self, notice: Notice) -> None:
        if isinstance(notice, NotConcerned):
            assert not self.world.due, "somebody is restarted"
        elif isinstance(notice, Exited):
            assert not self.world.asked, "somebody asked for this exit"

    def leave(self, exit_code: int) -> None:
        left = self.world.groups.values()
        assert self.world.quits
        assert all(group.stuck for group in left), "an end before all are gone"
        assert exit_code == (FAILED if left else self.world.exit_code)
        self.over = True

    # ---- what holds after every event

    def check(self) -> None:
        supervisor, world = self.supervisor, self.world
        assert (supervisor.declared, supervisor.generation) == (world.declared, world.generation)
        assert tuple(supervisor.units)[: len(world.names)] == world.names
        assert supervisor.units.keys() == world.spec.keys()
        for name in world.spec:
            self.check_service(name)
        self.check_phase(supervisor.phase)
        self.check_census(supervisor.phase)

    def check_service(self, name: str) -> None:
        world, life = self.world, self.supervisor.units[name].life
        group = world.groups.get(name)
        if group:
            assert life.state is group.state
            assert name not in world.held or group.doomed
            assert self.supervisor.units[name].late is group.late
            waits = self.supervisor.units[name].moving
        elif world.quits or name in world.due:
            assert life.at_rest
            waits = False
        else:
            assert life.state is (State.CRASHED if name in world.crashed else State.DOWN)
            ended = name in (world.crashed | world.finished) - world.held
            waits = ended and world.on_exit is OnExit.RESTART
        assert not waits or world.waits.get(name) == life.epoch, "nothing will ever happen to it"
        assert self.supervisor.fresh(name) is not world.stale(name)
        renewed = name in world.due | world.held or (group and group.doomed) or world.quits
        assert renewed or not world.outdated(name), "left on code older than the last change"

    def check_phase(self, phase: Phase) -> None:
        world = self.world
        if world.quits:
            assert phase is Phase.QUITTING
            assert world.signals < 2 or all(group.killed for group in world.groups.values())
            return
        assert (phase is Phase.DRAINING) is bool(world.doomed())
        if phase is Phase.DRAINING:
            return
        assert not world.removed, "something of a removed service is alive"
        assert not any(world.stale(name) for name in world.groups), "two generations"
        assert all(world.awaited(name) for name in world.due), "a start is forgotten"
        states = {group.state for group in world.groups.values() if not group.late}
        if phase is Phase.STARTING:
            assert states & {State.STARTING, State.STOPPING, State.KILLING}, "nothing is awaited"
        else:
            assert State.STARTING not in states

    def check_census(self, phase: Phase) -> None:
        self.counted &= phase in (Phase.VERIFYING, Phase.STEADY)
        assert self.supervisor.verified is (
            phase is Phase.STEADY and not self.told and not self.stale
        )
        if phase is Phase.VERIFYING:
            assert not self.counted, "no census is awaited"
        elif phase is Phase.STEADY:
            assert self.counted, "steady without a census"
            assert not self.told or self.sweeps == SWEEPS, "strays are left to live"

    # ---- answers

    def fire(self, timer: tuple[float, Wait]) -> None:
        """A timer is over, now or a while ago."""
        self.timers.remove(timer)
        self.now = max(self.now, timer[0])
        self.tell(on.TimerFired(*timer[1]))

    def answer_probe(self, probe: Wait) -> None:
        """Found ready; perhaps once more, or when it is not even running."""
        self.tell(on.BecameReady(*probe, "probe"))

    def answer_count(self, round_: int, stale: tuple[int, ...] = ()) -> None:
        """With the truth, perhaps late or once more."""
        if (round_, Phase.VERIFYING) == (self.counts[-1], self.supervisor.phase):
            self.told, self.stale = {*self.strays}, stale
            self.counted = True
        strays = tuple(sorted(self.strays))
        self.tell(on.Counted(round_, len(self.world.groups), strays, stale))

    # ---- a world that cooperates

    def settle(self, stubborn: frozenset[str] = frozenset()) -> None:
        """Everybody does what he is asked for, the stubborn excepted, until nothing happens."""
        for _ in range(500):
            if self.over or not self.cooperate(stubborn):
                return
        raise AssertionError("it goes on forever")

    def cooperate(self, stubborn: frozenset[str] = frozenset()) -> bool:
        """One step of it; False when there is none."""
        if leaving := [name for name in self.leaving() if name not in stubborn]:
            leader = self.world.groups[leaving[0]].leader
            self.tell(on.LeaderExited(leaving[0], 0) if leader else on.Emptied(leaving[0]))
        elif ready := [probe for probe in self.probes if self.is_awaited(probe)]:
            self.answer_probe(ready[0])
        elif due := [timer for timer in self.timers if self.is_awaited(timer[1])]:
            self.fire(min(due))
        elif self.supervisor.phase is Phase.VERIFYING:
            self.answer_count(self.counts[-1])
        else:
            return False
        return True

    def leaving(self) -> list[str]:
        going = {State.STOPPING, State.KILLING, State.STUCK}
        return [name for name, group in self.world.groups.items() if group.state in going]

    def is_awaited(self, wait: Wait) -> bool:
        return self.world.waits.get(wait[0]) == wait[1]
