"""Who is awaited, on whatever stream a command has for it."""

from __future__ import annotations

import os
import termios
from typing import TYPE_CHECKING

import pytest
from emulator import Emulator

from devsup.edges import console
from devsup.edges.console import Awaited, fitted

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "waiting: worker.1 finishing, 9 s before SIGQUIT"


def test_in_a_file_it_is_a_line_now_and_then(tmp_path: Path) -> None:
    path = tmp_path / "errors"
    with path.open("w") as stream, Awaited(stream) as awaited:
        for _ in range(10):
            awaited.show(TEXT)
            awaited.show("")
    assert path.read_text() == f"devsup: {TEXT}\n"


def test_it_is_said_again_after_some_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "AGAIN_AS_LINE", 0.0)
    path = tmp_path / "errors"
    with path.open("w") as stream, Awaited(stream) as awaited:
        awaited.show(TEXT)
        awaited.show(TEXT)
    assert path.read_text() == f"devsup: {TEXT}\n" * 2


@pytest.mark.parametrize(("term", "columns"), [("xterm", 40), ("xterm", 0), ("dumb", 80)])
def test_on_a_terminal_it_is_one_line_that_goes_away(
    monkeypatch: pytest.MonkeyPatch, term: str, columns: int
) -> None:
    monkeypatch.setenv("TERM", term)
    controller, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, columns))
    screen = Emulator(columns or 80)
    with os.fdopen(terminal, "w") as stream:
        with Awaited(stream) as awaited:
            awaited.show(TEXT)
            awaited.show(TEXT)
            while TEXT[:30] not in "".join(screen.lines):
                screen.feed(os.read(controller, 1 << 16).decode())
            assert len(screen.lines) == 1
        # A terminal hands out what was written piece by piece.
        while term != "dumb" and screen.lines:
            screen.feed(os.read(controller, 1 << 16).decode())
    os.close(controller)


def test_whoever_does_not_want_to_read_it_is_no_failure() -> None:
    with Awaited(None) as awaited:
        awaited.show(TEXT)
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    with Awaited(stream) as awaited:
        awaited.show(TEXT)
    stream.close()
    assert fitted(TEXT, None) == TEXT
