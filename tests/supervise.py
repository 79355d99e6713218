"""The supervisor's end as a process of its own, for tests that kill it.

    python supervise.py FOLDER LINE…

Says `zygote PID`, starts one service a LINE, and says of each, by its number, `N guardian PID` and
what happens to it, and `lost` when the zygote is. On SIGTERM and at the end of its stdin it closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from functools import partial
from pathlib import Path

from stage import MARK

from devsup.edges.group import Group, Happening, Started, Zygote

PATIENCE = 60.0


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201  the test reads it


class Supervisor:
    def __init__(self, loop: asyncio.AbstractEventLoop, zygote: Zygote) -> None:
        self.loop = loop
        self.zygote = zygote
        self.groups: list[Group] = []
        zygote.serve(loop, self.lost)
        loop.add_reader(sys.stdin.fileno(), self.close)
        loop.add_signal_handler(signal.SIGTERM, self.close)

    def start(self, folder: Path, line: str) -> None:
        group = Group(self.zygote, partial(self.tell, len(self.groups)))
        self.groups.append(group)
        group.spawn(folder, line, {}, os.open(os.devnull, os.O_WRONLY))

    def tell(self, number: int, happening: Happening) -> None:
        if isinstance(happening, Started):
            say(number, "guardian", self.groups[number].guardian)
        say(number, happening)

    def lost(self) -> None:
        say("lost")
        say("ended", self.zygote.end_everything(PATIENCE))
        self.loop.stop()

    def close(self) -> None:
        say("closed", self.zygote.close(PATIENCE))
        self.loop.stop()


def main() -> None:
    folder, *lines = sys.argv[1:]
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        supervisor = Supervisor(loop, Zygote(MARK))
        say("zygote", supervisor.zygote.pid)
        for line in lines:
            supervisor.start(Path(folder), line)
        loop.run_forever()


if __name__ == "__main__":
    main()
