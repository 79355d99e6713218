"""`devsup run`: one command in the environment of the stack, in the place of devsup itself."""

import os
from collections.abc import Mapping, Sequence
from typing import NoReturn

from devsup import envfile, procfile, project
from devsup.errors import DevsupError, UnreadableError
from devsup.project import EnvFiles

NOT_FOUND = 127
NOT_EXECUTABLE = 126


def run(
    command: Sequence[str],
    procfile_option: str | None,
    env_files: tuple[str, ...],
    service: str | None,
    shell: Mapping[str, str],
) -> NoReturn:
    """Become the command: terminal, signals and exit code are its own.

    It carries no mark of the run: the next edit must not end it.

    Raises:
        DevsupError: it cannot be started, or a file cannot be understood.
    """
    found = project.load(procfile_option, env_files)
    env = EnvFiles(found.root, found.env_files, shell)
    reading = env.take(env.contents())
    if reading.problems:
        raise UnreadableError(reading.problems)
    chosen = procfile.services(
        found.entries, {}, (service,) if service else (), procfile.FIRST_PORT
    )
    environment = envfile.environment(
        shell, reading.settings, port=chosen[0].port, terminal=False, marks={}
    )
    if service is None and "PORT" not in reading.settings:
        # One of ours would be that of a service which has it already.
        environment.pop("PORT")
        environment |= {key: shell[key] for key in ("PORT",) if key in shell}
    become(command, environment)


def become(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Replace this process; the program is looked for on the PATH that it will have itself."""
    try:
        os.execvpe(command[0], list(command), environment)
    except FileNotFoundError:
        raise DevsupError(
            f"{command[0]}: not found on PATH",
            hint="is the virtual environment active?",
            exit_code=NOT_FOUND,
        ) from None
    except OSError as error:
        raise DevsupError(f"{command[0]}: {error.strerror}", exit_code=NOT_EXECUTABLE) from None
