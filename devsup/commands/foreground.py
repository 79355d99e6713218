"""`devsup up` in front of a person: the keys they type, and Ctrl-Z."""

import asyncio
import signal
import sys
from contextlib import suppress

from devsup.commands.requests import Desk
from devsup.commands.up import Run
from devsup.edges.keyboard import Keyboard, is_controlling
from devsup.pure import events, keys, status_report
from devsup.pure.bottom import Layer
from devsup.pure.errors import DevsupError
from devsup.pure.keys import Act
from devsup.pure.words import refusal

LAST_WORDS = 0.2
"""Seconds at most for what is still to be written before devsup is stopped."""


class Foreground:
    """Carries out what is typed, where stdin and stdout are the terminal that stops and ends us.

    Both: in `devsup up | less` the keys are for less.
    """

    def __init__(self, run: Run, desk: Desk) -> None:
        self.run = run
        self.desk = desk
        self.output = run.output
        self.state: keys.State = keys.Idle()
        self.keyboard: Keyboard | None = None
        self.stopping: asyncio.Future[None] | None = None

    @property
    def services(self) -> tuple[str, ...]:
        """Their names, as they are numbered now."""
        return tuple(self.run.supervisor.declared_units)

    def open(self) -> None:
        """Take the keys, if there is somebody to type them."""
        if not (sys.stdin and self.output.is_clever and is_controlling(sys.stdin.fileno())):
            return
        try:
            self.keyboard = Keyboard(self.run.loop, self.run.zygote, self.typed)
        except OSError:  # no descriptor is left: then without keys
            return
        self.run.loop.add_signal_handler(signal.SIGTSTP, self.suspend)
        self.run.loop.add_signal_handler(signal.SIGCONT, self.keyboard.take)
        self.keyboard.take()
        if self.keyboard.is_taken:
            self.output.tell(keys.SHORT_HELP)
        self.desk.journal.listen(self.look)

    def close(self) -> None:
        """Leave the terminal as it was found."""
        if self.keyboard:
            self.run.loop.remove_signal_handler(signal.SIGTSTP)
            self.run.loop.remove_signal_handler(signal.SIGCONT)
            self.keyboard.close()
            self.keyboard = None

    def look(self, *_: object) -> None:
        """There is output, so look: are we in the foreground again?

        To a job that runs in the background bash does not say so.
        """
        if self.keyboard and not self.keyboard.is_taken:
            self.keyboard.take()

    def typed(self, data: bytes) -> None:
        """Some keys."""
        for key in keys.split(data):
            if not self.keyboard:
                return  # the one before has ended the run
            self.state, effect = keys.press(self.state, key, self.services)
            if effect:
                self.perform(effect)
        self.output.show(Layer.PROMPT, keys.prompt(self.state))

    def perform(self, effect: keys.Effect) -> None:
        """Carry out what a key asks for."""
        match effect:
            case Act.STATUS:
                self.output.tell("\n".join(status_report.lines(self.desk.look())))
            case Act.HELP:
                self.output.tell(keys.HELP)
            case Act.EMPTY_LINE:
                self.output.tell("")
            case Act.QUIT:
                self.run.post(events.Quit(0))
            case keys.Restart(name):
                self.restart(name)

    def restart(self, name: str) -> None:
        """Restart the service of this name, or type; all when it is empty."""
        try:
            self.desk.reread()  # first: there may be other services then
            names = self.desk.names((name,) if name else ())
        except DevsupError as error:
            self.output.tell(refusal(error))
        else:
            self.run.post(events.RestartAsked(names))

    def suspend(self) -> None:
        """Ctrl-Z: stop as every program does, with the terminal as it was found meanwhile."""
        if self.stopping is None or self.stopping.done():  # and not twice at once
            self.stopping = asyncio.ensure_future(self.stop())
            self.stopping.add_done_callback(asyncio.Future.result)  # a bug in it is one of devsup's

    async def stop(self) -> None:
        """Be stopped, and go on when somebody says so."""
        self.state = keys.Idle()
        self.output.leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self.output.flush(LAST_WORDS)
        if not self.keyboard:
            return  # the run has ended meanwhile
        self.keyboard.give_back()
        self.run.loop.remove_signal_handler(signal.SIGTSTP)
        signal.raise_signal(signal.SIGTSTP)
        # Here we are again: in the foreground, in the background, or never stopped (nobody could
        # have continued us: then the kernel does not do it).
        self.run.loop.add_signal_handler(signal.SIGTSTP, self.suspend)
        self.keyboard.take()
