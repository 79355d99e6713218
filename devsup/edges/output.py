"""The bytes of all services to whole, prefixed lines on the terminal and in the journal.

The way of a line: its pipe is readable, one read takes what is there, all whole lines of it get
their prefix at once, a thread writes them. When the terminal does not keep up, the pipes are left
alone: they fill up, the services wait in a `write` of their own, and nothing is lost.

What memory holds at most: HIGH bytes that wait for the terminal, and what one more read became with
its prefixes (READ bytes, of which each can be a line); for each service LIMIT (of `lines`) bytes of
a line that is not complete.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector

from devsup.edges.live import Live
from devsup.edges.pipe import Pipe, Viewer
from devsup.edges.terminal import Terminal
from devsup.pure.bottom import RESET, Layer
from devsup.pure.cleaning import cleaned
from devsup.pure.lines import OWN, Prefix, Tone, own_prefixes, prefixed, prefixes
from devsup.pure.unfinished import QUIET
from devsup.pure.wrapping import wrapped

HIGH = 1024 * 1024
"""When more bytes wait for the terminal, no service is read any more."""

LOW = 256 * 1024
"""When no more bytes wait, the services are read again."""

GATHER = 0.005
FLOOD = 16 * 1024
"""While fewer than FLOOD bytes come in GATHER seconds, a round of reads is followed by so long a
time in which lines gather: two services that log a thousand lines a second each then cost 4 % of a
core instead of 13 %. The first line after a quiet time never waits, a flood is not slowed down."""


@dataclass(slots=True)
class _Service:
    name: str
    plain: Prefix
    prefix: Prefix
    # Only the first is read. There are more when the terminal held up the end of an earlier one:
    # its lines come before those of its successor.
    pipes: deque[Pipe] = field(default_factory=deque)


class Output:
    """Where the lines of all services and of devsup itself meet. To be used in the loop's thread.

    `closed` is called once when `fd` cannot be written any more (`failure` says why). The services
    are read all the same, so that they can end in peace. `journal` gets whose each run of lines is,
    the run with a plain prefix, and whom it is about if it is one of devsup's own.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        names: Sequence[str],
        *,
        colour: bool,
        timestamps: bool,
        closed: Callable[[], None],
        journal: Callable[[str, bytes, str], None] = lambda _name, _lines, _about: None,
    ) -> None:
        self.failure: OSError | None = None
        self._loop = loop
        self._closed = closed
        self._journal = journal
        self._timestamps = timestamps
        self._colour = colour
        self._is_plain = timestamps and not colour
        self._services: dict[str, _Service] = {}
        self.expect(names)
        self._paused = False
        self._progress = asyncio.Event()
        self._gathering: asyncio.TimerHandle | None = None
        self._window, self._taken = 0.0, 0  # bytes taken until then decide about gathering
        self._pipes = DefaultSelector()
        self._terminal = Terminal(loop, fd, self._eased, self._failed)
        self._live = Live(self._terminal, fd)
        self._read_on()

    @property
    def indent(self) -> int:
        """Columns that stand before each line."""
        clock = b"00:00:00 " if self._timestamps else b""
        return len(self._services[OWN].plain.at(clock))

    def expect(self, names: Sequence[str]) -> None:
        """These are the services from now on; what others have left is still passed on."""
        known = [name for name in self._services if name in names]
        ordered = list(dict.fromkeys([*known, *names]))  # so that each keeps its colour
        plain = prefixes(ordered, colour=False)
        for name, prefix in prefixes(ordered, colour=self._colour).items():
            service = self._services.setdefault(name, _Service(name, plain[name], prefix))
            service.plain, service.prefix = plain[name], prefix
        for name, service in [*self._services.items()]:
            if name not in plain and not service.pipes:
                del self._services[name]
        self._own = own_prefixes(ordered, colour=self._colour)

    def attach(
        self,
        name: str,
        pipe_fd: int,
        seen: Callable[[bytes], None] | None = None,
        viewer: Viewer | None = None,
    ) -> None:
        """Read this pipe (or PTY, which has a viewer); it belongs to the output from now on.

        `seen` gets each run of whole lines as they are shown.
        """
        os.set_blocking(pipe_fd, False)  # the reading end is ours alone, unlike the terminal
        service = self._services[name]
        service.pipes.append(Pipe(pipe_fd, seen, viewer))
        if len(service.pipes) == 1:
            self._pipes.register(pipe_fd, EVENT_READ, service)

    def catch_up(self, name: str) -> None:
        """Pass on what a service has written by now, before devsup says something about it."""
        service = self._services[name]
        if service.pipes and not self._paused:
            self._take(service)

    def finish(self, name: str) -> None:
        """Every writer of the latest pipe is dead: take the rest, end its last line, close it.

        While the terminal does not keep up this happens later; `flush` waits for it.
        """
        service = self._services[name]
        if service.pipes:
            service.pipes[-1].finished = True
            self._drain(service)

    def say(self, text: str, tone: Tone = Tone.PLAIN, about: str = "") -> None:
        """A line of devsup's own, or several; on a terminal they are broken between words.

        `about` one service: then it is found among the lines of that one, too.
        """
        text, prefix = text.rstrip("\n"), self._own[tone]
        now = _clock()
        self._keep(self._services[OWN], _encoded(text), now, about)
        width = self._live.columns - prefix.width - (len(now) if self._timestamps else 0)
        self._show(_encoded(wrapped(text, width)), prefix, now)

    @property
    def is_clever(self) -> bool:
        """Whether it goes to a terminal that can do more than to show lines."""
        return self._live.is_clever

    @property
    def has_bottom(self) -> bool:
        """Whether `show` shows anything now."""
        return self._live.is_possible

    def show(self, layer: Layer, text: str) -> None:
        """Have this line at the bottom of the terminal, and nowhere else; empty: none any more."""
        self._live.show(layer, text)

    def tell(self, text: str) -> None:
        """Lines for who sits at the terminal: as they are, and not for the journal."""
        reset = RESET if self.is_clever else b""
        self._live.write(reset + _encoded(text))

    def leave(self) -> None:
        """Leave the terminal as it was found: nothing at its bottom, no colour."""
        self._live.leave()

    async def flush(self, timeout: float) -> bool:  # noqa: ASYNC109 -- a quiet time, no deadline
        """Wait until all that was handed over is written.

        False when nothing was written for `timeout` seconds: nobody reads.
        """
        while self._terminal.waiting or self._paused:
            done = self._terminal.done
            self._progress.clear()
            self._ease()
            try:
                await asyncio.wait_for(self._progress.wait(), timeout)
            except TimeoutError:
                if self._terminal.done == done:
                    return False
        return True

    def close(self) -> None:
        """Let go of all pipes; what was handed over is still written if somebody reads it."""
        for service in self._services.values():
            while service.pipes:
                self._drop(service)
        self._stop_reading()
        self._paused = False  # what the terminal still tells must not resume anything
        self._pipes.close()
        self._terminal.close()

    def _read_on(self) -> None:
        """Wait for pipes to be readable, unless too much waits for the terminal."""
        if not self._paused:
            self._loop.add_reader(self._pipes.fileno(), self._round)

    def _stop_reading(self) -> None:
        self._loop.remove_reader(self._pipes.fileno())
        if self._gathering:
            self._gathering.cancel()

    def _round(self) -> None:
        """One read of each pipe that has something: no service waits for another's flood."""
        for key, _ in self._pipes.select(0):
            if not self._paused:
                self._taken += self._take(key.data)
                self._drain(key.data)
        now = self._loop.time()
        if now >= self._window:
            if self._taken < FLOOD:
                self._gather()
            self._window, self._taken = now + GATHER, 0

    def _gather(self) -> None:
        self._stop_reading()
        self._gathering = self._loop.call_later(GATHER, self._read_on)

    def _drain(self, service: _Service) -> None:
        while not self._paused and service.pipes and service.pipes[0].finished:
            self._take(service)

    def _take(self, service: _Service) -> int:
        """One read of the first pipe; how much there was."""
        pipe = service.pipes[0]
        data = pipe.read()
        if data and pipe.viewer:
            pipe.viewer.draw(data)
        self._take_lines(service, pipe, pipe.lines.feed(data or b""))
        pipe.is_quiet = False
        if pipe.ends_with(data):
            self._drop(service)
            self._take_lines(service, pipe, pipe.lines.end())
        elif pipe.look is None and pipe.may_stay_unfinished():
            self._look_later(service, pipe)
        return len(data or b"")

    def _take_lines(self, service: _Service, pipe: Pipe, run: bytes) -> None:
        if run:
            self._pass_on(service, pipe.unfinished.completed(cleaned(run)), pipe.seen)

    def _look_later(self, service: _Service, pipe: Pipe) -> None:
        pipe.is_quiet = True
        pipe.look = self._loop.call_later(QUIET, self._look, service, pipe)

    def _look(self, service: _Service, pipe: Pipe) -> None:
        """Show a line that is not complete, if it is time to; look again only if it goes on."""
        pipe.look = None
        now, asks = self._loop.time(), pipe.viewer is not None
        if not pipe.may_stay_unfinished():
            return
        if self._paused:
            self._look_later(service, pipe)
            return
        shown = pipe.unfinished.look(pipe.lines.rest, now, quiet=pipe.is_quiet, asks=asks)
        if not pipe.is_quiet:
            self._look_later(service, pipe)
        if shown:
            self._pass_on(service, shown.text + b"\n", pipe.seen)
        if shown and shown.is_prompt and pipe.viewer:
            pipe.viewer.prompted()

    def _drop(self, service: _Service) -> None:
        pipe = service.pipes.popleft()
        if pipe.look:
            pipe.look.cancel()
        self._pipes.unregister(pipe.fd)
        os.close(pipe.fd)
        if service.pipes:
            self._pipes.register(service.pipes[0].fd, EVENT_READ, service)

    def _pass_on(
        self, service: _Service, run: bytes, seen: Callable[[bytes], None] | None = None
    ) -> None:
        """Every line goes here: to the journal, the terminal and whoever looks for signs."""
        if not run:
            return
        now = _clock()
        plain = self._keep(service, run, now)
        if self._is_plain:
            self._write(plain)
        else:
            self._show(run, service.prefix, now)
        if seen:
            seen(run)

    def _keep(self, service: _Service, run: bytes, now: bytes, about: str = "") -> bytes:
        """Pass a run on to the journal; what it became."""
        plain = prefixed(run, service.plain.at(now))
        self._journal(service.name, plain, about)
        return plain

    def _show(self, run: bytes, prefix: Prefix, now: bytes) -> None:
        self._write(prefixed(run, prefix.at(now if self._timestamps else b"")))

    def _write(self, lines: bytes) -> None:
        self._live.write(lines)
        if self._terminal.waiting > HIGH:
            self._pause()

    def _pause(self) -> None:
        self._paused = True
        self._stop_reading()
        self._ease()

    def _ease(self) -> None:
        self._terminal.ease(LOW if self._paused else 0)

    def _eased(self) -> None:
        if self._paused and self._terminal.waiting <= LOW:
            self._resume()
        elif self._paused:  # told for an earlier pause
            self._ease()
        self._progress.set()

    def _resume(self) -> None:
        self._paused = False
        for service in self._services.values():
            self._drain(service)
        self._read_on()

    def _failed(self, error: OSError) -> None:
        self.failure = error
        self._closed()


def _clock() -> bytes:
    return time.strftime("%H:%M:%S ").encode()


def _encoded(text: str) -> bytes:
    return f"{text}\n".encode(errors="backslashreplace")
