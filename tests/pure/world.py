"""A model of the machine that a run lives on: it does what the supervisor says, and objects.

It knows which processes are alive, on which settings, who must go, and who is to be started; it
takes all that from the events alone, never from the supervisor, and then compares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from signal import SIGTERM

from devsup import effects as do
from devsup import events as on
from devsup.config import OnExit
from devsup.errors import FAILED
from devsup.lifecycle import KILL_PATIENCE, State
from devsup.notices import Exited, NotConcerned, Notice
from devsup.programs import Target
from devsup.stack import Spec
from devsup.supervisor import SWEEPS, Phase, Supervisor
from devsup.unit import BACKOFF_FIRST, BACKOFF_LIMIT

Settings = Mapping[str, str]
Wait = tuple[str, int]
"""A name and an epoch."""

TICK = 0.01
"""Seconds between two events: an earlier timer is over earlier."""


@dataclass(slots=True)
class Group:
    """The live processes of one service.

    `doomed` says that it has to be gone before anything is started, `taken` how many steps of its
    stop sequence it has seen, `patience` when the grace that it was given is over.
    """

    settings: Settings
    leader: bool = True
    code: int | None = None
    ready: bool = False
    doomed: bool = False
    taken: int = 0
    killed: bool = False
    patience: float = 0.0

    @property
    def asked(self) -> bool:
        """Whether somebody has told it to go, and not only meant to."""
        return self.killed or (self.doomed and self.taken > 0)

    @property
    def state(self) -> set[State]:
        """What the supervisor may call it."""
        if self.killed:
            return {State.KILLING, State.STUCK}
        if self.taken or not self.leader:
            return {State.STOPPING}
        return {State.UP if self.ready else State.STARTING}


@dataclass(slots=True)
class World:
    """Everything around one supervisor, from the launch to the exit."""

    specs: Sequence[Spec]
    settings: Settings
    on_exit: OnExit
    now: float = 0.0
    generation: int = 1
    groups: dict[str, Group] = field(default_factory=dict)
    started_on: dict[str, Settings] = field(default_factory=dict)
    due: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    crashed: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    backing_off: dict[str, int] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    timers: list[tuple[float, Wait]] = field(default_factory=list)
    probes: list[Wait] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    strays: set[int] = field(default_factory=set)
    immortal: set[int] = field(default_factory=set)
    told: set[int] = field(default_factory=set)
    sweeps: int = 0
    counted: bool = False
    asked: bool = False
    quits: int = 0
    expected_exit: int = 0
    exit_code: int | None = None
    event: on.Event = field(default_factory=on.Launched)
    supervisor: Supervisor = field(init=False)
    spec: dict[str, Spec] = field(init=False)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.specs, self.settings, self.on_exit)
        self.spec = {spec.name: spec for spec in self.specs}

    # ---- events: what follows from them, and what the supervisor makes of them

    def tell(self, event: on.Event) -> None:
        """Let something happen, do what the supervisor says, and compare."""
        self.now += TICK
        self.event = event
        self.expect(event)
        effects = self.supervisor.handle(event, self.now)
        assert "secret" not in repr(effects)
        for effect in effects:
            assert self.exit_code is None, "something is done after the end"
            self.carry_out(effect)
        if self.exit_code is None:
            self.check()

    def expect(self, event: on.Event) -> None:
        if isinstance(event, on.LeaderExited | on.Emptied | on.BecameReady | on.TimerFired):
            self.expect_of_service(event)
        elif isinstance(event, on.Quit):
            self.expect_end(event.exit_code)
        elif not self.quits:
            self.expect_change(event)

    def expect_change(self, event: on.Event) -> None:
        match event:
            case on.Launched():
                self.due = set(self.spec)
            case on.Edited(settings) if settings != self.settings:
                self.settings = settings
                self.generation += 1
                self.renew({name for name in self.spec if self.edit_concerns(name)})
            case on.RestartAsked(names):
                self.held.difference_update(names)
                self.renew(set(names))
            case on.StartAsked(names):
                self.held.difference_update(names)
                self.renew({name for name in names if not self.stays(name)})
            case on.StopAsked(names):
                self.hold(set(names))

    def expect_of_service(self, event: on.Life) -> None:
        name = event.name
        match event:
            case on.LeaderExited(_, code):
                self.expect_exit(self.groups[name], code)
            case on.Emptied():
                self.expect_empty(name, self.groups.pop(name))
            case on.BecameReady(_, epoch) if (name, epoch) == self.wait(name):
                if name in self.groups:
                    self.groups[name].ready = True
            case on.TimerFired(_, epoch) if (name, epoch) == self.wait(name):
                self.expect_timer(name)

    def expect_exit(self, group: Group, code: int) -> None:
        group.leader = False
        group.code = code
        group.patience = self.now
        self.asked = group.asked

    def expect_timer(self, name: str) -> None:
        group = self.groups.get(name)
        if group and State.STARTING in group.state:
            group.ready = True
        elif self.backing_off.get(name) == self.wait(name)[1]:
            del self.backing_off[name]
            if not self.quits and name not in self.held:
                self.due.add(name)

    def expect_empty(self, name: str, group: Group) -> None:
        self.asked = group.asked
        if group.doomed:
            return
        well = group.code == 0
        (self.finished if well else self.crashed).add(name)
        if self.on_exit is OnExit.STOP:
            self.expect_end(0 if well else FAILED)

    def expect_end(self, exit_code: int) -> None:
        self.quits += 1
        if self.quits == 1:
            self.expected_exit = exit_code
            self.due.clear()
        for group in self.groups.values():
            group.doomed = True

    # ---- what the files and the askers want

    def concerned(self, name: str, old: Settings) -> bool:
        keys = {key for key in {*old, *self.settings} if old.get(key) != self.settings.get(key)}
        return any(fnmatchcase(key, glob) for key in keys for glob in self.spec[name].concerns)

    def stale(self, name: str) -> bool:
        return self.concerned(name, self.started_on.get(name, {}))

    def edit_concerns(self, name: str) -> bool:
        group = self.groups.get(name)
        dying = group is not None and not group.leader and not group.doomed and group.code != 0
        broken = dying or name in self.crashed or name in self.due
        return name not in self.held and (broken or self.stale(name))

    def stays(self, name: str) -> bool:
        group = self.groups.get(name)
        return group is not None and group.leader and not group.doomed

    def renew(self, names: set[str]) -> None:
        self.due |= names
        for name in names:
            self.delays.pop(name, None)
        self.doom(names)

    def hold(self, names: set[str]) -> None:
        self.held |= names
        self.due -= names
        self.crashed -= names
        self.doom(names)

    def doom(self, names: set[str]) -> None:
        for name in names:
            self.backing_off.pop(name, None)
        for name in names & self.groups.keys():
            self.groups[name].doomed = True

    # ---- effects: done, and objected to

    def carry_out(self, effect: do.Effect) -> None:
        match effect:
            case do.Spawn(name, generation, settings):
                self.spawn(name, generation, settings)
            case do.Probe(name, epoch):
                self.probes.append((name, epoch))
            case do.Arm(name, epoch, delay):
                self.arm(name, epoch, delay)
            case do.Signal(name):
                self.signal(name, effect)
            case do.Kill(name):
                self.kill(name)
            case do.Count(round_, sweep):
                self.count(round_, set(sweep))
            case do.Say(notice):
                self.hear(notice)
            case do.Exit(exit_code):
                self.leave(exit_code)

    def spawn(self, name: str, generation: int, settings: Settings) -> None:
        assert name not in self.groups, "two groups of one service"
        assert not self.quits, "a start while quitting"
        assert not self.doomed(), "a start before everything that must go is gone"
        assert name not in self.held, "a held service starts"
        assert name in self.due, "a start that nobody wants"
        assert settings == self.settings, "a start on old settings"
        assert generation == self.generation, "a start as the wrong generation"
        assert not self.awaited(name), "a start before its turn"
        self.due.remove(name)
        self.crashed.discard(name)
        self.finished.discard(name)
        self.backing_off.pop(name, None)
        self.groups[name] = Group(settings)
        self.started_on[name] = settings

    def arm(self, name: str, epoch: int, delay: float) -> None:
        if name not in self.groups:
            self.back_off(name, epoch, delay)
        elif self.groups[name].killed:
            assert delay == KILL_PATIENCE
        elif self.groups[name].taken:
            assert self.now + delay == self.groups[name].patience, "another grace than its step's"
        self.timers.append((self.now + delay, (name, epoch)))

    def back_off(self, name: str, epoch: int, delay: float) -> None:
        assert self.on_exit is OnExit.RESTART
        assert name in self.crashed | self.finished
        assert BACKOFF_FIRST <= delay <= BACKOFF_LIMIT
        assert delay in (BACKOFF_FIRST, 2 * self.delays.get(name, 0.0), BACKOFF_LIMIT)
        self.delays[name] = delay
        self.backing_off[name] = epoch

    def signal(self, name: str, effect: do.Signal) -> None:
        group, spec = self.groups[name], self.spec[name]
        assert not group.killed, "a signal after SIGKILL"
        if not group.leader:
            assert (effect.number, effect.to) == (SIGTERM, Target.ALL)
            group.taken = len(spec.steps)
            group.patience = self.now + spec.steps[0].grace
            return
        assert group.doomed, "a stop that nobody wants"
        assert self.now >= group.patience, "the next step before the grace is over"
        step = spec.steps[group.taken]
        assert (effect.number, effect.to) == (step.signal, step.to)
        assert group.taken or not self.dependants(name), "a stop before its dependants are gone"
        group.taken += 1
        group.patience = self.now + step.grace

    def kill(self, name: str) -> None:
        group = self.groups[name]
        graced = group.taken == len(self.spec[name].steps) and self.now >= group.patience
        assert graced or group.killed or self.quits > 1, "SIGKILL before the grace is over"
        group.killed = True
        group.patience = self.now + KILL_PATIENCE

    def count(self, round_: int, sweep: set[int]) -> None:
        again = isinstance(self.event, on.Counted)
        assert sweep == (self.told if again else set()), "others are swept than were found"
        self.sweeps = self.sweeps + 1 if again else 0
        self.counts.append(round_)
        self.strays -= sweep - self.immortal

    def hear(self, notice: Notice) -> None:
        if isinstance(notice, NotConcerned):
            assert not self.due, "somebody is restarted"
        elif isinstance(notice, Exited):
            assert not self.asked, "somebody asked for this exit"

    def leave(self, exit_code: int) -> None:
        assert self.quits
        assert all(self.stuck(name) for name in self.groups), "an end before all are gone"
        assert exit_code == (FAILED if self.groups else self.expected_exit)
        self.exit_code = exit_code

    # ---- how things are

    def wait(self, name: str) -> Wait:
        return name, self.supervisor.units[name].life.epoch

    def doomed(self) -> set[str]:
        return {name for name, group in self.groups.items() if group.doomed}

    def stuck(self, name: str) -> bool:
        group = self.groups[name]
        return group.killed and self.supervisor.units[name].life.state is State.STUCK

    def dependants(self, name: str) -> set[str]:
        """Who must be gone before this one is stopped."""
        return {
            other
            for other in self.doomed()
            if name in self.spec[other].after and not self.stuck(other)
        }

    def awaited(self, name: str) -> set[str]:
        """Whom this one has to wait for."""
        return {other for other in self.spec[name].after if not self.lets_start(other)}

    def lets_start(self, name: str) -> bool:
        if name in self.due:
            return False
        group = self.groups.get(name)
        up = group is not None and group.state == {State.UP}
        return up or name in self.held or (group is None and name in self.finished)

    def check(self) -> None:
        """What holds after every event."""
        supervisor = self.supervisor
        assert (supervisor.settings, supervisor.generation) == (self.settings, self.generation)
        for name in self.spec:
            self.check_service(name)
        self.check_phase(supervisor.phase)

    def check_service(self, name: str) -> None:
        unit, group = self.supervisor.units[name], self.groups.get(name)
        if group is None:
            at_rest = State.CRASHED if name in self.crashed else State.DOWN
            assert unit.life.state is at_rest or self.quits or name in self.due
            waits = name in self.backing_off and not self.quits
        else:
            assert unit.life.state in group.state
            assert name not in self.held or group.doomed
            waits = unit.moving
        armed = {wait for _, wait in self.timers} | {*self.probes}
        assert not waits or self.wait(name) in armed, "nothing will ever happen to it"
        assert self.supervisor.fresh(name) is not self.stale(name)

    def check_phase(self, phase: Phase) -> None:
        self.counted &= phase in (Phase.VERIFYING, Phase.STEADY)
        if self.quits:
            assert phase is Phase.QUITTING
            assert self.quits == 1 or all(group.killed for group in self.groups.values())
            return
        assert (phase is Phase.DRAINING) is bool(self.doomed())
        if phase is Phase.DRAINING:
            return
        assert not any(self.stale(name) for name in self.groups), "two generations"
        assert all(self.awaited(name) for name in self.due), "a start is forgotten"
        moving = any(unit.moving for unit in self.supervisor.units.values())
        if phase is Phase.STARTING:
            assert moving, "nothing is awaited"
        else:
            assert not any(group.state == {State.STARTING} for group in self.groups.values())
        self.check_census(phase)

    def check_census(self, phase: Phase) -> None:
        if phase is Phase.VERIFYING:
            assert self.supervisor.round in self.counts, "no census is awaited"
        if phase is Phase.STEADY:
            assert self.counted, "steady without a census"
            assert not self.told or self.sweeps == SWEEPS, "strays are left to live"
            assert self.supervisor.verified is not bool(self.told)
        else:
            assert not self.supervisor.verified

    # ---- a world that cooperates

    def settle(self, stubborn: frozenset[str] = frozenset()) -> None:
        """Everybody does what he is asked for, the stubborn excepted, until nothing happens."""
        for _ in range(500):
            if self.exit_code is not None or not self.cooperate(stubborn):
                return
        raise AssertionError("it goes on forever")

    def cooperate(self, stubborn: frozenset[str]) -> bool:
        """One step of it; False when there is none."""
        leaving = [
            name
            for name, group in self.groups.items()
            if name not in stubborn and (group.taken or group.killed or not group.leader)
        ]
        if leaving and self.groups[leaving[0]].leader:
            self.tell(on.LeaderExited(leaving[0], 0))
        elif leaving:
            self.tell(on.Emptied(leaving[0]))
        elif ready := [wait for wait in self.probes if wait == self.wait(wait[0])]:
            self.answer_probe(ready[0])
        elif due := sorted(timer for timer in self.timers if timer[1] == self.wait(timer[1][0])):
            self.fire(due[0])
        elif self.supervisor.phase is Phase.VERIFYING:
            self.answer_count(self.supervisor.round)
        else:
            return False
        return True

    def fire(self, timer: tuple[float, Wait]) -> None:
        self.timers.remove(timer)
        self.now = max(self.now, timer[0])
        self.tell(on.TimerFired(*timer[1]))

    def answer_probe(self, probe: Wait) -> None:
        self.probes.remove(probe)
        self.tell(on.BecameReady(*probe, "probe"))

    def answer_count(self, round_: int) -> None:
        """With the truth, late or not."""
        self.counts.remove(round_)
        if (round_, Phase.VERIFYING) == (self.supervisor.round, self.supervisor.phase):
            self.told = {*self.strays}
            self.counted = True
        self.tell(on.Counted(round_, len(self.groups), tuple(sorted(self.strays))))
