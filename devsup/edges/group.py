"""The supervisor's end of the guardians: spawn a service, signal it, kill it, know its end."""

import contextlib
import errno
import marshal
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from devsup.edges import guardian
from devsup.pure.sighting import RUN

if TYPE_CHECKING:  # the zygote starts before this is imported
    from asyncio import AbstractEventLoop


@dataclass(frozen=True, slots=True)
class Started:
    """The leader runs; its pid is also its session's and its process group's number."""

    leader: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The leader could not be started; `errno` as exec reported it."""

    errno: int


@dataclass(frozen=True, slots=True)
class Exited:
    """The leader ended: an exit status, or the negative number of a signal."""

    code: int


@dataclass(frozen=True, slots=True)
class Left:
    """The leader, which ended well, left so many children: a daemon, as a rule."""

    children: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The kernel says that nothing of the service is alive any more."""


Happening = Started | Failed | Left | Exited | Gone

END_PATIENCE = 10.0
"""Seconds that the end of everything may take: something may survive SIGKILL."""

LONGEST = 32
"""Bytes that suffice for the line by which a guardian says who it is."""


class Zygote:
    """The small process that forks guardians, started before anything slow is imported.

    `lost` is called when it dies before `close`: the supervisor then has to end everything, since
    nobody would catch what a killed guardian leaves behind.

    `mark`, the only variable of itself and of the guardians, is like a run's of this project, but
    no process of a service carries it. So a devsup at work on another project sees whose they are,
    and does not take them for daemons.
    """

    def __init__(self, mark: str, log: BinaryIO | int = subprocess.DEVNULL) -> None:
        # Ignored, as a parent may have left it: the kernel would reap our children behind our back,
        # and a pid could be recycled before we signal it.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        guardian.become_subreaper()
        self.strangers = frozenset(guardian.children())
        self.control, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", guardian.__file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd="/",
                env={RUN: mark},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self.pid = self.process.pid
        self.forking: deque[Group] = deque()
        self.groups: dict[int, Group] = {}
        self.received = b""
        self.lost: Callable[[], None] = lambda: None
        self.mute: Callable[[], object] = lambda: None

    def serve(self, loop: "AbstractEventLoop", lost: Callable[[], None]) -> None:
        """Pass on its words to the groups from now on."""
        self.loop = loop
        self.lost = lost
        self.mute = partial(loop.remove_reader, self.control)
        loop.add_reader(self.control, self._read)

    def _read(self) -> None:
        try:
            received = self.control.recv(65536)
        except ConnectionError:
            received = b""
        if not received:
            self.mute()
            self.lost()
            return
        *lines, self.received = (self.received + received).split(b"\n")
        for line in lines:
            word, number = line.decode().split()
            self._hear(word, int(number))

    def _hear(self, word: str, number: int) -> None:
        match word:
            case "forked":
                self.groups[number] = self.forking.popleft()
            case "refused":
                self.forking.popleft().refuse(number)
            case "gone":
                self.groups.pop(number).end()

    def request(self, group: "Group", fds: list[int]) -> None:
        """Have a guardian forked around these descriptors; OSError when the zygote is dead."""
        socket.send_fds(self.control, [b"g"], fds)
        self.forking.append(group)

    def guard_terminal(self, fd: int, before: list[Any], ours: list[Any]) -> None:
        """Have these modes of a terminal put back after our end, if `ours` are in force then.

        `fd` must not block.
        """
        with contextlib.suppress(OSError), anonymous_file(marshal.dumps((before, ours))) as modes:
            socket.send_fds(self.control, [b"t"], [fd, modes.fileno()])

    def forget_terminal(self) -> None:
        """Have no terminal put back any more."""
        with contextlib.suppress(OSError):  # the zygote is dead
            self.control.send(b"f")

    def close(self, patience: float) -> bool:
        """End it, and with it every service that still runs; nobody is told of their ends.

        False when `patience` seconds passed without a sign of life from it: something of another
        user may have survived SIGKILL. Harmless twice.
        """
        if self.control.fileno() < 0:
            return True
        self.mute()
        self._let_go()
        self.process.send_signal(signal.SIGCONT)  # somebody may have stopped it
        self.control.shutdown(socket.SHUT_WR)
        self.control.settimeout(patience)
        with self.control, contextlib.suppress(ConnectionError):
            try:
                while self.control.recv(65536):
                    pass
            except TimeoutError:
                return False
        self.process.wait()
        return True

    def end_everything(self, patience: float) -> bool:
        """After a lost zygote: kill all our children until the kernel says that there are none.

        We are the last subreaper: what guardians and zygote leave behind comes to us. (Where there
        is none, the guardians see that we let go.) What was our process's child before we became
        devsup, by exec of a shell, is none of ours. False when `patience` seconds did not suffice.
        """
        self._let_go()
        self.process.kill()  # to be sure; how it ended is for its Popen to see, so it goes first
        self.process.wait()
        return guardian.end_children(patience, self.strangers)

    def _let_go(self) -> None:
        """Let every guardian see that the supervisor is gone."""
        for group in (*self.groups.values(), *self.forking):
            group.let_go()
        self.groups.clear()
        self.forking.clear()


class Group:
    """One service's processes, from the spawn until they are gone."""

    def __init__(self, zygote: Zygote, tell: Callable[[Happening], None]) -> None:
        self.zygote = zygote
        self.loop = zygote.loop
        self.tell = tell
        self.lifeline: socket.socket | None = None
        self.received = b""
        self._guardian = 0

    @property
    def guardian(self) -> int:
        """The pid of its guardian; 0 while there is none, and then nothing of the service lives.

        A guardian says who it is before it starts the leader. The loop may pass that on later than
        what the leader does, so that it is looked whether it lies there.
        """
        if not self._guardian and self.lifeline:
            with contextlib.suppress(OSError):
                line, _, _ = self.lifeline.recv(LONGEST, socket.MSG_PEEK).partition(b"\n")
                self._guardian = int(line.removeprefix(b"guarded ") or 0)
        return self._guardian

    def spawn(
        self, directory: Path, line: str, environment: Mapping[str, str], output: int
    ) -> None:
        """Start `/bin/sh -c line` under a guardian of its own; `output` is closed here.

        Raises:
            OSError: no descriptors are left, the zygote is dead, or the environment has characters
                that the file system's encoding has not.
        """
        with contextlib.ExitStack() as files:
            files.callback(os.close, output)
            ours, theirs = map(files.enter_context, socket.socketpair())
            launch = files.enter_context(launch_file(directory, line, environment))
            self.zygote.request(self, [theirs.fileno(), output, launch.fileno()])
            self.lifeline = lifeline = socket.socket(fileno=ours.detach())
        lifeline.settimeout(0)
        self.loop.add_reader(lifeline, self._read, lifeline)

    def signal(self, number: signal.Signals, to: str) -> None:
        """Signal the `leader`, or `all`: its process group and whoever left that."""
        self._send(f"signal {number.value} {to}\n")

    def kill(self) -> None:
        """SIGKILL every process of the service, and whatever these leave, until none is left."""
        self._send("kill\n")

    def _send(self, line: str) -> None:
        if self.lifeline is None:
            return  # it could not even be asked for
        with contextlib.suppress(OSError):  # the guardian is dead or dying; the zygote will tell
            self.lifeline.send(line.encode())

    def _read(self, lifeline: socket.socket) -> None:
        try:
            received = lifeline.recv(4096)
        except BlockingIOError:
            return
        except ConnectionError:
            received = b""
        if not received:
            self.loop.remove_reader(lifeline)
        *lines, self.received = (self.received + received).split(b"\n")
        for line in lines:
            word, number = line.decode().split()
            self._hear(word, int(number))

    def _hear(self, word: str, number: int) -> None:
        """From the guardian itself comes who it is: the zygote's word may come after `started`."""
        if word == "guarded":
            self._guardian = number
        else:
            self.tell(HAPPENINGS[word](number))

    def refuse(self, number: int) -> None:
        """The zygote says that it could not even fork."""
        self.tell(Failed(number))
        self.end()

    def end(self) -> None:
        """The zygote says that it is over: hear the guardian's last words, which came before."""
        if self.lifeline:
            self._read(self.lifeline)
        self.let_go()
        self._guardian = 0  # the number is free for another process
        self.tell(Gone())

    def let_go(self) -> None:
        """Hear nothing any more; a guardian that sees this kills its service."""
        if self.lifeline:
            self.loop.remove_reader(self.lifeline)
            self.lifeline.close()
            self.lifeline = None


HAPPENINGS: Mapping[str, Callable[[int], Happening]] = {
    "started": Started,
    "failed": Failed,
    "left": Left,
    "exited": Exited,
}


def launch_file(directory: Path, line: str, environment: Mapping[str, str]) -> BinaryIO:
    """What a guardian has to start, in an anonymous file: it holds secrets, and may be large."""
    entries = (f"{key}={value}" for key, value in environment.items())
    try:
        content = b"\0".join(map(os.fsencode, (str(directory), line, *entries)))
    except UnicodeEncodeError:  # the error itself carries the text, which is a secret
        raise OSError(errno.EILSEQ, os.strerror(errno.EILSEQ)) from None
    return anonymous_file(content)


def anonymous_file(content: bytes) -> BinaryIO:
    """A file that only its descriptors lead to, to be read from its beginning."""
    if hasattr(os, "memfd_create"):
        file: BinaryIO = os.fdopen(os.memfd_create("devsup"), "w+b")
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115  the caller's `with` closes it
    file.write(content)
    file.flush()
    file.seek(0)
    return file
