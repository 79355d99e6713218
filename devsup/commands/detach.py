"""`devsup up --detach`: the same `up` in a session of its own; returns when all of it is ready."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from devsup.commands import remote
from devsup.commands.launch import Request as Launch
from devsup.commands.launch import already_running, tell_missing
from devsup.edges import client
from devsup.edges.rundir import RunDirectory
from devsup.pure.errors import FAILED, DevsupError
from devsup.pure.protocol import Command, Request

INTERRUPTED = 130
PAUSE = 0.01
"""Seconds between two looks whether the new devsup answers already."""


def detach(launch: Launch) -> None:
    """Start devsup in the background, and wait until its services are ready.

    Raises:
        DevsupError: it did not start, or a service is not ready; the others are left running.
    """
    place = remote.directory(launch.procfile)
    if place.locked():
        raise already_running(place)
    tell_missing(launch)
    place.make()
    errors = place.path / "detached"
    with writable(errors) as refusal:
        process = subprocess.Popen(
            # -P: a module of the project here must not pass for one of Python's or of devsup's.
            [sys.executable, "-P", "-m", "devsup", "up", *arguments(launch)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=refusal,
            start_new_session=True,
        )
    try:
        wait_for_answer(place, process, errors)
        remote.report(client.ask(place.addresses, Request(Command.READY, follow=True)))
    except DevsupError as error:
        if not is_held_by(place, process.pid):
            raise
        hints = filter(None, [error.hint, "devsup runs on in the background; end it: devsup down"])
        raise DevsupError(error.message, hint="; ".join(hints), exit_code=error.exit_code) from None
    except KeyboardInterrupt:
        raise DevsupError(
            "not waited for any longer: devsup goes on in the background",
            hint="see: devsup status; end it: devsup down",
            exit_code=INTERRUPTED,
        ) from None


def writable(path: Path) -> BinaryIO:
    """A new file for what the other devsup refuses."""
    try:
        return path.open("w+b")
    except OSError as error:
        raise DevsupError(f"{path} cannot be written: {error.strerror}") from None


def wait_for_answer(place: RunDirectory, process: subprocess.Popen[bytes], errors: Path) -> None:
    """Until the new devsup holds the lock and listens; its own refusal when it does not."""
    while not (is_held_by(place, process.pid) and listens(place)):
        code = process.poll()
        if code is not None:
            text = errors.read_text(encoding="utf-8", errors="replace")
            raise DevsupError(text.strip().removeprefix("devsup: "), exit_code=code or FAILED)
        time.sleep(PAUSE)


def listens(place: RunDirectory) -> bool:
    """Whether somebody answers; the socket of one that was killed may still be there.

    Not by its claim, which is taken before it is sure to start anything.
    """
    with socket.socket(socket.AF_UNIX) as connection, suppress(DevsupError):
        client.connect(connection, [str(place.socket)])
        return True
    return False


def is_held_by(place: RunDirectory, pid: int) -> bool:
    """Whether this process runs the project."""
    holder = place.holder()
    return holder is not None and holder.identity.pid == pid


def arguments(launch: Launch) -> Iterator[str]:
    """The command line that asks for the same in the foreground."""
    yield from launch.services
    if launch.procfile:
        yield f"--procfile={launch.procfile}"
    yield from (f"--env-file={each}" for each in launch.env_files)
    yield f"--port={launch.port}"
    if launch.formation:
        yield f"--formation={launch.formation}"
    if launch.stop_timeout is not None:
        yield f"--stop-timeout={launch.stop_timeout}"
    if launch.on_exit:
        yield f"--on-exit={launch.on_exit.value}"
    if not launch.watch:
        yield "--no-watch"
