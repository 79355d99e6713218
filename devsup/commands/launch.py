"""Everything before the first process of a run: read, refuse, lock, clean up; then `serving`."""

import asyncio
import sys
from dataclasses import replace
from types import MappingProxyType

from devsup.commands import kill, project, serving
from devsup.commands.project import EnvFiles, Project
from devsup.commands.serving import Request
from devsup.edges.rundir import RunDirectory
from devsup.pure import procfile, stack
from devsup.pure.errors import RUNNING, DevsupError, UnreadableError
from devsup.pure.stack import Spec


def run(request: Request) -> int:
    """Run a stack in the foreground until it ends; the exit code.

    Raises:
        DevsupError: it was not started, and nothing was.
    """
    found = project.load(request.procfile, request.env_files)
    shell = MappingProxyType(dict(request.shell))
    env = EnvFiles(found.root, found.env_files, shell)
    reading = env.take(env.contents())
    if reading.problems:
        raise UnreadableError(reading.problems, hint="nothing was started; mend it and try again")
    specs = build(found, request)
    directory = RunDirectory.of(found.root)
    lock = directory.lock()
    if lock is None:
        raise already_running(directory)
    with lock:
        clear_former_run(found, directory)
        return asyncio.run(serving.serve(found, request, env, specs, directory))


def build(found: Project, request: Request) -> tuple[Spec, ...]:
    """The services that were asked for, with everything that is decided about them."""
    formation = procfile.parse_formation(request.formation) if request.formation else {}
    services = procfile.services(found.entries, formation, request.services, request.port)
    options = found.options
    if request.stop_timeout is not None:
        options = replace(options, stop_timeout=request.stop_timeout)
    return stack.build(services, options)


def clear_former_run(found: Project, directory: RunDirectory) -> None:
    """Remove what survived if all of a former devsup was killed at once."""
    outcome = kill.clear_former_run(found.root, directory, tell)
    if outcome.removed:
        tell(f"removed what a former run had left: {len(outcome.removed)} alive")
    if outcome.survivors:
        pids = " ".join(str(each.pid) for each in outcome.survivors)
        raise DevsupError(
            f"what a former run left cannot be killed: {pids}",
            hint=f"as root: kill -9 {pids}",
        )


def tell(text: str) -> None:
    """Before there is any output of services."""
    print(f"devsup: {text}", file=sys.stderr)  # noqa: T201  nothing else writes yet


def already_running(directory: RunDirectory) -> DevsupError:
    """The refusal of a second `up`."""
    record = directory.read()
    pid = f" (pid {record.supervisor.pid})" if record else ""
    return DevsupError(
        f"this Procfile is already running{pid}",
        hint="see: devsup status; to end it: Ctrl-C in its terminal, or devsup down",
        exit_code=RUNNING,
    )
