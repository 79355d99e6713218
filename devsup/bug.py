"""What is kept of a bug in devsup itself."""

import traceback
from pathlib import Path

from devsup.errors import BUG, DevsupError
from devsup.rundir import crash_file


def keep(error: Exception) -> Path:
    """Keep the traceback, without the messages: they may hold values of settings; the new file."""
    lines = []
    link: BaseException | None = error
    while link is not None:
        lines += [*traceback.format_tb(link.__traceback__), f"{type(link).__qualname__}\n"]
        link = link.__cause__ or link.__context__
    return crash_file("".join(lines))


def refusal(error: Exception) -> DevsupError:
    """The answer to a command that met a bug; the run goes on."""
    return DevsupError(
        f"a bug in devsup itself ({type(error).__qualname__})",
        hint=f"please report it with {keep(error)}",
        exit_code=BUG,
    )
