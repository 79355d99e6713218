"""A tool that runs in a terminal of its own, with somebody who reads it."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

CTRL_C = b"\x03"
ROWS, COLUMNS = 50, 200
KEPT = 4096
"""Bytes of its last output that are kept, to tell why it failed."""


class Running:
    """From its start on; `began` is the time just before it."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        hear: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self.hear = hear
        self.said = b""
        self.terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.began = time.monotonic()
        # `setsid` makes the terminal its own, so that Ctrl-C is the kernel's, and becomes it.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            cwd=folder,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.pid = self.process.pid
        self.death = os.pidfd_open(self.pid)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # EIO: the last process has closed it
            while received := os.read(self.terminal, 65536):
                self.said = (self.said + received)[-KEPT:]
                self.hear(received)

    @property
    def has_ended(self) -> bool:
        return self.wait(0)

    def type(self, keys: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self.terminal, keys)

    def wait(self, limit: float) -> bool:
        """Whether it has ended within `limit` seconds."""
        poll = select.poll()
        poll.register(self.death, select.POLLIN)
        return bool(poll.poll(1000 * limit))

    def close(self) -> None:
        """Kill it if it lives; whatever it leaves is for `processes.end_children`."""
        if not self.has_ended:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.death)
        os.close(self.terminal)
