"""A model of the machine that a run lives on: what must follow from what happens.

It knows which processes are alive, on which settings, who must go, and who is to be started. It
takes all that from the events alone, and never looks at the supervisor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from devsup.pure import events as on
from devsup.pure.config import OnExit
from devsup.pure.errors import FAILED
from devsup.pure.lifecycle import State
from devsup.pure.stack import Spec

Settings = Mapping[str, str]
Wait = tuple[str, int]
"""A name and an epoch."""


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
    stuck: bool = False
    patience: float = 0.0

    @property
    def asked(self) -> bool:
        """Whether somebody has told it to go, and not only meant to."""
        return self.killed or (self.doomed and self.taken > 0)

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
    """

    specs: Sequence[Spec]
    settings: Settings
    on_exit: OnExit
    generation: int = 1
    groups: dict[str, Group] = field(default_factory=dict)
    started_on: dict[str, Settings] = field(default_factory=dict)
    due: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    crashed: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    delays: dict[str, float] = field(default_factory=dict)
    waits: dict[str, int] = field(default_factory=dict)
    asked: bool = False
    quits: int = 0
    exit_code: int = 0
    spec: dict[str, Spec] = field(init=False)

    def __post_init__(self) -> None:
        self.spec = {spec.name: spec for spec in self.specs}

    # ---- what follows from what happens

    def take(self, event: on.Event, now: float) -> None:
        if isinstance(event, on.LeaderExited | on.Emptied | on.BecameReady | on.TimerFired):
            self.live(event, now)
        elif isinstance(event, on.Quit):
            self.end(event.exit_code)
        elif not self.quits:
            self.change(event)

    def change(self, event: on.Event) -> None:
        match event:
            case on.Launched():
                self.due = set(self.spec)
            case on.Edited(settings) if settings != self.settings:
                self.settings = settings
                self.generation += 1
                self.renew({name for name in self.spec if self.edit_concerns(name)})
            case on.RestartAsked(names):
                self.renew(set(names))
            case on.StartAsked(names):
                self.renew({name for name in names if not self.stays(name)})
            case on.StopAsked(names):
                self.hold(set(names))

    def live(self, event: on.Life, now: float) -> None:
        match event:
            case on.LeaderExited(name, code):
                group = self.groups[name]
                group.leader, group.code, group.patience = False, code, now
                self.asked = group.asked
            case on.Emptied(name):
                self.waits.pop(name, None)
                self.empty(name, self.groups.pop(name))
            case on.BecameReady(name, epoch) | on.TimerFired(name, epoch):
                if self.waits.get(name) == epoch:
                    del self.waits[name]
                    self.wait_is_over(name)

    def wait_is_over(self, name: str) -> None:
        group = self.groups.get(name)
        if group is None:
            if not self.quits:
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
        """Whether a key that concerns it is not what it was when the service was started."""
        old, new = self.started_on.get(name, {}), self.settings
        keys = {key for key in {*old, *new} if old.get(key) != new.get(key)}
        return any(fnmatchcase(key, glob) for key in keys for glob in self.spec[name].concerns)

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
