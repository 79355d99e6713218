"""A line at the bottom of a real terminal while the lines of services go by."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from awaited import awaited
from emulator import Emulator
from readers import SECONDS
from shown import Service, ignore

from devsup.edges.live import BEHIND
from devsup.edges.output import Output
from devsup.pure.bottom import Layer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest

LONG = "waiting for one who takes longer than a line of anybody is long"
PLAIN: dict[str, Any] = {"colour": False, "timestamps": False}


class Seat:
    """Both ends of a terminal, and all that was ever written to it."""

    def __init__(self, columns: int = 80) -> None:
        self.controller, self.fd = os.openpty()
        self.text = ""
        self.resize(columns)
        attributes = termios.tcgetattr(self.fd)
        attributes[1] &= ~termios.OPOST  # no carriage returns of its own
        termios.tcsetattr(self.fd, termios.TCSANOW, attributes)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self) -> None:
        self.text += os.read(self.controller, 1 << 16).decode()

    async def until(self, condition: Callable[[str], bool]) -> None:
        """Read until what was written is as it should be."""
        while not condition(self.text):
            await asyncio.wait_for(asyncio.to_thread(self.read), SECONDS)

    async def lines(self, output: Output) -> list[str]:
        """What a person sees when all is written."""
        flushed = asyncio.create_task(output.flush(SECONDS))
        output.tell("END")
        await self.until(lambda text: "END" in text)
        assert await flushed
        shown = self.text.replace("END\n", "").replace("\n", "\r\n")
        self.text = self.text.replace("END\n", "")
        return Emulator(int(os.get_terminal_size(self.fd).columns)).feed(shown).lines


@asynccontextmanager
async def seated(columns: int = 80, *names: str) -> AsyncIterator[tuple[Seat, Output]]:
    seat = Seat(columns)
    loop = asyncio.get_running_loop()
    output = Output(loop, seat.fd, names or ["web.1"], closed=ignore, **PLAIN)
    try:
        yield seat, output
    finally:
        os.close(seat.controller)
        output.close()
        output._terminal._thread.join(SECONDS)
        os.close(seat.fd)


@awaited
async def test_lines_are_written_above_it() -> None:
    async with seated() as (seat, output):
        service = Service(output)
        output.show(Layer.PROGRESS, LONG)
        await service.told(b"one\ntwo\n")
        output.say("three")
        assert await seat.lines(output) == [
            "web.1  | one",
            "web.1  | two",
            "devsup | three",
            LONG,
        ]
        service.end()


@awaited
async def test_it_is_replaced_in_place_and_gone_without_a_trace() -> None:
    async with seated() as (seat, output):
        output.show(Layer.PROGRESS, "waiting for 10 s")
        output.show(Layer.PROGRESS, "waiting 9")
        assert await seat.lines(output) == ["waiting 9"]
        output.show(Layer.PROGRESS, "")
        assert await seat.lines(output) == []


@awaited
async def test_the_prompt_covers_the_progress() -> None:
    async with seated() as (seat, output):
        output.show(Layer.PROMPT, "restart?")
        output.show(Layer.PROGRESS, "waiting")
        assert await seat.lines(output) == ["restart?"]
        output.show(Layer.PROMPT, "")
        assert await seat.lines(output) == ["waiting"]


@awaited
async def test_it_is_cut_to_the_width_of_the_moment() -> None:
    async with seated(columns=10) as (seat, output):
        output.show(Layer.PROGRESS, "waiting for web.1")
        assert await seat.lines(output) == ["waiting…"]
        seat.resize(40)
        assert await seat.lines(output) == ["waiting for web.1"]


@awaited
async def test_a_colour_that_a_service_left_open_ends_before_it() -> None:
    async with seated() as (seat, output):
        service = Service(output)
        output.show(Layer.PROGRESS, "waiting")
        await service.told(b"\x1b[31mred\n")
        await seat.lines(output)
        assert "red\x1b[0m\n\x1b[0;2mwaiting\x1b[0m\r" in seat.text
        output.leave()
        await seat.until(lambda text: text.endswith("\r\x1b[J\x1b[0m"))
        service.end()


@awaited
async def test_it_is_not_in_the_journal() -> None:
    heard: list[bytes] = []
    seat = Seat()
    loop = asyncio.get_running_loop()
    journal = lambda _name, lines, _about: heard.append(lines)  # noqa: E731
    output = Output(loop, seat.fd, ["web.1"], closed=ignore, journal=journal, **PLAIN)
    output.show(Layer.PROGRESS, "waiting")
    output.tell("for the person")
    output.say("for all")
    assert await seat.lines(output) == ["for the person", "devsup | for all", "waiting"]
    os.close(seat.controller)
    output.close()
    assert b"".join(heard).endswith(b" devsup | for all\n")
    assert len(heard) == 1
    os.close(seat.fd)


@awaited
async def test_without_it_lines_are_written_as_ever() -> None:
    async with seated() as (seat, output):
        output.say("one")
        assert await seat.lines(output) == ["devsup | one"]
        assert seat.text == "devsup | one\n\x1b[0m"


@awaited
async def test_a_terminal_that_stands_still_gets_no_more_and_no_more_of_it() -> None:
    """Ctrl-S, and a wait that is told of each second, for an hour."""
    async with seated() as (_, output):
        output.say("x" * BEHIND * 2)
        before = output._terminal.waiting
        for second in range(3600):
            output.show(Layer.PROGRESS, f"waiting for {second} s")
        assert output._terminal.waiting <= before


@awaited
async def test_a_dumb_terminal_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    async with seated() as (seat, output):
        assert not output.is_clever
        output.show(Layer.PROGRESS, "waiting")
        output.leave()
        output.say("one")
        await seat.lines(output)
        assert seat.text == "devsup | one\n"
