"""Much output and a reader that stops or goes: nothing lost, nobody held up, memory bounded."""

from __future__ import annotations

import asyncio
import errno
import os

import pytest
from awaited import awaited
from readers import SECONDS, Reader, pour
from shown import BLOCK, WEB, Service, gathered, prefixed, showing, stall

from devsup.edges import output as module
from devsup.edges.output import HIGH, LOW
from devsup.edges.pipe import READ


@awaited
async def test_a_reader_that_stops_stops_the_reading_and_nothing_is_lost() -> None:
    reader = Reader()
    async with showing(reader) as output:
        service = Service(output)
        text = await stall(service, output)
        output.say("still alive")
        assert LOW < output._terminal.waiting < HIGH + 2 * len(BLOCK)
        shown = prefixed(b"web.1", text.removesuffix(BLOCK)) + b"devsup | still alive\n"
        shown += prefixed(b"web.1", BLOCK)
        assert await reader.read(len(shown)) == shown
        assert await output.flush(SECONDS)
        await service.told(b"and on\n")
        assert await reader.read(len(WEB) + 7) == WEB + b"and on\n"
        service.end()


@pytest.fixture
def low_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any line that waits is too much."""
    monkeypatch.setattr(module, "HIGH", 0)
    monkeypatch.setattr(module, "LOW", 0)


@pytest.mark.usefixtures("low_bound")
@awaited
async def test_when_one_read_is_enough_the_other_services_are_not_read() -> None:
    reader = Reader()
    reader.fill()
    async with showing(reader, "web.1", "db.1") as output:
        services = [Service(output), Service(output, "db.1")]
        for service in services:
            service.write(BLOCK)
        await gathered()
        assert sum(map(len, services[0].heard + services[1].heard)) == len(BLOCK)
        for service in services:
            os.close(service.fd)


@pytest.mark.usefixtures("low_bound")
@awaited
async def test_while_nobody_reads_the_loop_is_at_rest() -> None:
    reader = Reader()
    reader.fill()
    async with showing(reader) as output:
        service = Service(output)
        await service.told(b"one\n")
        await gathered()
        assert not asyncio.get_running_loop().remove_reader(output._pipes.fileno())
        os.close(service.fd)


@awaited
async def test_what_is_said_while_the_reading_resumes_does_not_end_it() -> None:
    reader = Reader()
    async with showing(reader) as output:
        service = Service(output)
        shown = len(prefixed(b"web.1", await stall(service, output)))
        while output._terminal.waiting > LOW:  # the loop does not get to know
            shown -= len(os.read(reader.end, READ))
        output.say("x" * LOW)
        await reader.read(shown + len(b"devsup | \n") + LOW)
        await service.told(b"and on\n")
        service.end()


@awaited
async def test_services_that_end_while_nobody_reads_lose_nothing_and_cost_no_memory() -> None:
    reader = Reader()
    async with showing(reader) as output:
        service = Service(output)
        text = await stall(service, output)
        service.end()
        holders = []
        for number in range(20):
            service = Service(output)
            service.write(BLOCK + b"%d" % number)
            holders.append(os.dup(service.fd))
            service.end()
            text += BLOCK + b"%d\n" % number
        assert output._terminal.waiting < HIGH + 2 * len(BLOCK)
        assert not await output.flush(0.01)
        shown = prefixed(b"web.1", text)
        assert await reader.read(len(shown)) == shown
        assert await output.flush(SECONDS)
        for holder in holders:
            with pytest.raises(BrokenPipeError):
                os.write(holder, b"too late")
            os.close(holder)


@awaited
async def test_flushing_goes_on_while_there_is_progress() -> None:
    """Each time that it looks again, a little more is read: too little to ease anything."""
    reader = Reader()
    async with showing(reader) as output:
        service = Service(output)
        await stall(service, output)
        ease = output._ease
        looks = iter(range(3))

        def read_a_little() -> None:
            if next(looks, None) is not None:
                os.read(reader.end, 40_000)
            ease()

        output._ease = read_a_little  # type: ignore[method-assign]
        assert not await output.flush(0.3)
        assert next(looks, None) is None


@awaited
async def test_a_reader_that_goes_is_told_once_and_the_services_are_read_on() -> None:
    reader = Reader()
    told: list[None] = []
    async with showing(reader, closed=lambda: told.append(None)) as output:
        service = Service(output)
        text = await stall(service, output)
        reader.leave()
        await pour(service.fd, 4 * BLOCK)
        service.end()
        assert await output.flush(SECONDS)
        assert len(told) == 1
        assert output.failure
        assert output.failure.errno == errno.EPIPE
        assert b"".join(service.heard) == text + 4 * BLOCK
