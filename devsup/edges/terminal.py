"""Writing to the user's terminal, file or pipe without ever making the event loop wait.

The descriptor is shared with the user's shell, so it must not be made non-blocking; and whoever
reads it may stop (Ctrl-S, a pager, a slow network). So a thread of its own does blocking writes.
"""

import asyncio
import errno
import fcntl
import os
import select
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

SLICE = 16 * 1024
"""Bytes of one write at most, which is what counts as progress on a slow terminal."""

_NEVER = -1

_LATER = 0.1
"""Seconds: the Ctrl-C that ended the reader has arrived here, too, and is the reason to end."""


class Terminal:
    """Writes what it is given to `fd`, in order and all of it.

    In the loop it calls `eased` when no more bytes wait than `ease` asked for, and `failed` once,
    at the first write that fails or when the reader of a pipe leaves; what is given to it
    afterwards is swallowed.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        eased: Callable[[], None],
        failed: Callable[[OSError], None],
    ) -> None:
        self._loop = loop
        self._fd = fd
        self._eased = eased
        self._failed = failed
        self._failure: OSError | None = None
        self._write: Callable[[memoryview], int] = lambda data: _write(fd, data)
        # Two counters, each changed by one thread only, need no lock.
        self._accepted = 0
        self.done = 0
        self._level = _NEVER
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        # A daemon: a terminal that is stopped must not keep devsup from ending.
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
        self._thread.start()
        if _shows_its_reader(fd):
            loop.add_reader(fd, self._deserted)

    @property
    def waiting(self) -> int:
        """Bytes accepted and not done with."""
        return self._accepted - self.done

    def write(self, data: bytes) -> None:
        """Accept `data`, however much waits already."""
        self._accepted += len(data)
        self._queue.put(data)

    def ease(self, level: int) -> None:
        """Call `eased` (at least) once, as soon as no more than `level` bytes wait."""
        # Here the level is set before the look, and the thread counts before it looks: one of the
        # two sees what the other did, or both do.
        self._level = level
        self._look()

    def close(self) -> None:
        """Let the thread end; wait for it only when nothing can hold it up."""
        self._loop.remove_reader(self._fd)
        self._queue.put(None)
        if not self.waiting:
            self._thread.join()

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            rest = memoryview(data)
            while rest:
                size = self._attempt(rest[:SLICE])
                rest = rest[size:]
                self.done += size
                self._look()

    def _attempt(self, data: memoryview) -> int:
        try:
            return self._write(data)
        except OSError as error:
            self._write = len
            self._tell(self._lose, error)
            return len(data)

    def _deserted(self) -> None:
        self._loop.remove_reader(self._fd)
        error = BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        self._loop.call_later(_LATER, self._lose, error)

    def _lose(self, error: OSError) -> None:
        """In the loop: whoever found out first, nothing is written any more."""
        self._write = len
        if self._failure is None:
            self._failure = error
            self._failed(error)

    def _look(self) -> None:
        if self.waiting <= self._level:
            self._level = _NEVER
            self._tell(self._eased)

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            self._loop.call_soon_threadsafe(callback, *arguments)


def _shows_its_reader(fd: int) -> bool:
    """Whether epoll tells that the other end is closed, and nothing else: an end only written to.

    Without that, `devsup up | grep -m1 ready` would run on until a service has something to say.
    """
    is_pipe = stat.S_ISFIFO(os.fstat(fd).st_mode)
    mode = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
    return is_pipe and mode == os.O_WRONLY and hasattr(select, "epoll")


def _write(fd: int, data: memoryview) -> int:
    """Write some of `data`; 0 when the descriptor was full and has room now."""
    try:
        return os.write(fd, data)
    except BlockingIOError:  # somebody with whom we share the terminal made it so (Node does)
        room = select.poll()
        room.register(fd, select.POLLOUT)
        room.poll()
        return 0
