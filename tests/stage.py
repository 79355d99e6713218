"""The supervisor's end in the test's own process: real services, and nothing left of them after it.

The test's process is a subreaper meanwhile. So whatever escapes from devsup becomes its child, is
seen, and is killed: no pid has to be known for that, and no other process can be mistaken for one.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import select
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from devsup.edges.group import Gone, Group, Happening, Started, Zygote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HERE = Path(__file__).parent
ECHO = "exec " + shlex.join([sys.executable, "-I", "-S", str(HERE / "echo.py"), "leader"])
"""The command line of a service that can answer."""
SECONDS = 60.0
"""How long a test waits for what must happen; far more than it takes."""
PR_SET_CHILD_SUBREAPER = 36
MARK = "12345678-00000000"
"""What the zygote and its guardians carry."""

Kind = TypeVar("Kind", bound=Happening)


def python(script: str, *words: object) -> str:
    """A shell's words for a script beside this file."""
    return shlex.join([sys.executable, "-I", "-S", str(HERE / script), *map(str, words)])


def children(parent: str | int = "self") -> set[int]:
    """Of every thread of a process, the dead that nobody buried included."""
    while True:
        lists = Path(f"/proc/{parent}/task").glob("*/children")
        # A thread may end meanwhile, and leave its children to another one: look again.
        with contextlib.suppress(FileNotFoundError):
            return {int(pid) for each in lists for pid in each.read_text(encoding="ascii").split()}


def descriptors(pid: str | int = "self") -> set[int]:
    """What a process has open."""
    return {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}


def is_readable(descriptor: int, seconds: float = 0) -> bool:
    """Whether it has something, or its end, to say; of a pidfd: whether the process is dead."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


@contextlib.contextmanager
def adopting(*, burying: bool = False) -> Iterator[None]:
    """Adopt what loses its parent meanwhile, and fail when anything is left, alive or undead.

    With `burying` the dead are nobody's fault: their parent was killed.
    """
    before = children()
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
        left = children() - before
        assert not {pid for pid in left if not (burying and os.waitpid(pid, os.WNOHANG)[0])}
    finally:
        end_all(before)
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def end_all(spared: set[int]) -> None:
    """Kill and bury all children but these."""
    while pids := children() - spared:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


class Ear:
    """The reading end of a pipe or FIFO, and what was heard through it until now."""

    def __init__(self, loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
        self.loop = loop
        self.descriptor = descriptor
        self.heard = b""
        self.silent = False
        os.set_blocking(descriptor, False)
        loop.add_reader(descriptor, self.listen)

    def listen(self) -> None:
        """Whoever waits for something looks again."""
        received = os.read(self.descriptor, 65536)
        self.heard += received
        if not received:
            self.silent = True
            self.close()
        self.loop.stop()

    def close(self) -> None:
        if self.descriptor >= 0:
            self.loop.remove_reader(self.descriptor)
            os.close(self.descriptor)
            self.descriptor = -1


class Service:
    """A service, what it has written, and what has happened to it."""

    def __init__(self, stage: Stage, ready: Path) -> None:
        self.stage = stage
        self.happened: list[Happening] = []
        self.group = Group(stage.zygote, self.tell)
        reader, self.output_end = os.pipe()
        self.output = Ear(stage.loop, reader)
        self.ready = ready
        """A FIFO for what tells of its life by keeping it open."""
        os.mkfifo(ready)
        self.life = Ear(stage.loop, os.open(ready, os.O_RDONLY | os.O_NONBLOCK))

    def tell(self, happening: Happening) -> None:
        self.happened.append(happening)
        self.stage.loop.stop()

    def wait_for(self, kind: type[Kind]) -> Kind:
        """The first happening of this kind."""
        self.stage.until(lambda: any(isinstance(each, kind) for each in self.happened))
        return next(each for each in self.happened if isinstance(each, kind))

    def wait_for_output(self, text: bytes) -> None:
        self.stage.until(lambda: text in self.output.heard)

    def wait_for_answer(self, number: signal.Signals = signal.SIGUSR1) -> None:
        """By the leader, echo.py: it lives, and its guardian has begun to serve."""
        self.output.heard = b""
        self.group.signal(number, "leader")
        self.wait_for_output(f"leader {number.name}\n".encode())

    def wait_for_life(self, lines: int = 1) -> None:
        """Until so many processes have announced themselves."""
        self.stage.until(lambda: self.life.heard.count(b"\n") >= lines)

    @property
    def leader(self) -> int:
        return self.wait_for(Started).leader

    @property
    def gone(self) -> bool:
        return Gone() in self.happened

    @property
    def alive(self) -> bool:
        """Whether any process has the FIFO open, by the kernel's word of this moment."""
        return not self.life.silent and not is_readable(self.life.descriptor)

    def close(self) -> None:
        self.output.close()
        self.life.close()


class Stage:
    """A zygote, its services, and the loop that hears of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors: list[dict[str, Any]] = []
        self.services: list[Service] = []
        self.losses = 0
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        with (folder / "log").open("wb") as log:
            self.zygote = Zygote(MARK, log)
        self.zygote.serve(self.loop, self.lost)

    def lost(self) -> None:
        self.losses += 1
        self.loop.stop()

    def until(self, condition: Callable[[], bool]) -> None:
        """Let things happen until it holds."""
        deadline = self.loop.time() + SECONDS
        timer = self.loop.call_later(SECONDS, self.loop.stop)
        while not condition():
            assert self.loop.time() < deadline, "it did not happen in time"
            self.loop.run_forever()
        timer.cancel()

    def start(
        self, line: str, *, env: Mapping[str, str] | None = None, directory: Path | None = None
    ) -> Service:
        """A service; `$READY` in its command line is its FIFO."""
        service = Service(self, self.folder / f"ready-{len(self.services)}")
        self.services.append(service)
        line = line.replace("$READY", str(service.ready))
        service.group.spawn(directory or self.folder, line, env or {}, service.output_end)
        return service

    def echo(self) -> Service:
        """A service that can answer and has nothing else on its mind; the zygote is idle again."""
        service = self.start(ECHO)
        service.wait_for_output(b"leader ready\n")
        service.wait_for_answer()
        other = self.start("true")
        other.wait_for(Gone)
        other.close()
        return service

    def hostile(self, kind: str, *options: object) -> Service:
        """A service that is one hostile program, as bad as it gets."""
        service = self.start(f"exec {python('hostile.py', kind, '$READY', *options)}")
        service.wait_for_life()
        return service

    def close(self) -> None:
        """Everything ends, and nothing went wrong that nobody looked at."""
        if self.zygote.control.fileno() != -1:
            assert self.zygote.close(SECONDS)
        for service in self.services:
            service.close()
        self.loop.close()
        assert self.errors == []
        assert (self.folder / "log").read_text() == ""


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """A stage, and nothing left of it afterwards."""
    with adopting():
        stage = Stage(folder)
        try:
            yield stage
        finally:
            stage.close()
