"""Where a command line comes in, and one boundary for every error on its way out."""

import gc
import os
import sys
from collections.abc import Callable
from functools import partial

from devsup.pure.errors import BUG, DevsupError


def main() -> None:
    """Run the command line, and say plainly what went wrong."""
    if sys.platform == "win32":
        sys.exit("devsup needs POSIX process groups and does not run on Windows; WSL 2 does.")
    if sys.stdout is None:  # closed by whoever started us (`>&-`): nobody wants the output
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    # Collecting while modules are imported finds nothing, and takes a tenth of a command's time.
    gc.set_threshold(50_000)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        # Names and lines may hold bytes that are no UTF-8, and a terminal may not know all of it.
        stream.reconfigure(errors="backslashreplace")
    exit_code = guarded(partial(carry_out, sys.argv[1:]))
    # The interpreter ends with several collections, a fifth of a command's time: nothing for them.
    gc.freeze()
    sys.exit(exit_code)


def carry_out(words: list[str]) -> int | None:
    """Do what a command line asks for; the exit code, if it does not end with one."""
    if words == ["up"]:
        # What is typed all day has no options to read, and typer alone takes 30 ms to import.
        from devsup.commands import launch

        return launch.run(launch.Request())
    from devsup import app

    return app.run_line(words)


def guarded(run: Callable[[], int | str | None]) -> int | str | None:
    """The exit code of a command, whatever it raises."""
    try:
        return run()
    except DevsupError as error:
        say_refusal(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code
    except Exception as error:  # noqa: BLE001  the boundary: any other error is a bug of devsup
        return say_bug(error)


def say_refusal(error: DevsupError) -> None:
    """What is wrong and what to do, on stderr."""
    from devsup.edges.console import fitted
    from devsup.pure.words import refusal

    print(fitted(refusal(error), sys.stderr), file=sys.stderr)


def say_bug(error: Exception) -> int:
    """Keep the traceback, and say where."""
    from devsup.commands import bug

    text = f"a bug in devsup itself ({type(error).__qualname__}); what this devsup ran is ended"
    say_refusal(DevsupError(text, hint=bug.plea(bug.keep(error))))
    return BUG
