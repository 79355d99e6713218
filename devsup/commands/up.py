"""`devsup up`: one loop that turns happenings into events, and effects into calls."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from devsup.commands.diary import Diary
from devsup.commands.headcount import Headcount
from devsup.commands.progress import Progress
from devsup.commands.readiness import Readiness
from devsup.commands.terminals import Terminals
from devsup.edges import group, window
from devsup.edges.group import END_PATIENCE, Group, Zygote
from devsup.edges.output import Output
from devsup.pure import effects as do
from devsup.pure import envfile, events, report
from devsup.pure import notices as tell
from devsup.pure.errors import FAILED
from devsup.pure.lifecycle import Want
from devsup.pure.lines import Tone
from devsup.pure.sighting import GENERATION, RUN, SERVICE
from devsup.pure.supervisor import Supervisor
from devsup.pure.unit import Unit

NOT_STARTED = 127
"""The exit code of a command that cannot be found or started, as shells have it."""

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a run takes place: its mark, its directory, and what environments are made from."""

    run: str
    root: Path
    shell: Mapping[str, str] = field(repr=False)
    terminal: bool


class Run:
    """One `devsup up`, from the launch until nothing is left."""

    def __init__(
        self,
        supervisor: Supervisor,
        surroundings: Surroundings,
        zygote: Zygote,
        output: Output,
        diary: Diary,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.supervisor = supervisor
        self.surroundings = surroundings
        self.zygote = zygote
        self.output = output
        self.diary = diary
        self.names = (*supervisor.units,)
        self.advise: Callable[[bytes, Unit], None] = lambda _lines, _unit: None
        self.quitting: Callable[[], None] = lambda: None
        self.begun: Callable[[str], None] = lambda _name: None
        fd = sys.stdout.fileno()
        self.terminals = Terminals(output, fd, by_default=surroundings.terminal)
        self.groups: dict[str, Group] = {}
        self.leaders: dict[str, int] = {}
        self.headcount = Headcount(surroundings.run, self.groups, self.leaders)
        self.readiness = Readiness(self.post, self.headcount.ports)
        self.deadlines: dict[str, float] = {}
        self.queue: deque[events.Event] = deque()
        self.exit_code: asyncio.Future[int] = self.loop.create_future()
        self.progress = Progress(output, self.who_is_awaited)
        self.changed = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds that only events can bring about."""
        while not condition():
            self.changed.clear()
            await self.changed.wait()

    def listen(self) -> None:
        """Hear of signals, of the zygote and of bugs from now on."""
        self.zygote.serve(self.loop, self.zygote_lost)
        self.loop.set_exception_handler(self.callback_failed)
        self.listen_to_signals()

    def launch(self) -> None:
        """Have the services started; what they say is heard later."""
        self.post(events.Launched())

    async def until_exit(self) -> int:
        """Serve until nothing is left; the exit code."""
        try:
            return await self.exit_code
        finally:
            self.readiness.close()
            for name in self.names:  # whoever was never said to be gone
                self.output.finish(name)
            self.terminals.close()
            self.progress.follow(awaited=False)

    def post(self, event: events.Event) -> None:
        """Let the supervisor decide, and do what it says, one event after the other."""
        self.queue.append(event)
        if len(self.queue) > 1:
            return  # brought by an effect of the event in hand: its turn comes
        try:
            self.work_off()
        except Exception as error:  # noqa: BLE001  whoever posts (a task, a command) may swallow it
            self.fail(error)

    def work_off(self) -> None:
        """Take the events that wait, and those that their effects bring.

        Nothing happens to a run that is over: a Ctrl-C more, while its last lines are written.
        """
        while self.queue and not self.exit_code.done():
            effects = self.supervisor.handle(self.queue[0], self.loop.time())
            self.follow_services()
            for effect in effects:
                self.perform(effect)
            self.queue.popleft()
        self.changed.set()
        units = self.supervisor.units.values()
        self.progress.follow(awaited=any(each.moving for each in units))

    def follow_services(self) -> None:
        """Whoever has come must be known before it is started, and written down."""
        names = (*self.supervisor.units,)
        if names == self.names:
            return
        self.names = names
        self.output.expect(names)
        self.terminals.fit()  # the prefix may be wider now
        self.diary.record(self.leaders)
        for gone in self.groups.keys() - {*names}:
            del self.groups[gone]

    def perform(self, effect: do.Effect) -> None:
        """Carry out one effect."""
        match effect:
            case do.Spawn():
                self.spawn(effect)
            case do.Probe(name, epoch, ready, patience):
                self.readiness.ask(name, epoch, ready, patience)
            case do.Arm(name, epoch, delay):
                self.deadlines[name] = self.loop.time() + delay
                self.loop.call_later(delay, self.post, events.TimerFired(name, epoch))
            case do.Signal(name, number, to):
                self.groups[name].signal(number, to.value)
            case do.Kill(name):
                self.groups[name].kill()
            case do.Count(round_, sweep):
                self.count(round_, sweep)
            case do.Say(notice):
                self.say(notice)
            case do.Exit(exit_code):
                self.leave(exit_code)

    def say(self, notice: tell.Notice) -> None:
        """Tell the person in front of the terminal."""
        match notice:
            case tell.Stuck(name):
                notice = self.who_is_stuck(name)
            case tell.Quitting(names):
                notice = notice if window.is_attached() else tell.Quitting(names, 0)
                self.quitting()
        self.output.say(report.sentence(notice), report.tone(notice), report.about(notice))

    def advised(self, text: str, name: str) -> None:
        """Tell the cause of a trouble that a service is in."""
        self.output.say(text, Tone.REPORT, name)

    def leave(self, exit_code: int) -> None:
        """The first word about the end counts."""
        if not self.exit_code.done():
            self.exit_code.set_result(exit_code)

    # ---- the end

    def listen_to_signals(self) -> None:
        """SIGINT and SIGTERM hurry an end that they have begun; SIGHUP never does.

        It comes twice when a terminal is closed, from the shell and from the kernel. Who started us
        with SIGHUP ignored (nohup) means it.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            self.loop.add_signal_handler(number, self.post, events.Quit(EXIT_CODES[number]))
        self.loop.add_signal_handler(signal.SIGWINCH, self.terminals.fit)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self.loop.add_signal_handler(signal.SIGHUP, self.end, EXIT_CODES[signal.SIGHUP])

    def end(self, exit_code: int) -> None:
        """End the run gracefully; nothing new to one that is ending already.

        A signal that follows is the first of whoever sends it: Ctrl-C after `devsup down`, or in
        `devsup up | tee log`, where it ends the reader, too.
        """
        self.post(events.Quit(exit_code, events.Asker.ELSEWHERE))

    def unheard(self) -> None:
        """Nobody reads the output any more."""
        self.end(0)

    def callback_failed(self, _: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        """An exception that nobody awaits: in a callback of the loop it is a bug of ours.

        The rest (no descriptors for one more connection, a command's own failure) does not concern
        the run. Nothing is printed: the message of an exception may hold values of settings.
        """
        if "handle" in context:
            self.fail(context["exception"])

    def fail(self, error: Exception) -> None:
        """A bug of devsup's own ends the run."""
        if not self.exit_code.done():
            self.exit_code.set_exception(error)

    # ---- services

    def spawn(self, effect: do.Spawn) -> None:
        """Start a service under a guardian of its own."""
        name, unit = effect.name, self.supervisor.units[effect.name]
        self.begun(name)
        new = self.groups[name] = Group(self.zygote, partial(self.happened, name))
        environment = envfile.environment(
            self.surroundings.shell,
            effect.settings,
            port=unit.spec.port,
            terminal=self.surroundings.terminal,
            marks={
                RUN: self.surroundings.run,
                SERVICE: name,
                GENERATION: str(effect.generation),
            },
        )
        try:
            theirs = self.terminals.open(unit.spec, partial(self.seen, unit, new))
            new.spawn(self.surroundings.root, unit.spec.shell_line, environment, theirs)
        except OSError as error:
            # Not at once: what else was decided with the start (a probe) must be there to be ended.
            for happening in (group.Failed(error.errno or 0), group.Gone()):
                self.loop.call_soon(self.happened, name, happening)

    def seen(self, unit: Unit, whose: Group, lines: bytes) -> None:
        """Whole lines of a service's output: it may be ready, or in a known trouble.

        Not when they are of a former life, and were read late because nobody reads ours: they say
        nothing of the next one, which has other settings.
        """
        if self.groups.get(unit.spec.name) is whose:
            self.readiness.seen(unit.spec.name, lines)
            self.advise(lines, unit)

    def happened(self, name: str, happening: group.Happening) -> None:
        """What a guardian, or the zygote, says of a service."""
        match happening:
            case group.Started(leader):
                self.leaders[name] = leader
                self.diary.record(self.leaders)
                self.readiness.started(name)  # last: it may be ready, and everybody be counted
            case group.Failed(number):
                text = f"{name} cannot be started: {os.strerror(number)}"
                self.output.say(text, Tone.ALARM, name)
                self.post(events.LeaderExited(name, NOT_STARTED))
            case group.Left(children):
                self.output.catch_up(name)
                self.tell_left_behind(name, children)
            case group.Exited(code):
                self.output.catch_up(name)
                self.post(events.LeaderExited(name, code))
            case group.Gone():
                self.readiness.forget(name)
                self.output.finish(name)
                self.terminals.end(name)
                self.leaders.pop(name, None)
                self.post(events.Emptied(name))

    def zygote_lost(self) -> None:
        """Somebody killed the zygote: nobody guards the guardians any more, so everything goes."""
        ended = self.zygote.end_everything(END_PATIENCE)
        how = report.ending(self.zygote.process.returncode)
        text = f"devsup's own process (the zygote) {how}: everything was stopped"
        self.output.say(text, Tone.ALARM)
        if not ended:
            self.output.say("some processes could not be killed; type: devsup kill", Tone.ALARM)
        self.leave(FAILED)

    # ---- looking

    def tell_left_behind(self, name: str, children: int) -> None:
        """A program made itself a daemon, which is going to be ended with it."""
        if self.supervisor.units[name].life.want is Want.UP:
            self.output.say(report.left_behind(name, children), Tone.PLAIN, name)

    def who_is_stuck(self, name: str) -> tell.Stuck:
        """What a person needs to end a service that devsup cannot end, and who waits for that."""
        roster = self.supervisor.roster
        return tell.Stuck(name, self.headcount.pids_of(name), roster.listed(roster.pending))

    def count(self, round_: int, sweep: tuple[int, ...]) -> None:
        """Kill strays, look at every live process, and tell the supervisor."""
        self.headcount.sweep(sweep)
        inside, strays = self.headcount.take()
        self.diary.witness(self.headcount.daemons(inside))
        is_current = self.supervisor.is_current
        stale = [each.pid for each in inside if not is_current(each.lineage, each.generation)]
        self.post(events.Counted(round_, len(inside), tuple(sorted(strays)), tuple(stale)))

    def who_is_awaited(self) -> str:
        """Who is moving, and how long it still can take."""
        return report.waiting(self.supervisor.units.values(), self.deadlines, self.loop.time())
