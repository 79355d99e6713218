"""Which of the contents of the files are believed, and when."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devsup.commands import settling as settling_module
from devsup.commands.declarations import Declarations, Reading
from devsup.commands.project import Place
from devsup.commands.settling import Settling
from devsup.pure.declaration import Declaration
from devsup.pure.writing import PATIENCE, Writer

if TYPE_CHECKING:
    from pathlib import Path


def declarations(folder: Path) -> Declarations:
    """A project whose Procfile does not matter."""
    (folder / "Procfile").write_text("web: sleep 600\n", encoding="utf-8")
    return Declarations(
        Place(folder), {}, 5000, lambda _found, settings, _ports: Declaration((), settings)
    )


def never() -> None:
    raise AssertionError("nobody is to be told of a wait")


def believed(path: Path, *steps: str) -> list[str | None]:
    """What was handed on while the file said one thing after the other.

    `now` stands for somebody who asks to have it read at once, a text for an edit with its hint.
    """
    readings: list[Reading] = []

    async def play() -> None:
        files = declarations(path.parent)
        arrived = asyncio.Event()

        def take(reading: Reading) -> None:
            readings.append(reading)
            arrived.set()

        settling = Settling(files, take, never)
        for step in steps:
            if step == "now":
                settling.take_now()
                continue
            path.write_text(step, encoding="utf-8")
            settling.look()
        arrived.clear()
        async with asyncio.timeout(30):
            while files.contents() != files.last:
                await arrived.wait()
                arrived.clear()
        settling.close()

    asyncio.run(play())
    return [reading.declared.settings.get("A") for reading in readings]


def test_an_edit_is_handed_on_once_it_has_settled(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\n", encoding="utf-8")
    assert believed(file, "A=2\n") == ["2"]


def test_an_edit_back_is_not_lost_when_the_one_before_was_read_on_demand(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\n", encoding="utf-8")
    assert believed(file, "A=2\n", "now", "A=1\n") == ["2", "1"]


def test_a_file_that_could_not_be_read_is_tried_again_without_a_hint(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\n", encoding="utf-8")

    async def play() -> tuple[Reading, Reading]:
        files = declarations(tmp_path)
        readings = asyncio.Queue[Reading]()
        settling = Settling(files, readings.put_nowait, never)
        file.unlink()
        file.symlink_to(file)
        settling.look()
        async with asyncio.timeout(30):
            broken = await readings.get()
            file.unlink()
            file.write_text("A=2\n", encoding="utf-8")
            mended = await readings.get()
        settling.close()
        return broken, mended

    broken, mended = asyncio.run(play())
    assert broken.problems
    assert mended.declared.settings["A"] == "2"


@pytest.mark.parametrize(
    ("writer", "text", "seconds"),
    [
        (Writer.UNKNOWN, "A=2\n", PATIENCE[Writer.UNKNOWN, False]),
        (Writer.BUSY, "A=2\n", PATIENCE[Writer.BUSY, False]),
        (Writer.DONE, "A=2\n", PATIENCE[Writer.DONE, False]),
        (Writer.UNKNOWN, "", PATIENCE[Writer.UNKNOWN, True]),
        (Writer.BUSY, "", PATIENCE[Writer.BUSY, True]),
        (Writer.DONE, "A=", PATIENCE[Writer.DONE, True]),
    ],
)
def test_how_long_an_edit_waits_depends_on_its_writer_and_on_what_is_missing(
    tmp_path: Path, writer: Writer, text: str, seconds: float
) -> None:
    least, most = wait_after(tmp_path, (text, writer))
    assert least <= seconds <= most


def test_who_closes_the_file_ends_the_wait_for_it(tmp_path: Path) -> None:
    steps = (("", Writer.BUSY), ("A=2\n", Writer.BUSY), ("A=2\n", Writer.DONE))
    least, _ = wait_after(tmp_path, *steps)
    assert least <= PATIENCE[Writer.DONE, False]  # of which some has passed since the last change


def test_a_hint_that_knows_nothing_of_the_writer_does_not_hurry_him(tmp_path: Path) -> None:
    least, _ = wait_after(tmp_path, ("", Writer.BUSY), ("", Writer.UNKNOWN))
    assert least > PATIENCE[Writer.UNKNOWN, True]


def test_a_file_that_is_made_anew_may_be_on_its_way_to_what_it_said(tmp_path: Path) -> None:
    least, _ = wait_when_missing(tmp_path, tmp_path / ".env", "")
    assert least > PATIENCE[Writer.DONE, False]


def test_a_file_that_is_missing_holds_up_no_other(tmp_path: Path) -> None:
    _, most = wait_when_missing(tmp_path, tmp_path / "Procfile", "web: sleep 1\n")
    assert most < PATIENCE[Writer.DONE, True]


def test_a_long_wait_for_a_writer_is_told_once_and_one_that_is_over_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling_module, "TOLD_AFTER", 0.01)
    file = tmp_path / ".env"
    file.write_text("A=1\n", encoding="utf-8")

    async def play() -> None:
        told = asyncio.Queue[str]()
        readings = asyncio.Queue[Reading]()
        settling = Settling(
            declarations(tmp_path), readings.put_nowait, lambda: told.put_nowait("told")
        )
        for text in ("", "A=2\n"):
            file.write_text(text, encoding="utf-8")
            settling.look(Writer.BUSY)
        async with asyncio.timeout(30):
            await told.get()
            settling.look(Writer.DONE)
            await readings.get()
        assert told.empty()
        assert settling._word is None

    asyncio.run(play())


def wait_when_missing(folder: Path, path: Path, text: str) -> tuple[float, float]:
    """Seconds, at least and at most, for which an edit is waited for when .env was deleted."""
    file = folder / ".env"
    file.write_text("A=1\n", encoding="utf-8")

    async def play() -> tuple[float, float]:
        settling = Settling(declarations(folder), lambda _: None, never)
        file.unlink()
        settling.take_now()
        path.write_text(text, encoding="utf-8")
        return looked_at(settling, Writer.DONE)

    return asyncio.run(play())


def wait_after(folder: Path, *steps: tuple[str, Writer]) -> tuple[float, float]:
    """Seconds, at least and at most, for which the files are waited for after edits and hints."""
    file = folder / ".env"
    file.write_text("A=1\n", encoding="utf-8")

    async def play() -> tuple[float, float]:
        settling = Settling(declarations(folder), lambda _: None, never)
        for text, writer in steps:
            file.write_text(text, encoding="utf-8")
            wait = looked_at(settling, writer)
        settling.close()
        return wait

    return asyncio.run(play())


def looked_at(settling: Settling, writer: Writer) -> tuple[float, float]:
    """Seconds, at least and at most, for which the files are waited for after a hint."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    settling.look(writer)
    assert settling._timer
    due = settling._timer.when()
    return due - loop.time(), due - before
