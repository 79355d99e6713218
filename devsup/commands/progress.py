"""Long waits show that something is happening, and how long it still can take."""

import asyncio
from collections.abc import Callable

from devsup.edges.output import Output
from devsup.pure.bottom import Layer

FIRST = 1.0
AGAIN = 1.0
AGAIN_AS_LINE = 5.0
"""Seconds until devsup says whom it waits for, and between two times: in place, or line by line."""


class Progress:
    """Says who is awaited; on a terminal at its bottom, until nobody is.

    `who` is a sentence, empty when nobody is awaited. There is a timer only while somebody is.
    """

    def __init__(self, output: Output, who: Callable[[], str]) -> None:
        self._output = output
        self._who = who
        self._timer: asyncio.TimerHandle | None = None

    def follow(self, *, awaited: bool) -> None:
        """Whether somebody is awaited now."""
        if awaited and self._timer is None:
            self._wait(FIRST)
        elif not awaited and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._output.show(Layer.PROGRESS, "")

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._say)

    def _say(self) -> None:
        if self._output.has_bottom:
            self._output.show(Layer.PROGRESS, self._who())
            self._wait(AGAIN)
        else:
            self._output.say(self._who())
            self._wait(AGAIN_AS_LINE)
