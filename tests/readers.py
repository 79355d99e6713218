"""Pipes of which a test holds one end, in its loop and without ever blocking it."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

SECONDS = 60


async def _ready(fd: int, *, to_write: bool) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    (loop.add_writer if to_write else loop.add_reader)(fd, ready.set)
    try:
        await asyncio.wait_for(ready.wait(), SECONDS)
    finally:
        (loop.remove_writer if to_write else loop.remove_reader)(fd)


class Reader:
    """A pipe that is read when the test wants."""

    def __init__(self) -> None:
        self.end, self.fd = os.pipe()

    async def read(self, size: int) -> bytes:
        """As many bytes, whenever they come."""
        data = b""
        while len(data) < size:
            await _ready(self.end, to_write=False)
            data += os.read(self.end, size - len(data))
        return data

    def fill(self) -> None:
        """Leave no room for whoever writes."""
        os.set_blocking(self.fd, False)
        with suppress(BlockingIOError):
            while True:
                os.write(self.fd, bytes(4096))
        os.set_blocking(self.fd, True)

    def leave(self) -> None:
        """Read no more; a second time is harmless."""
        if self.end >= 0:
            os.close(self.end)
        self.end = -1

    def close(self) -> None:
        self.leave()
        os.close(self.fd)


async def pour(fd: int, data: bytes) -> None:
    """Write more than the pipe has room for, as a process would."""
    os.set_blocking(fd, False)
    while data:
        await _ready(fd, to_write=True)
        data = data[os.write(fd, data) :]
