"""An output with a screen to look at, or a reader that may stop, and services in a test's hands."""

from __future__ import annotations

import asyncio
import os
import subprocess
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from readers import SECONDS, Reader

from devsup.edges.output import GATHER, HIGH, Output

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator
    from pathlib import Path

BLOCK = (b"x" * 99 + b"\n") * 600  # 60 000 bytes: fits into an empty pipe
WEB = b"web.1  | "


def ignore(*_: object) -> None:
    pass


@asynccontextmanager
async def showing(sink: Screen | Reader, *names: str, **options: Any) -> AsyncIterator[Output]:
    defaults: dict[str, Any] = {"colour": False, "timestamps": False, "closed": ignore}
    loop = asyncio.get_running_loop()
    output = Output(loop, sink.fd, names or ["web.1"], **defaults | options)
    try:
        yield output
    finally:
        sink.leave()  # what is still to be written to a pipe fails now, and cannot go elsewhere
        output.close()
        output._terminal._thread.join(SECONDS)
        sink.close()


class Screen:
    """A file in the place of a terminal: everything shown can be looked at."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self.fd = self._file.fileno()

    def leave(self) -> None:
        """A file is always there."""

    def close(self) -> None:
        self._file.close()

    async def text(self, output: Output) -> bytes:
        assert await output.flush(SECONDS)
        return self._path.read_bytes()


class Service:
    """The writing end of a pipe that an output reads."""

    def __init__(self, output: Output, name: str = "web.1") -> None:
        self._output = output
        self._name = name
        self.heard: list[bytes] = []
        self.news = asyncio.Event()
        end, self.fd = os.pipe()
        output.attach(name, end, self._hear)

    def _hear(self, run: bytes) -> None:
        self.heard.append(run)
        self.news.set()

    def write(self, data: bytes) -> None:
        """Write what the pipe has room for."""
        os.set_blocking(self.fd, False)
        assert os.write(self.fd, data) == len(data)

    async def told(self, data: bytes) -> None:
        """Write whole lines and wait until they were read."""
        self.news.clear()
        self.write(data)
        await asyncio.wait_for(self.news.wait(), SECONDS)

    @contextmanager
    def process(self, *command: str) -> Iterator[Awaitable[int]]:
        """Another writer, a process; its exit code can be awaited."""
        process = subprocess.Popen(command, stdout=self.fd)
        try:
            yield asyncio.to_thread(process.wait, SECONDS)
        finally:
            process.kill()
            process.wait()

    def end(self) -> None:
        """Die, and let the output know."""
        os.close(self.fd)
        self._output.finish(self._name)


def prefixed(name: bytes, text: bytes) -> bytes:
    return b"".join(name.ljust(6) + b" | " + line for line in text.splitlines(keepends=True))


async def stall(service: Service, output: Output) -> bytes:
    """Write until the service is not read any more; what was written."""
    text = b""
    while not output._paused:
        assert len(text) <= HIGH, "the services are read although nobody reads devsup"
        await service.told(BLOCK)
        text += BLOCK
    service.write(BLOCK)  # stays in the pipe
    return text + BLOCK


async def gathered() -> None:
    """What is due after lines had time to gather was done."""
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(2 * GATHER, later.set)
    await later.wait()
