"""What another terminal asks of a running devsup, carried out."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from devsup import events, report
from devsup.control import Peer
from devsup.errors import FAILED, USAGE, DevsupError
from devsup.journal import Journal
from devsup.lifecycle import State
from devsup.nearest import did_you_mean
from devsup.protocol import Command, Kind, Reply, Request, Status, as_data
from devsup.supervisor import Phase
from devsup.up import Run

LAST_LINES = 10
"""Lines of a crashed service that go with the bad news."""
PERIOD = 1.0
"""Seconds between two statuses of one who watches."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers requests; `reread` looks at the env files now."""

    run: Run
    journal: Journal
    look: Callable[[], Status]
    reread: Callable[[], None]

    async def answer(self, request: Request, peer: Peer) -> None:
        """Answer one request to its end.

        Raises:
            DevsupError: it cannot be carried out.
        """
        names = self.names(request.services)
        match request.command:
            case Command.STATUS:
                await self.status(peer, follow=request.follow)
            case Command.LOGS:
                await self.logs(peer, frozenset(names if request.services else ()), request)
            case Command.DOWN:
                self.run.post(events.Quit(0))
                await asyncio.shield(self.run.exit_code)
            case Command.READY:
                await self.done(peer, names)
            case Command.RESTART:
                self.reread()
                await self.change(events.RestartAsked(names), peer, request)
            case Command.START:
                await self.change(events.StartAsked(names), peer, request)
            case Command.STOP:
                await self.change(events.StopAsked(names), peer, request)
        peer.send(Reply(Kind.DONE))

    def names(self, asked: Collection[str]) -> tuple[str, ...]:
        """Instances of what is named, in the Procfile's order; all when nothing is."""
        units = self.run.supervisor.units
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
        while follow:
            await asyncio.sleep(PERIOD)
            await peer.drained()
            peer.send(Reply(Kind.STATUS, status=as_data(self.look())))

    async def logs(self, peer: Peer, names: frozenset[str], request: Request) -> None:
        """The latest lines, and with `follow` all that come."""
        send_lines(peer, self.journal.tail(names, request.lines))
        if not request.follow:
            return
        end = self.journal.listen(
            lambda name, lines: send_lines(peer, lines if not names or name in names else b"")
        )
        try:
            await asyncio.shield(self.run.exit_code)
        finally:
            end()

    async def change(self, event: events.Asked, peer: Peer, request: Request) -> None:
        """Have services restarted, started or stopped, and say what became of them."""
        if self.run.supervisor.phase is Phase.QUITTING:
            raise DevsupError("devsup is ending", exit_code=FAILED)
        self.run.post(event)
        if request.wait:
            await self.done(peer, event.names)

    async def done(self, peer: Peer, names: Collection[str]) -> None:
        """Wait until these services are where they are going.

        Raises:
            DevsupError: some of them failed.
        """
        await self.run.until(lambda: self.is_settled(names))
        units = [self.run.supervisor.units[name] for name in names]
        for unit in units:
            peer.send(Reply(Kind.SAY, report.standing(unit)))
        failed = [unit for unit in units if unit.life.state in {State.CRASHED, State.STUCK}]
        for unit in failed:
            send_lines(peer, self.journal.tail({unit.spec.name}, LAST_LINES))
        if failed:
            names = " ".join(unit.spec.name for unit in failed)
            raise DevsupError(f"failed: {names}", hint=f"see: devsup logs {names}")

    def is_settled(self, names: Collection[str]) -> bool:
        """Whether nothing is awaited of these services any more."""
        supervisor = self.run.supervisor
        if supervisor.phase is Phase.QUITTING:
            return True
        units = (supervisor.units[name] for name in names)
        return supervisor.phase is Phase.STEADY and not any(unit.moving for unit in units)


def send_lines(peer: Peer, lines: bytes) -> None:
    """Lines of output; bytes that are no UTF-8 are shown as what they are."""
    if lines:
        peer.send(Reply(Kind.LINES, lines.decode(errors="backslashreplace")))
