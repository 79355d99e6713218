"""Commands that ask a running devsup: send a request, print the reply."""

import json
import os
import sys
import time
from pathlib import Path

from devsup import client, status_report
from devsup.errors import FAILED, DevsupError
from devsup.protocol import Command, Kind, Reply, Request, load_status
from devsup.rundir import RunDirectory

HOME_AND_CLEAR = "\x1b[H\x1b[J"
END_PATIENCE = 60.0
"""Seconds in which a run that was told to end has to be gone."""


def directory(procfile: str | None) -> RunDirectory:
    """The run directory of the project: the Procfile itself need not be readable."""
    return RunDirectory.of(Path(procfile).absolute().parent if procfile else Path.cwd())


def status(procfile: str | None, *, as_json: bool, watch: bool) -> None:
    """Print the status, once or again and again in place."""
    request = Request(Command.STATUS, follow=watch)
    in_place = watch and not as_json and sys.stdout.isatty()
    for reply in client.ask(directory(procfile).socket, request):
        if reply.kind is Kind.STATUS:
            text = json.dumps(reply.status) if as_json else _table(reply)
            emit((HOME_AND_CLEAR if in_place else "") + text + "\n")


def _table(reply: Reply) -> str:
    return "\n".join(status_report.lines(load_status(reply.status)))


def change(command: str, services: tuple[str, ...], procfile: str | None, *, wait: bool) -> None:
    """Have services restarted, started or stopped; what became of them, as it is known.

    Raises:
        DevsupError: some of them failed, or devsup went away meanwhile.
    """
    request = Request(Command(command), services, wait=wait)
    ended = False
    for reply in client.ask(directory(procfile).socket, request):
        ended = reply.kind is Kind.DONE
        if reply.kind is Kind.SAY:
            emit(f"{reply.text}\n")
        elif reply.kind is Kind.LINES:
            emit(reply.text)
    if not ended:
        raise DevsupError("devsup ended meanwhile", hint="see: devsup logs", exit_code=FAILED)


def down(procfile: str | None) -> None:
    """End the run, and wait for the lock that its supervisor holds to its last moment."""
    place = directory(procfile)
    holder = place.holder()
    for _ in client.ask(place.socket, Request(Command.DOWN)):
        pass
    until = time.monotonic() + END_PATIENCE
    while holder and place.holder() == holder:
        if time.monotonic() > until:
            raise DevsupError("devsup does not end", hint="type: devsup kill", exit_code=FAILED)
        time.sleep(0.01)


def logs(services: tuple[str, ...], procfile: str | None, *, lines: int, follow: bool) -> None:
    """Print the latest lines: of the running devsup, else of the last run."""
    place = directory(procfile)
    request = Request(Command.LOGS, services, follow=follow, lines=lines)
    try:
        for reply in client.ask(place.socket, request):
            if reply.kind is Kind.LINES:
                emit(reply.text)
            elif reply.kind is Kind.MISSED:
                emit(f"devsup: {reply.number} lines missed: they came faster than they were read\n")
    except DevsupError as error:
        if error.exit_code != client.not_running().exit_code or follow:
            raise
        emit(_last_run(place, services, lines))


def _last_run(place: RunDirectory, services: tuple[str, ...], lines: int) -> str:
    from devsup import logfile  # noqa: PLC0415  only when nothing runs

    try:
        return logfile.tail(place.log, frozenset(services), lines).decode(errors="replace")
    except FileNotFoundError:
        raise client.not_running() from None


def emit(text: str) -> None:
    """Print without waiting for more; a reader that left ends the command quietly."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
