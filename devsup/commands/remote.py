"""Commands that ask a running devsup: send a request, print the reply."""

import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from devsup.edges import client
from devsup.edges.rundir import CONFIGS, PROCFILE, RunDirectory, mentions, project_folder
from devsup.pure.errors import FAILED, USAGE, DevsupError
from devsup.pure.protocol import Command, Kind, Reply, Request

HOME_AND_CLEAR = "\x1b[H\x1b[J"
END_PATIENCE = 60.0
"""Seconds in which a run that was told to end has to be gone."""


def directory(procfile: str | None) -> RunDirectory:
    """The run directory of the project: the Procfile itself need not be readable."""
    if procfile:
        return RunDirectory.of(Path(procfile).absolute().parent)
    here = project_folder(Path.cwd())
    return RunDirectory.of(configured_root(here) if may_be_elsewhere(here) else here)


def may_be_elsewhere(here: Path) -> bool:
    """Whether a configuration may name the Procfile."""
    return any(mentions(here / name, b"procfile") for name in CONFIGS)


def configured_root(here: Path) -> Path:
    """Where the Procfile is that the configuration here names."""
    from devsup.commands import project  # noqa: PLC0415  only when there is something to read

    with suppress(DevsupError):
        options, _ = project.load_options(here)
        return (here / (options.procfile or PROCFILE)).parent
    return here


def status(procfile: str | None, *, as_json: bool, watch: bool) -> None:
    """Print the status, once or again and again in place."""
    request = Request(Command.STATUS, follow=watch)
    in_place = watch and not as_json and sys.stdout.isatty()
    for reply in client.ask(directory(procfile).addresses, request):
        if reply.kind is Kind.STATUS:
            text = json.dumps(reply.status) if as_json else _table(reply)
            emit((HOME_AND_CLEAR if in_place else "") + text + "\n")
    if watch and not as_json:
        emit("the run has ended\n")


def _table(reply: Reply) -> str:
    from devsup.edges.console import fitted  # noqa: PLC0415  for people only
    from devsup.pure import snapshot, status_report  # noqa: PLC0415  likewise

    headline, *rest = status_report.lines(snapshot.load_status(reply.status))
    return "\n".join((fitted(headline, sys.stdout), *rest))


def change(command: str, services: tuple[str, ...], procfile: str | None, *, wait: bool) -> None:
    """Have services restarted, started or stopped; what became of them, as it is known.

    Raises:
        DevsupError: some of them failed, or devsup went away meanwhile.
    """
    request = Request(Command(command), services, wait=wait, follow=wait)
    report(client.ask(directory(procfile).addresses, request))


def report(replies: Iterable[Reply]) -> None:
    """Print what is said about a change, as it comes; who is awaited meanwhile, on stderr."""
    from devsup.edges.console import Awaited, fitted  # noqa: PLC0415  `--json` does without

    with Awaited(sys.stderr) as awaited:
        for reply in replies:
            awaited.show(reply.text if reply.kind is Kind.WAITING else "")
            if reply.kind is Kind.SAY:
                emit(fitted(f"{reply.text}\n", sys.stdout))
            elif reply.kind is Kind.LINES:
                emit(reply.text)


def down(procfile: str | None) -> None:
    """End the run, and wait for the end of its supervisor.

    Raises:
        DevsupError: nothing is running, it did not end well, or not in time.
    """
    from devsup.edges import processes  # noqa: PLC0415  only this command looks at any
    from devsup.pure.words import ENDED  # noqa: PLC0415  likewise

    place = directory(procfile)
    holder = place.holder()
    supervisor = processes.hold(holder.identity) if holder else None
    report(client.ask(place.addresses, Request(Command.DOWN, follow=True)))
    if supervisor and not processes.wait([supervisor], END_PATIENCE):
        raise DevsupError("devsup does not end", hint="type: devsup kill", exit_code=FAILED)
    emit(f"{ENDED}\n")


def logs(services: tuple[str, ...], procfile: str | None, *, lines: int, follow: bool) -> None:
    """Print the latest lines: of the running devsup, else of the last run."""
    from devsup.edges.console import is_coloured  # noqa: PLC0415  `--json` does without

    show = emit if is_coloured(sys.stdout) else emit_plain
    place = directory(procfile)
    request = Request(Command.LOGS, services, follow=follow, lines=lines)
    replies = client.ask(place.addresses, request)
    try:
        # All at once if there is an end to it: who pages through them must not keep devsup waiting.
        for reply in replies if follow else [*replies]:
            if reply.kind is Kind.LINES:
                show(reply.text)
            elif reply.kind is Kind.MISSED:
                emit(f"devsup: {reply.number} lines missed: they came faster than they were read\n")
    except client.NotRunningError:
        if follow:
            raise
        show(_last_run(place, services, lines))


def _last_run(place: RunDirectory, services: tuple[str, ...], lines: int) -> str:
    from devsup.edges import logfile  # noqa: PLC0415  only when nothing runs

    try:
        found = logfile.tail(place.log, frozenset(services), lines)
    except FileNotFoundError:
        raise client.NotRunningError from None
    if services and lines and not found:
        names = " ".join(services)
        raise DevsupError(f"the log of the last run has no line of {names}", exit_code=USAGE)
    return found.decode(errors="backslashreplace")


def emit_plain(text: str) -> None:
    """Print without the colours that a service has put in its lines."""
    from devsup.pure import colours  # noqa: PLC0415  only in a pipe, or where nobody wants any

    emit(colours.without(text.encode()).decode())


def emit(text: str) -> None:
    """Print without waiting for more; a reader that left ends the command quietly."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
