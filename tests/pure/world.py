"""A model of the machine that a run lives on: what must follow from what happens.

It knows which processes are alive, on which settings, who must go, and who is to be started. It
takes all that from the events alone, and never looks at the supervisor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from devsup.pure import events as on
from devsup.pure.config import OnExit
from devsup.pure.declaration import Declaration
from devsup.pure.errors import FAILED
from devsup.pure.lifecycle import State
from devsup.pure.programs import Step
from devsup.pure.stack import Spec

Settings = Mapping[str, str]
Wait = tuple[str, int]
"""A name and an epoch."""
Steps = tuple[Step, ...]


@dataclass(slots=True)
class Group:
    """The live processes of one service.

    `steps` is the stop sequence that it gets, `taken` how many of them it has seen, `patience` when
    the grace that it was given is over. `doomed` says that it has to be gone before anything is
    started.
    """

    settings: Settings
    steps: Steps
    leader: bool = True
    code: int | None = None
    ready: bool = False
    overdue: bool = False
    doomed: bool = False
    taken: int = 0
    killed: bool = False
    stuck: bool = False
    patience: float = 0.0

    @property
    def asked(self) -> bool:
        """Whether somebody has told it to go, and not only meant to."""
        return self.killed or (self.doomed and self.taken > 0)

    @property
    def late(self) -> bool:
        """Whether it is not waited for any more."""
        return self.overdue and self.state is State.STARTING

    @property
    def state(self) -> State:
        if self.stuck:
            return State.STUCK
        if self.killed:
            return State.KILLING
        if self.taken or not self.leader:
            return State.STOPPING
        return State.UP if self.ready else State.STARTING


@dataclass(slots=True)
class World:
    """Everything around one supervisor, from the launch to the exit.

    `due` is to be started, `held` must not be; `waits` is the epoch of what each service waits for.
    `spec` also has those who were removed and are not yet gone. `sources` counts the changes of
    what each watches, `started_from` those before its last start.
    """

    declared: Declaration
    generation: int = 1
    groups: dict[str, Group] = field(default_factory=dict)
    started_on: dict[str, Settings] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    started_from: dict[str, int] = field(default_factory=dict)
    started_as: dict[str, Spec] = field(default_factory=dict)
    due: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    crashed: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    delays: dict[str, float] = field(default_factory=dict)
    waits: dict[str, int] = field(default_factory=dict)
    asked: bool = False
    quits: int = 0
    signals: int = 0
    exit_code: int = 0
    spec: dict[str, Spec] = field(init=False)

    def __post_init__(self) -> None:
        self.spec = {spec.name: spec for spec in self.declared.specs}

    @property
    def settings(self) -> Settings:
        return self.declared.settings

    @property
    def on_exit(self) -> OnExit:
        return self.declared.on_exit

    @property
    def names(self) -> tuple[str, ...]:
        """Who is declared, in that order."""
        return tuple(spec.name for spec in self.declared.specs)

    @property
    def removed(self) -> set[str]:
        return {*self.spec} - {*self.names}

    # ---- what follows from what happens

    def take(self, event: on.Event, now: float) -> None:
        if isinstance(event, on.TimerFired) and self.is_late(event.name):
            self.groups[event.name].overdue |= self.waits.get(event.name) == event.epoch
            return
        if isinstance(event, on.LeaderExited | on.Emptied | on.BecameReady | on.TimerFired):
            self.live(event, now)
        elif isinstance(event, on.Quit):
            self.signals += event.asker is on.Asker.SIGNAL
            self.end(event.exit_code)
        elif not self.quits:
            self.change(event)

    def is_late(self, name: str) -> bool:
        """Whether a timer can only tell that it is late: its probe says when it is ready."""
        group = self.groups.get(name)
        return group is not None and group.state is State.STARTING

    def change(self, event: on.Event) -> None:
        match event:
            case on.Launched():
                self.due = {*self.names}
            case on.Edited(declared):
                self.edit(declared)
            case on.SourceChanged(names):
                known = {*names} & {*self.names}
                self.sources |= {name: self.sources.get(name, 0) + 1 for name in known}
                self.renew(known - self.held - self.due)
            case on.RestartAsked(names):
                self.renew({*names} & {*self.names})
            case on.StartAsked(names):
                self.renew({name for name in {*names} & {*self.names} if not self.stays(name)})
            case on.StopAsked(names):
                self.hold({*names} & {*self.names})

    def live(self, event: on.Life, now: float) -> None:
        match event:
            case on.LeaderExited(name, code):
                group = self.groups[name]
                group.leader, group.code, group.patience = False, code, now
                self.asked = group.asked
            case on.Emptied(name):
                self.waits.pop(name, None)
                self.empty(name, self.groups.pop(name))
                if name in self.removed:
                    self.forget(name)
            case on.BecameReady(name, epoch) | on.TimerFired(name, epoch):
                if self.waits.get(name) == epoch:
                    del self.waits[name]
                    self.wait_is_over(name)

    def wait_is_over(self, name: str) -> None:
        group = self.groups.get(name)
        if group is None:
            if not self.quits and self.on_exit is OnExit.RESTART:
                self.due.add(name)
        elif group.state is State.STARTING:
            group.ready = True
        elif group.state is State.KILLING:
            group.stuck = True

    def empty(self, name: str, group: Group) -> None:
        self.asked = group.asked
        if group.doomed:
            return
        well = group.code == 0
        (self.finished if well else self.crashed).add(name)
        if self.on_exit is OnExit.STOP:
            self.end(0 if well else FAILED)

    def end(self, exit_code: int) -> None:
        self.quits += 1
        if self.quits == 1:
            self.exit_code = exit_code
            self.due.clear()
        for group in self.groups.values():
            group.doomed = True

    # ---- what the files and the askers want

    def edit(self, new: Declaration) -> None:
        old, self.declared = self.declared, new
        self.generation += old.settings != new.settings
        former = {spec.name: spec for spec in old.specs}
        self.spec |= {spec.name: spec for spec in new.specs}
        self.due |= {*self.names} - {*former}
        self.remove({*former} - {*self.names})
        for name in self.names:
            self.redeclare(name)
        if (old.settings, old.on_exit) == (new.settings, new.on_exit) and former == self.latest:
            return
        names = {name for name in self.names if self.edit_concerns(name)}
        if new.on_exit is OnExit.RESTART and old.on_exit is not OnExit.RESTART:
            names |= self.finished - self.held
        self.renew(names)

    @property
    def latest(self) -> dict[str, Spec]:
        return {spec.name: spec for spec in self.declared.specs}

    def redeclare(self, name: str) -> None:
        """What runs, and is not yet told to go, is told in the newest way; not another program."""
        group = self.groups.get(name)
        if group and group.state in (State.STARTING, State.UP) and not self.differs(name):
            self.started_as[name] = self.spec[name]
            group.steps = self.spec[name].steps

    def remove(self, names: set[str]) -> None:
        for wanted in (self.held, self.due, self.crashed, self.finished):
            wanted.difference_update(names)
        self.doom(names)
        for name in names - {*self.groups}:
            self.forget(name)

    def forget(self, name: str) -> None:
        for known in (self.started_on, self.started_as, self.waits, self.delays):
            known.pop(name, None)
        for counted in (self.sources, self.started_from):
            counted.pop(name, None)
        del self.spec[name]

    def edit_concerns(self, name: str) -> bool:
        group = self.groups.get(name)
        dying = group is not None and not group.leader and not group.doomed and group.code != 0
        broken = dying or name in self.crashed or name in self.due
        return name not in self.held and (broken or self.stale(name))

    def stays(self, name: str) -> bool:
        group = self.groups.get(name)
        return group is not None and group.leader and not group.doomed

    def renew(self, names: set[str]) -> None:
        self.held -= names
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
            if name in self.groups:
                self.groups[name].doomed = True
            else:
                self.waits.pop(name, None)

    # ---- how things are

    def stale(self, name: str) -> bool:
        """Whether something that concerns it is not what it was when the service was started."""
        if name in self.removed or self.differs(name):
            return True
        old, new = self.started_on.get(name, {}), self.settings
        keys = {key for key in {*old, *new} if old.get(key) != new.get(key)}
        return any(fnmatchcase(key, glob) for key in keys for glob in self.spec[name].concerns)

    def outdated(self, name: str) -> bool:
        """Whether its sources changed since it was started."""
        return self.started_from.get(name, 0) != self.sources.get(name, 0)

    def differs(self, name: str) -> bool:
        """Whether another line, or another sign to wait for, is declared than it was started on."""
        old, new = self.started_as.get(name, self.spec[name]), self.spec[name]
        group = self.groups.get(name)
        starting = group is not None and group.state is State.STARTING
        other_sign = starting and old.ready != new.ready
        return other_sign or (old.shell_line, old.port) != (new.shell_line, new.port)

    def doomed(self) -> set[str]:
        return {name for name, group in self.groups.items() if group.doomed}

    def dependants(self, name: str) -> set[str]:
        """Who must be gone before this one is stopped."""
        return {
            other
            for other in self.doomed()
            if name in self.spec[other].after and not self.groups[other].stuck
        }

    def awaited(self, name: str) -> set[str]:
        """Whom this one has to wait for."""
        return {other for other in self.spec[name].after if not self.lets_start(other)}

    def lets_start(self, name: str) -> bool:
        if name in self.due:
            return False
        group = self.groups.get(name)
        up = group is not None and group.state is State.UP
        return up or name in self.held or (group is None and name in self.finished)
