"""`devsup run`: one command in the environment of the stack, in the place of devsup itself."""

import os
import signal
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import NoReturn

from devsup.commands import inquiry
from devsup.pure import envfile
from devsup.pure.errors import DevsupError

NOT_FOUND = 127
NOT_EXECUTABLE = 126
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def run(
    command: Sequence[str],
    procfile: str | None,
    env_files: tuple[str, ...],
    service: str | None,
    shell: Mapping[str, str],
) -> NoReturn:
    """Become the command: terminal, signals and exit code are its own.

    It carries no mark of the run: the next edit must not end it.

    Raises:
        DevsupError: it cannot be started, or a file cannot be understood.
    """
    asked = inquiry.inquire(procfile, env_files, service, shell)
    settings = asked.env.settings
    environment = envfile.environment(shell, settings, port=asked.port, terminal=False, marks={})
    if service is None and "PORT" not in settings:
        # One of ours would be that of a service which has it already.
        environment.pop("PORT")
        environment |= {key: shell[key] for key in ("PORT",) if key in shell}
    become(command, environment)


def become(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Replace this process; the program is looked for on the PATH that it will have itself."""
    for number in IGNORED_BY_PYTHON:  # which a program would inherit
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), environment)
    except (FileNotFoundError, NotADirectoryError):
        raise DevsupError(
            f"{command[0]}: not found{'' if '/' in command[0] else ' on PATH'}",
            hint=next_step(command),
            exit_code=NOT_FOUND,
        ) from None
    except OSError as error:
        raise DevsupError(f"{command[0]}: {error.strerror}", exit_code=NOT_EXECUTABLE) from None


def next_step(command: Sequence[str]) -> str:
    """A command line in quotes is one word, and so the name of a program."""
    if len(command) == 1 and len(command[0].split()) > 1:
        line = quote(command[0])
        return f"leave out the quotes: devsup run {command[0]}, or: devsup run sh -c {line}"
    return "" if "/" in command[0] else "is the virtual environment active?"
