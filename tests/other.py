"""A command of devsup that goes on, in another terminal than `devsup up`."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import termios
from typing import TYPE_CHECKING

from stack import DEVSUP, SECONDS
from supervised import Words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack import Stack

WAITING = re.compile(r"^devsup: waiting: .*\n", re.MULTILINE)


class Other:
    """The running command, and what it has written."""

    def __init__(self, process: subprocess.Popen[bytes], output: int) -> None:
        self.process = process
        self.words = Words(output)

    def wait_for_text(self, text: str) -> str:
        """All that it has written, as soon as this is part of it."""
        while text not in self.words.heard:
            assert self.words.listen(), f"it ended without {text!r}: {self.words.heard!r}"
        return self.words.heard

    def wait(self) -> tuple[int, str]:
        """Its exit code and all that it has written, but for whom it waited for on a slow day."""
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
            self.words.wait_for_end()
        return self.process.wait(SECONDS), WAITING.sub("", self.words.heard)


@contextlib.contextmanager
def other(stack: Stack, *arguments: str, terminal: bool = False) -> Iterator[Other]:
    """Run a command beside the stack; it is killed if the test leaves before its end."""
    reader, writer = os.openpty() if terminal else os.pipe()
    if terminal:
        termios.tcsetwinsize(reader, (24, 80))
    process = subprocess.Popen(
        [*DEVSUP, *arguments],
        cwd=stack.root,
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=writer,
        start_new_session=True,
    )
    os.close(writer)
    try:
        yield Other(process, reader)
    finally:
        process.kill()
        process.wait()
        os.close(reader)
