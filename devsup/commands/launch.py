"""Everything before the first process of a run: read, refuse, lock, clean up; then `serving`."""

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from signal import SIG_BLOCK, SIG_SETMASK, SIGINT, pthread_sigmask
from types import MappingProxyType

from devsup.commands.declarations import Declarations
from devsup.commands.project import Place, Project
from devsup.edges import processes
from devsup.edges.group import END_PATIENCE, Zygote
from devsup.edges.rundir import Role, RunDirectory
from devsup.pure import colours, procfile, stack
from devsup.pure.declaration import Declaration
from devsup.pure.envfile import Settings
from devsup.pure.errors import RUNNING, DevsupError, UnreadableError
from devsup.pure.options import OnExit
from devsup.pure.procfile import FIRST_PORT
from devsup.pure.sighting import is_of


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for, where; None leaves it to the configuration.

    Without arguments: a plain `devsup up`, by the shell and on the terminal that there are.
    """

    services: tuple[str, ...] = ()
    procfile: str | None = None
    env_files: tuple[str, ...] = ()
    formation: str = ""
    port: int = FIRST_PORT
    stop_timeout: float | None = None
    on_exit: OnExit | None = None
    watch: bool = True
    color: bool = True
    timestamps: bool = True
    terminal: bool = field(default_factory=lambda: os.isatty(sys.stdout.fileno()))
    shell: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @property
    def coloured(self) -> bool:
        """Whether the output has colours."""
        return self.color and self.terminal and colours.are_wanted(self.shell)


def run(request: Request) -> int:
    """Run a stack in the foreground until it ends; the exit code.

    Raises:
        DevsupError: it was not started, and nothing was.
    """
    declarations = declared_by(request)
    found = declarations.project
    directory = RunDirectory.of(found.root)
    lock = directory.lock()
    if lock is None:
        raise already_running(directory)
    with lock:
        tell_missing(request)
        clear_former_run(found, directory)
        # A Ctrl-C waits until there is somebody to end the zygote, and imports are through.
        mask = pthread_sigmask(SIG_BLOCK, {SIGINT})
        with ExitStack() as parts:
            parts.callback(pthread_sigmask, SIG_SETMASK, mask)
            zygote = Zygote(directory.new_run())
            parts.callback(zygote.close, END_PATIENCE)
            # The slow imports run beside the zygote, which gets ready meanwhile.
            import asyncio  # noqa: PLC0415

            from devsup.commands import serving  # noqa: PLC0415

            pthread_sigmask(SIG_SETMASK, mask)
            return asyncio.run(serving.serve(declarations, request, lock, zygote))


def declared_by(request: Request) -> Declarations:
    """Everything that the run is to be, as its files say now."""
    place = Place.named(request.procfile, request.env_files)
    shell = MappingProxyType(dict(request.shell))
    try:
        return Declarations(place, shell, request.port, partial(build, request))
    except UnreadableError as error:
        hint = error.hint or "nothing was started; mend it and try again"
        raise UnreadableError(error.problems, hint=hint) from None


def build(
    request: Request, found: Project, settings: Settings, ports: Mapping[str, int]
) -> Declaration:
    """The services that were asked for, with everything that is decided about them."""
    formation = procfile.parse_formation(request.formation) if request.formation else {}
    services = procfile.services(found.entries, formation, request.services, request.port, ports)
    options = found.options
    if request.stop_timeout is not None:
        options = replace(options, stop_timeout=request.stop_timeout)
    return Declaration(stack.build(services, options), settings, request.on_exit or options.on_exit)


def clear_former_run(found: Project, directory: RunDirectory) -> None:
    """Remove what survived if all of a former devsup was killed at once.

    A run that ended cleanly left no record, and no process with a mark of this project.
    """
    runs = (processes.marks(pid).run for pid in processes.pids())
    marked = any(run and is_of(run, directory.key) for run in runs)
    if not directory.record.exists() and not marked:
        return
    from devsup.commands import kill  # noqa: PLC0415  slow, and most runs end cleanly

    outcome = kill.clear_former_run(found.root, directory, tell)
    if outcome.removed:
        tell(f"removed what a former run had left: {len(outcome.removed)} alive")
    if outcome.survivors:
        pids = " ".join(str(each.pid) for each in outcome.survivors)
        raise DevsupError(
            f"what a former run left cannot be killed: {pids}",
            hint=f"as root: kill -9 {pids}",
        )


def tell_missing(request: Request) -> None:
    """Name the env files that are asked for by name, and are not there: a slip, most often."""
    for name in request.env_files:
        if not os.path.lexists(name):
            tell(f"{name} does not exist; it counts from when it does")


def tell(text: str) -> None:
    """Before there is any output of services."""
    print(f"devsup: {text}", file=sys.stderr)  # noqa: T201  nothing else writes yet


def already_running(directory: RunDirectory) -> DevsupError:
    """The refusal of a second `up`, and of one beside a `devsup kill`, which soon is done."""
    holder = directory.holder()
    pid = f" (pid {holder.identity.pid})" if holder else ""
    if holder and holder.role is Role.KILL:
        return DevsupError(
            f"devsup kill{pid} is at work on this project",
            hint="when it is done, try again",
            exit_code=RUNNING,
        )
    return DevsupError(
        f"this Procfile is already running{pid}",
        hint="see: devsup status; to end it: Ctrl-C in its terminal, or devsup down",
        exit_code=RUNNING,
    )
