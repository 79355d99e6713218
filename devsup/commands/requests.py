"""What another terminal asks of a running devsup, carried out."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from devsup.commands import attached, bug
from devsup.commands.up import Run
from devsup.edges.control import Peer
from devsup.pure import events
from devsup.pure.errors import FAILED, USAGE, DevsupError
from devsup.pure.journal import Journal
from devsup.pure.lifecycle import State, Want
from devsup.pure.nearest import did_you_mean
from devsup.pure.outcome import outcome
from devsup.pure.protocol import Command, Kind, Reply, Request
from devsup.pure.snapshot import Status, as_data
from devsup.pure.supervisor import Phase
from devsup.pure.unit import Unit

LAST_LINES = 12
"""Lines of a crashed service that go with the bad news; two of them may say that it exited."""
PERIOD = 1.0
"""Seconds between two statuses of one who watches, and between two words to one who waits."""

ASKED: Mapping[Command, Callable[[tuple[str, ...]], events.Asked]] = {
    Command.RESTART: events.RestartAsked,
    Command.START: events.StartAsked,
    Command.STOP: events.StopAsked,
}


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers requests; `reread` looks at the files now, `glance` at no process.

    `ended` is set when the run is over and its last line was passed on.
    """

    run: Run
    journal: Journal
    look: Callable[[], Status]
    glance: Callable[[], Status]
    reread: Callable[[], None]
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Request, peer: Peer) -> None:
        """Answer one request to its end.

        Raises:
            DevsupError: it cannot be carried out.
        """
        try:
            if request.command is Command.RESTART:
                self.reread()  # first: there may be other services then
            await self.carry_out(request, peer)
        except (DevsupError, ConnectionError):  # the latter: it hung up, which `Control` sees to
            raise
        except Exception as error:  # noqa: BLE001  the boundary: it must not end the run
            raise bug.refusal(error) from None
        peer.send(Reply(Kind.DONE))

    async def carry_out(self, request: Request, peer: Peer) -> None:
        """Do what is asked, and send all of the reply but its end."""
        names = self.names(request.services)
        match request.command:
            case Command.STATUS:
                await self.status(peer, follow=request.follow)
            case Command.GLANCE:
                peer.send(Reply(Kind.STATUS, status=as_data(self.glance())))
            case Command.COMPARE:
                peer.send(Reply(Kind.STATUS, status={"differences": self.compare()}))
            case Command.LOGS:
                await self.logs(peer, frozenset(names if request.services else ()), request)
            case Command.ATTACH:
                await attached.serve(self.run, peer, names, request)
            case Command.DOWN:
                with self.telling(peer, request):
                    await self.down()
            case Command.READY:
                with self.telling(peer, request):
                    await self.done(peer, names, is_serving, self.run.supervisor.change.began)
            case Command.RESTART | Command.START | Command.STOP as command:
                await self.change(ASKED[command](names), peer, request)

    def names(self, asked: Collection[str]) -> tuple[str, ...]:
        """Instances of what is named, in the Procfile's order; all when nothing is."""
        units = self.run.supervisor.declared_units
        known = {name for unit in units.values() for name in (unit.spec.name, unit.spec.type)}
        for name in asked:
            if name not in known:
                raise DevsupError(
                    f'no service "{name}" is running here{did_you_mean(name, known)}',
                    hint=f"known are: {', '.join(units)}",
                    exit_code=USAGE,
                )
        chosen = set(asked)
        return tuple(
            name for name, unit in units.items() if not chosen or chosen & {name, unit.spec.type}
        )

    async def status(self, peer: Peer, *, follow: bool) -> None:
        """Once, or again and again for as long as the peer reads."""
        peer.send(Reply(Kind.STATUS, status=as_data(self.look())))
        while follow and not await self.ends_within(PERIOD):
            await peer.drained()
            peer.send(Reply(Kind.STATUS, status=as_data(self.look())))

    def compare(self) -> list[tuple[str, int, str, str]]:
        """Where live processes differ from the settings in force."""
        from devsup.commands import comparing  # noqa: PLC0415  seldom asked for

        run = self.run
        found = comparing.compare(run.supervisor, run.headcount.members(), run.surroundings.shell)
        return [(each.service, each.pid, each.key, each.found.value) for each in found]

    async def ends_within(self, seconds: float) -> bool:
        """Wait so long, or until the run is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.ended.wait()
        return self.ended.is_set()

    async def logs(self, peer: Peer, names: frozenset[str], request: Request) -> None:
        """The latest lines, and with `follow` all that come."""
        # Even without a line: who follows a quiet service must see that somebody is there.
        peer.send(lines_of(self.journal.tail(names, request.lines)))
        if not request.follow:
            return
        end = self.journal.listen(lambda _, lines: send_lines(peer, lines), names)
        try:
            await self.ended.wait()
        finally:
            end()

    async def down(self) -> None:
        """End the run; who asks while it ends already only waits: twice would mean to kill.

        Raises:
            DevsupError: it did not end well.
        """
        self.run.end(0)
        if await asyncio.shield(self.run.exit_code) == FAILED:
            raise DevsupError("a service failed or could not be ended", hint="see: devsup logs")

    async def change(self, event: events.Asked, peer: Peer, request: Request) -> None:
        """Have services restarted, started or stopped, and say what became of them."""
        if self.run.supervisor.phase is Phase.QUITTING:
            raise ending()
        asked = self.run.loop.time()
        self.run.post(event)
        for problem in self.run.supervisor.problems:
            peer.send(Reply(Kind.SAY, f"{problem}; what the files said last stays in force"))
        for remark in self.without_predecessors(event):
            peer.send(Reply(Kind.SAY, remark))
        if request.wait:
            is_meant = is_stopped if isinstance(event, events.StopAsked) else is_serving
            with self.telling(peer, request):
                await self.done(peer, event.names, is_meant, asked)

    def without_predecessors(self, event: events.Asked) -> Iterator[str]:
        """Who starts though it comes after what was stopped: that is not waited for."""
        supervisor = self.run.supervisor
        for name in () if isinstance(event, events.StopAsked) else event.names:
            if stopped := supervisor.roster.held & {*supervisor.units[name].spec.after}:
                names = " ".join(supervisor.roster.listed(stopped))
                yield f"{name} comes after {names}, stopped by you; type: devsup start {names}"

    @contextmanager
    def telling(self, peer: Peer, request: Request) -> Iterator[None]:
        """Tell meanwhile who is awaited, if it is wanted to be known."""
        if not request.follow:
            yield
            return
        telling = asyncio.ensure_future(self.tell(peer))
        try:
            yield
        finally:
            telling.cancel()

    async def tell(self, peer: Peer) -> None:
        """Who is awaited, each second."""
        while True:
            await asyncio.sleep(PERIOD)
            peer.send(Reply(Kind.WAITING, self.run.who_is_awaited()))

    async def done(
        self, peer: Peer, names: Collection[str], is_meant: Callable[[Unit], bool], asked: float
    ) -> None:
        """Wait until these services go nowhere any more, and say where they are.

        What was done since `asked` (of the loop's time) is told with it.

        Raises:
            DevsupError: some of them are not where they were meant to go.
        """
        await self.run.until(lambda: self.is_settled(names))
        if self.run.supervisor.phase is Phase.QUITTING:
            raise ending()
        known = self.run.supervisor.declared_units
        if removed := [name for name in names if name not in known]:
            raise DevsupError(f"removed from the Procfile meanwhile: {' '.join(removed)}")
        units = [known[name] for name in names]
        for unit in units:
            peer.send(Reply(Kind.SAY, self.standing(unit, asked)))
        failed = [unit for unit in units if not is_meant(unit)]
        for unit in failed:
            send_lines(peer, self.journal.last_life(unit.spec.name, LAST_LINES))
        if failed:
            names = " ".join(unit.spec.name for unit in failed)
            raise DevsupError(f"failed: {names}", hint=f"see: devsup logs {names}")

    def standing(self, unit: Unit, asked: float) -> str:
        """What became of a service, and why it was not even started."""
        roster = self.run.supervisor.roster
        name, before = unit.spec.name, " ".join(unit.spec.after)
        if name in roster.blocked:
            return f"{name} is not started: it comes after {before}, not all of it runs"
        if name in roster.pending and unit.life.at_rest and before:
            return f"{name} is not started: it comes after {before}, not all of it is ready"
        return outcome(unit, asked)

    def is_settled(self, names: Collection[str]) -> bool:
        """Whether nothing is awaited of these services any more.

        A stuck service keeps the run from ever being steady: then it is enough that nothing moves.
        """
        supervisor = self.run.supervisor
        everybody = supervisor.units.values()
        if supervisor.phase is Phase.QUITTING:
            return True
        if any(unit.life.state is State.STUCK for unit in everybody):
            return not any(unit.moving for unit in everybody)
        moving = any(unit.moving for unit in everybody if unit.spec.name in names)
        return supervisor.phase is Phase.STEADY and not moving


def is_serving(unit: Unit) -> bool:
    """Where a start leads: up, or ended well by itself."""
    return unit.life.state is State.UP or (unit.finished and unit.life.want is Want.UP)


def is_stopped(unit: Unit) -> bool:
    """Where a stop leads."""
    return unit.life.at_rest


def ending() -> DevsupError:
    """The refusal of what makes no sense any more."""
    return DevsupError("devsup is ending", exit_code=FAILED)


def send_lines(peer: Peer, lines: bytes) -> None:
    """Lines of output, if there are any."""
    if lines:
        peer.send(lines_of(lines))


def lines_of(lines: bytes) -> Reply:
    """Lines of output; bytes that are no UTF-8 are shown as what they are."""
    return Reply(Kind.LINES, lines.decode(errors="backslashreplace"))
