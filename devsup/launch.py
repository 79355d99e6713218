"""Everything before the first process of a run: read, refuse, lock, clean up; then `up`."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

from devsup import envfile, kill, processes, procfile, project, stack
from devsup.config import OnExit
from devsup.errors import RUNNING, DevsupError, UnreadableError
from devsup.events import Broke, Edited, Quit
from devsup.group import Zygote
from devsup.output import Output
from devsup.project import EnvFiles, Project, Reading
from devsup.record import Record, Session
from devsup.rundir import RunDirectory
from devsup.settling import Settling
from devsup.stack import Spec
from devsup.supervisor import Supervisor
from devsup.up import END_PATIENCE, Run, Surroundings
from devsup.watch import Watch

FIRST_PORT = 5000
FLUSH_PATIENCE = 5.0
"""Seconds without progress after which a reader of the output is no longer waited for."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line; None leaves it to the configuration."""

    services: tuple[str, ...] = ()
    procfile: str | None = None
    env_files: tuple[str, ...] = ()
    formation: str = ""
    port: int = FIRST_PORT
    stop_timeout: float | None = None
    on_exit: OnExit | None = None
    watch: bool = True
    colour: bool = True
    timestamps: bool = True
    terminal: bool = False
    shell: Mapping[str, str] = field(default_factory=dict, repr=False)


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
        return asyncio.run(serve(found, request, env, specs, directory))


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
        hint="stop it with Ctrl-C in its terminal, or type: devsup kill",
        exit_code=RUNNING,
    )


class Diary:
    """Writes down what a later devsup needs to find what is left of this run."""

    def __init__(
        self, directory: RunDirectory, surroundings: Surroundings, specs: Sequence[Spec]
    ) -> None:
        self.directory = directory
        self.page = Record(
            run=surroundings.run,
            root=str(surroundings.root),
            boot=processes.boot(),
            supervisor=processes.own(),
            ports=tuple(spec.port for spec in specs),
        )
        directory.write(self.page)

    def record(self, leaders: Mapping[str, int]) -> None:
        """These leaders live, each in a session that has its pid as its number."""
        known = {session.leader.pid: session for session in self.page.sessions}
        sessions = [known.get(pid) or session(name, pid) for name, pid in leaders.items()]
        self.page = replace(self.page, sessions=tuple(filter(None, sessions)))
        self.directory.write(self.page)


def session(service: str, pid: int) -> Session | None:
    """The session of a leader; None when it is dead already."""
    who = processes.identity(pid)
    return Session(service, who) if who else None


async def serve(
    found: Project,
    request: Request,
    env: EnvFiles,
    specs: Sequence[Spec],
    directory: RunDirectory,
) -> int:
    """Run the services until the end; the exit code."""
    loop = asyncio.get_running_loop()
    surroundings = Surroundings(directory.new_run(), found.root, env.shell, request.terminal)
    diary = Diary(directory, surroundings, specs)
    supervisor = Supervisor(specs, env.settings, request.on_exit or found.options.on_exit)
    run: Run
    output = Output(
        loop,
        sys.stdout.fileno(),
        [spec.name for spec in specs],
        colour=request.colour,
        timestamps=request.timestamps,
        closed=lambda: run.post(Quit(0)),
    )
    run = Run(supervisor, surroundings, Zygote(), output, diary.record)
    settling = Settling(env, partial(take, run))
    watch = Watch(env.paths, settling.look)
    greet(output, env)
    if request.watch:
        watch.start(loop)
    try:
        return await run.until_exit()
    finally:
        watch.close()
        settling.close()
        run.zygote.close(END_PATIENCE)
        await output.flush(FLUSH_PATIENCE)
        output.close()
        directory.forget()


def take(run: Run, reading: Reading) -> None:
    """What the env files say now."""
    for name in reading.deleted:
        run.output.say(f"{name} was deleted: its last settings stay in force until it is back")
    if reading.problems:
        run.post(Broke(reading.problems))
    else:
        run.post(Edited(reading.settings, reading.touched))


def greet(output: Output, env: EnvFiles) -> None:
    """What one should know before anything starts."""
    for key in envfile.hidden_by(env.settings, env.shell):
        file = env.settings.source(key)
        output.say(f"{file}: {key} is used, and not the one that your shell exports")
