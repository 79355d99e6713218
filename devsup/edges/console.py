"""The streams that a command was given, for its own words; imports no asyncio."""

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from devsup.edges import window
from devsup.pure import colours
from devsup.pure.bottom import ERASE, RESET, Layer, drawn
from devsup.pure.wrapping import wrapped

AGAIN_AS_LINE = 5.0
"""Seconds at least between two lines about the same wait."""


class Awaited:
    """Who is awaited: in place on a terminal while it lasts; elsewhere line by line, now and then.

    There is no stream where whoever started us closed it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._is_drawn = False
        self._next_line = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.show("")

    def show(self, text: str) -> None:
        """Have this there instead of what was; empty: nothing."""
        if self._stream is None:
            return
        if text and not is_possible(self._stream):
            self._say(self._stream, text)
        elif text or self._is_drawn:
            self._draw(self._stream, text)

    def _draw(self, stream: TextIO, text: str) -> None:
        line = (
            drawn(Layer.PROGRESS, text, window.columns(stream.fileno()) or window.USUAL)
            if text
            else RESET
        )
        self._is_drawn = bool(text)
        self._write(stream, (ERASE + line).decode())

    def _say(self, stream: TextIO, text: str) -> None:
        now = time.monotonic()
        if now >= self._next_line:
            self._next_line = now + AGAIN_AS_LINE
            self._write(stream, f"devsup: {text}\n")

    def _write(self, stream: TextIO, text: str) -> None:
        """Whoever reads it may leave, and wait on all the same for what is asked."""
        try:
            stream.write(text)
            stream.flush()
        except OSError:
            self._stream = None
            # What is left in its buffer must go somewhere, or Python ends with a failure.
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def is_possible(stream: TextIO) -> bool:
    """Whether it is a terminal that can more than show lines, and nobody else's prompt is there."""
    fd = stream.fileno() if stream.isatty() else -1
    return window.is_clever(fd) and not window.is_behind(fd)


def is_coloured(stream: TextIO) -> bool:
    """Whether colours are wanted there."""
    return colours.are_wanted(os.environ) and stream.isatty()


def fitted(text: str, stream: TextIO | None) -> str:
    """Sentences as they go to this stream: on a terminal they are broken between words."""
    return wrapped(text, columns(stream))


def columns(stream: TextIO | None) -> int:
    """The width of this moment; 0 when there is none."""
    with suppress(OSError):  # a stream of Python's own
        return window.columns(stream.fileno()) if stream else 0
    return 0
