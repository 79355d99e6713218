"""What is kept of a bug in devsup itself."""

import traceback
from pathlib import Path

from devsup.edges.rundir import crash_file
from devsup.pure.errors import BUG, DevsupError


def keep(error: Exception) -> Path | None:
    """Keep the traceback, without the messages: they may hold values of settings.

    The new file; None where none can be written: the bug must not become another one.
    """
    lines = []
    link: BaseException | None = error
    while link is not None:
        lines += [*traceback.format_tb(link.__traceback__), f"{type(link).__qualname__}\n"]
        link = link.__cause__ or link.__context__
    try:
        return crash_file("".join(lines))
    except (OSError, DevsupError):
        return None


def plea(kept: Path | None) -> str:
    """What to do about a bug."""
    return f"please report it with {kept}" if kept else "please report it (nothing could be kept)"


def refusal(error: Exception) -> DevsupError:
    """The answer to a command that met a bug; the run goes on."""
    return DevsupError(
        f"a bug in devsup itself ({type(error).__qualname__})",
        hint=plea(keep(error)),
        exit_code=BUG,
    )
