"""The reading end of one pipe or PTY of a service: what is there, and whether more is to come."""

import asyncio
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from devsup.pure.lines import Lines
from devsup.pure.unfinished import Unfinished

READ = 64 * 1024
"""Bytes of one read at most, which is what a pipe holds by default."""

DRAIN = 1024 * 1024
"""Bytes that are taken at most from a pipe whose writers should be dead: more than it holds (unless
root enlarged it), so that only a stray that goes on writing is cut off."""


class Viewer(Protocol):
    """Who looks at a service's terminal."""

    def draw(self, data: bytes) -> None:
        """Hear what the service wrote, byte for byte."""

    def prompted(self) -> None:
        """Hear that the service seems to wait for somebody to answer; that it asks is shown."""


@dataclass(slots=True)
class Pipe:
    """One run of a service; a PTY has a `viewer`.

    `seen` gets its whole lines. `finished`: all that could write are dead, so that at most `left`
    bytes are still to come. `look` is when an unfinished line is looked at again, and `is_quiet`
    that nothing came since the last time.
    """

    fd: int
    seen: Callable[[bytes], None] | None
    viewer: Viewer | None
    lines: Lines = field(default_factory=Lines)
    unfinished: Unfinished = field(default_factory=Unfinished)
    look: asyncio.TimerHandle | None = None
    is_quiet: bool = True
    finished: bool = False
    left: int = DRAIN

    def read(self) -> bytes | None:
        """What is there; None for nothing now, empty for the end."""
        data = self._read_once()
        if not self.viewer or not data:
            return data
        # A terminal hands out 4 KiB at a time, however much of a flood it holds.
        parts = [data]
        while sum(map(len, parts)) < READ and (data := self._read_once()):
            parts.append(data)
        return b"".join(parts)

    def _read_once(self) -> bytes | None:
        try:
            return os.read(self.fd, READ)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return b""  # a PTY that no process has open any more

    def may_stay_unfinished(self) -> bool:
        """Whether its line without a newline may be a prompt or a progress bar."""
        rest = self.lines.rest
        return bool(rest) and (self.viewer is not None or b"\r" in rest or b"\b" in rest)

    def ends_with(self, data: bytes | None) -> bool:
        """Whether nothing is to come after this read."""
        if not self.finished:
            return data == b""
        self.left -= len(data or b"")
        return not data or self.left <= 0
