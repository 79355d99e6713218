"""Writing for a reader who may be slow, gone or deaf, without waiting for it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from readers import SECONDS, Reader

from devsup.edges.terminal import SLICE, Terminal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

DATA = bytes(range(256)) * 4096  # more than any pipe here holds


class Told:
    """What the terminal told the loop."""

    def __init__(self) -> None:
        self.eased = asyncio.Event()
        self.failures: list[OSError] = []


@asynccontextmanager
async def terminal(fd: int) -> AsyncIterator[tuple[Terminal, Told]]:
    told = Told()
    terminal = Terminal(asyncio.get_running_loop(), fd, told.eased.set, told.failures.append)
    try:
        yield terminal, told
    finally:
        terminal.close()


async def written(terminal: Terminal, told: Told) -> None:
    terminal.ease(0)
    await asyncio.wait_for(told.eased.wait(), SECONDS)


def test_everything_is_written_in_order(tmp_path: Path) -> None:
    async def write() -> None:
        with (tmp_path / "out").open("wb") as file:
            async with terminal(file.fileno()) as (out, told):
                for at in range(0, len(DATA), 1000):
                    out.write(DATA[at : at + 1000])
                await written(out, told)
                assert out.waiting == 0

    asyncio.run(write())
    assert (tmp_path / "out").read_bytes() == DATA


def test_a_reader_that_stops_holds_up_nobody_and_loses_nothing() -> None:
    async def write() -> None:
        reader = Reader()
        async with terminal(reader.fd) as (out, told):
            out.write(DATA)  # nobody reads: were this to wait, the test would end here
            room = fcntl.fcntl(reader.fd, fcntl.F_GETPIPE_SZ)
            assert out.waiting >= len(DATA) - room
            assert await reader.read(len(DATA)) == DATA
            await written(out, told)
        reader.close()

    asyncio.run(write())


def test_it_tells_when_no_more_than_the_level_waits() -> None:
    async def write() -> None:
        reader = Reader()
        async with terminal(reader.fd) as (out, told):
            out.write(DATA)
            out.ease(len(DATA) // 2)
            await reader.read(len(DATA) // 2)
            await asyncio.wait_for(told.eased.wait(), SECONDS)
            assert 0 < out.waiting <= len(DATA) // 2
            await reader.read(len(DATA) // 2)
            told.eased.clear()
            await written(out, told)
        reader.close()

    asyncio.run(write())


def test_it_tells_at_once_when_less_waits_than_the_level() -> None:
    async def ease() -> None:
        reader = Reader()
        async with terminal(reader.fd) as (out, told):
            await written(out, told)
        reader.close()

    asyncio.run(ease())


def test_it_tells_once_and_not_at_every_write() -> None:
    async def write() -> None:
        reader = Reader()
        async with terminal(reader.fd) as (out, told):
            await written(out, told)
            told.eased.clear()
            out.write(b"line\n")
            await reader.read(5)
        out._thread.join(SECONDS)
        await asyncio.sleep(0)
        assert not told.eased.is_set()
        reader.close()

    asyncio.run(write())


def pipe_without_a_reader() -> int:
    reader = Reader()
    os.close(reader.end)
    return reader.fd


def terminal_that_hung_up() -> int:
    controller, terminal = os.openpty()
    os.close(controller)
    return terminal


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


@pytest.mark.parametrize("broken", [pipe_without_a_reader, terminal_that_hung_up, full_disk])
def test_a_failure_is_told_once_and_what_follows_is_swallowed(broken: Callable[[], int]) -> None:
    async def fail() -> None:
        fd = broken()
        async with terminal(fd) as (out, told):
            for _ in range(3):
                out.write(DATA)
            await written(out, told)
            assert len(told.failures) == 1
        os.close(fd)

    asyncio.run(fail())


def test_a_reader_that_leaves_is_noticed_although_nothing_is_written() -> None:
    async def leave() -> None:
        reader = Reader()
        left = asyncio.get_running_loop().create_future()
        out = Terminal(asyncio.get_running_loop(), reader.fd, lambda: None, left.set_result)
        os.close(reader.end)
        assert isinstance(await asyncio.wait_for(left, SECONDS), BrokenPipeError)
        out.close()
        os.close(reader.fd)

    asyncio.run(leave())


def test_what_the_shell_shares_stays_blocking() -> None:
    async def write() -> None:
        reader = Reader()
        async with terminal(reader.fd) as (out, told):
            out.write(b"line\n")
            await written(out, told)
            assert os.get_blocking(reader.fd)
        reader.close()

    asyncio.run(write())


def test_what_somebody_else_made_non_blocking_loses_nothing() -> None:
    async def write() -> None:
        reader = Reader()
        os.set_blocking(reader.fd, False)
        async with terminal(reader.fd) as (out, told):
            out.write(DATA)
            assert await reader.read(len(DATA)) == DATA
            await written(out, told)
            assert told.failures == []
        reader.close()

    asyncio.run(write())


def test_closing_ends_the_thread() -> None:
    async def write() -> None:
        async with terminal(nowhere := os.open(os.devnull, os.O_WRONLY)) as (out, told):
            out.write(DATA)
            await written(out, told)
        os.close(nowhere)

    before = {*threading.enumerate()}
    asyncio.run(write())
    assert {*threading.enumerate()} <= before


def test_what_was_accepted_is_written_even_after_the_loop_ended() -> None:
    async def write() -> Terminal:
        async with terminal(reader.fd) as (out, _):
            out.write(DATA)
            out.ease(0)
        return out

    reader = Reader()
    out = asyncio.run(write())
    assert asyncio.run(reader.read(len(DATA))) == DATA
    out._thread.join(SECONDS)
    assert not out._thread.is_alive()
    reader.close()


STOPPED = f"""
import asyncio, sys
from devsup.edges.terminal import Terminal

async def main():
    out = Terminal(asyncio.get_running_loop(), 1, print, print)
    out.write(b"x" * {len(DATA)})
    out.close()

asyncio.run(main())
print("ended", file=sys.stderr)
"""


def test_a_process_ends_although_its_terminal_is_stopped() -> None:
    reader = Reader()
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.run(
        [sys.executable, "-c", STOPPED],
        stdout=reader.fd,
        stderr=subprocess.PIPE,
        env=os.environ | path,
        timeout=SECONDS,
        check=True,
    )
    assert process.stderr == b"ended\n"
    reader.close()


def test_progress_is_counted_in_slices() -> None:
    """A terminal that takes little at a time is slow, not deaf."""

    async def write() -> None:
        reader = Reader()
        room = fcntl.fcntl(reader.fd, fcntl.F_GETPIPE_SZ)
        async with terminal(reader.fd) as (out, told):
            out.write(DATA)
            out.ease(len(DATA) - room)
            await asyncio.wait_for(told.eased.wait(), SECONDS)
            assert out.done == room
            told.eased.clear()
            out.ease(len(DATA) - room - SLICE)
            await reader.read(SLICE)
            await asyncio.wait_for(told.eased.wait(), SECONDS)
            await reader.read(len(DATA) - SLICE)
        reader.close()

    asyncio.run(write())
