"""Lines of many services on one terminal: whole, in order, to the end of each."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from awaited import awaited
from readers import SECONDS, Reader, pour
from shown import BLOCK, WEB, Screen, Service, gathered, prefixed, showing, stall

from devsup.edges.pipe import DRAIN, READ

if TYPE_CHECKING:
    from devsup.edges.output import Output


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    return Screen(tmp_path / "screen")


@awaited
async def test_lines_carry_time_and_name(screen: Screen) -> None:
    async with showing(screen, timestamps=True) as output:
        service = Service(output)
        service.write(b"one\ntwo\n")
        service.end()
        lines = (await screen.text(output)).splitlines()
    assert [re.sub(rb"\d\d:\d\d:\d\d", b"TIME", line) for line in lines] == [
        b"TIME web.1  | one",
        b"TIME web.1  | two",
    ]


@awaited
async def test_colour_is_used_when_wanted_only(screen: Screen) -> None:
    async with showing(screen, colour=True) as output:
        output.say("one")
        assert await screen.text(output) == b"\x1b[0;2mdevsup |\x1b[0m one\n"


@awaited
async def test_own_lines_come_between_those_of_services_in_order(screen: Screen) -> None:
    async with showing(screen) as output:
        service = Service(output)
        await service.told(b"one\n")
        output.say("two\nthree\n")
        await service.told(b"four\n")
        text = await screen.text(output)
        service.end()
    assert text == b"web.1  | one\ndevsup | two\ndevsup | three\nweb.1  | four\n"


@awaited
async def test_services_that_come_and_go_change_the_width_for_who_stays(screen: Screen) -> None:
    async with showing(screen, "web.1", "long-worker.1") as output:
        web, worker = Service(output), Service(output, "long-worker.1")
        await worker.told(b"one\n")
        output.expect(["web.1", "db.1"])
        db = Service(output, "db.1")
        for service in (worker, web, db):
            await service.told(b"two\n")
            service.end()
        output.say("three")
        text = await screen.text(output)
    assert text.splitlines() == [
        b"long-worker.1 | one",
        b"long-worker.1 | two",
        b"web.1  | two",
        b"db.1   | two",
        b"devsup | three",
    ]


@awaited
async def test_own_lines_may_name_files_that_are_no_text(screen: Screen) -> None:
    async with showing(screen) as output:
        output.say(os.fsdecode(b"\xff.env"))
        assert await screen.text(output) == b"devsup | \\udcff.env\n"


@awaited
async def test_the_journal_gets_every_line_in_plain(screen: Screen) -> None:
    heard: list[tuple[str, bytes]] = []
    journal = lambda name, lines, _: heard.append((name, lines))  # noqa: E731
    async with showing(screen, colour=True, journal=journal) as output:
        service = Service(output)
        await service.told(b"one\ntwo\n")
        output.say("three")
        service.end()
        await screen.text(output)
    plain = [(name, re.sub(rb"\d\d:\d\d:\d\d", b"TIME", lines)) for name, lines in heard]
    assert plain == [
        ("web.1", b"TIME web.1  | one\nTIME web.1  | two\n"),
        ("devsup", b"TIME devsup | three\n"),
    ]


@awaited
async def test_a_line_is_shown_when_it_is_complete(screen: Screen) -> None:
    async with showing(screen, "web.1", "db.1") as output:
        web, db = Service(output), Service(output, "db.1")
        await web.told(b"first\nbeg")
        await db.told(b"between\n")
        await web.told(b"in\n")
        assert await screen.text(output) == b"web.1  | first\ndb.1   | between\nweb.1  | begin\n"
        web.end()
        db.end()


@awaited
async def test_a_very_long_line_is_shown_in_pieces(screen: Screen) -> None:
    line = b"".join(b"%9d," % at for at in range(30_000)) + b"\n"
    async with showing(screen) as output:
        service = Service(output)
        await pour(service.fd, line)
        service.end()
        text = await screen.text(output)
    pieces = text.splitlines()
    assert all(piece.startswith(WEB) for piece in pieces)
    assert b"".join(piece.removeprefix(WEB) for piece in pieces) + b"\n" == line


@awaited
async def test_at_its_end_everything_is_taken_and_the_last_line_completed(screen: Screen) -> None:
    async with showing(screen) as output:
        service = Service(output)
        service.write(b"one\ntwo")
        service.end()
        output.finish("web.1")  # once more is harmless
        assert await screen.text(output) == b"web.1  | one\nweb.1  | two\n"
        assert b"".join(service.heard) == b"one\ntwo\n"


@awaited
async def test_a_service_may_close_its_output_and_live_on(screen: Screen) -> None:
    async with showing(screen) as output:
        service = Service(output)
        service.write(b"bye")
        os.close(service.fd)
        await asyncio.wait_for(service.news.wait(), SECONDS)
        assert await screen.text(output) == b"web.1  | bye\n"
        output.finish("web.1")


@awaited
async def test_a_pipe_that_is_still_held_open_is_left_to_its_holder(screen: Screen) -> None:
    async with showing(screen) as output:
        service = Service(output)
        holder = os.dup(service.fd)
        service.write(b"one\n")
        service.end()
        assert await screen.text(output) == b"web.1  | one\n"
        with pytest.raises(BrokenPipeError):
            os.write(holder, b"two\n")
        os.close(holder)


@awaited
async def test_a_stray_that_never_stops_writing_is_cut_off(screen: Screen) -> None:
    async with showing(screen) as output:
        end, fd = os.pipe()
        taken = 0

        def write_more(run: bytes) -> None:
            nonlocal taken
            taken += len(run)
            if taken < 2 * DRAIN:
                os.write(fd, BLOCK)

        os.write(fd, BLOCK)
        output.attach("web.1", end, write_more)
        output.finish("web.1")
        assert await output.flush(SECONDS)
        assert DRAIN <= taken < DRAIN + READ
        with pytest.raises(BrokenPipeError):
            os.write(fd, BLOCK)
        os.close(fd)


@awaited
async def test_a_terminal_of_its_own_ends_when_nobody_has_it_open(screen: Screen) -> None:
    async with showing(screen) as output:
        controller, terminal = os.openpty()
        output.attach("web.1", controller)
        os.write(terminal, b"one\ntwo")
        os.close(terminal)
        output.finish("web.1")
        assert await screen.text(output) == b"web.1  | one\nweb.1  | two\n"


@awaited
async def test_the_lines_of_a_restarted_service_follow_those_before(screen: Screen) -> None:
    async with showing(screen) as output:
        for text in (b"one", b"two", b"three"):
            service = Service(output)
            service.write(text)
            service.end()
        assert await screen.text(output) == prefixed(b"web.1", b"one\ntwo\nthree\n")


@awaited
async def test_no_service_waits_for_the_flood_of_another(screen: Screen) -> None:
    async with showing(screen, "web.1", "db.1") as output:
        web, db = Service(output), Service(output, "db.1")
        fcntl.fcntl(web.fd, fcntl.F_SETPIPE_SZ, 16 * len(BLOCK))
        web.write(8 * BLOCK)
        await db.told(b"one\n")
        web.end()
        db.end()
        text = await screen.text(output)
    before, _, _ = text.partition(b"db.1")
    assert before.count(b"\n") <= READ // 100


@awaited
async def test_lines_gather_in_a_trickle_and_not_in_a_flood(screen: Screen) -> None:
    async with showing(screen) as output:
        gather, times = output._gather, 0

        def count() -> None:
            nonlocal times
            times += 1
            gather()

        output._gather = count  # type: ignore[method-assign]
        service = Service(output)
        for _ in range(50):
            await service.told(BLOCK)
        assert times == 0
        for _ in range(2):  # the first may still count as the end of the flood
            await gathered()
            await service.told(b"one\n")
        assert times >= 1
        service.end()


PRODUCER = """
import os, sys
name, count = sys.argv[1].encode(), int(sys.argv[2])
text = b"".join(b"%s %07d %s\\n" % (name, at, b"x" * 85) for at in range(count))
for at in range(0, len(text), 4093):  # lines are torn at every place
    os.write(1, text[at : at + 4093])
"""


async def produce(output: Output, name: str, count: int) -> None:
    service = Service(output, name)
    with service.process(sys.executable, "-S", "-c", PRODUCER, name, str(count)) as ended:
        assert await ended == 0
    service.end()


@awaited
async def test_lines_of_processes_that_write_at_once_are_whole_and_in_order(screen: Screen) -> None:
    count = 200_000
    async with showing(screen, "web.1", "db.1") as output:
        await asyncio.gather(produce(output, "web.1", count), produce(output, "db.1", count))
        lines = (await screen.text(output)).splitlines()
    for name in (b"web.1", b"db.1"):
        start = name.ljust(6) + b" | "
        mine = [line for line in lines if line.startswith(start)]
        assert mine == [start + b"%s %07d %s" % (name, at, b"x" * 85) for at in range(count)]
    assert len(lines) == 2 * count


@awaited
async def test_nothing_is_left_open(screen: Screen) -> None:
    before = held()
    async with showing(screen, "web.1", "db.1") as output:
        Service(output).end()
        open_end = Service(output, "db.1")
        Service(output, "db.1").end()
        os.close(open_end.fd)
    assert held() < before  # the screen is closed


def complaints() -> list[dict[str, Any]]:
    """What callbacks of the loop will have raised."""
    found: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, complaint: found.append(complaint))
    return found


@awaited
async def test_after_closing_nothing_is_done(screen: Screen) -> None:
    """Not even what was due after lines had gathered."""
    found = complaints()
    async with showing(screen) as output:
        service = Service(output)
        await service.told(b"one\n")
        service.write(b"two\n")
    await gathered()
    assert service.heard == [b"one\n"]
    assert found == []
    os.close(service.fd)


@awaited
async def test_after_closing_nothing_resumes() -> None:
    found = complaints()
    async with showing(Reader()) as output:
        service = Service(output)
        await stall(service, output)
    await gathered()
    assert found == []
    os.close(service.fd)


def held() -> set[str]:
    """Descriptors of this process."""
    return {*map(str, Path("/proc/self/fd").iterdir())}
