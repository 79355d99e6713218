"""One run inside the event loop: every part of it put together, and taken apart at the end."""

import asyncio
import errno
import sys
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from functools import partial

from devsup.commands.declarations import Declarations, Reading
from devsup.commands.diary import Diary
from devsup.commands.foreground import Foreground
from devsup.commands.launch import Request
from devsup.commands.requests import Desk
from devsup.commands.settling import Settling
from devsup.commands.sources import Sources
from devsup.commands.status import Observer
from devsup.commands.up import END_PATIENCE, Run, Surroundings
from devsup.edges.control import Control
from devsup.edges.group import Zygote
from devsup.edges.logfile import MEBIBYTE, LogFile
from devsup.edges.output import Output
from devsup.edges.rundir import RunDirectory
from devsup.edges.watch import Watch
from devsup.pure import envfile
from devsup.pure.envfile import Settings
from devsup.pure.errors import DevsupError
from devsup.pure.events import Broke, Edited
from devsup.pure.journal import Journal
from devsup.pure.supervisor import Supervisor

FLUSH_PATIENCE = 5.0
"""Seconds without progress after which a reader of the output is no longer waited for."""


async def serve(
    declarations: Declarations,
    request: Request,
    directory: RunDirectory,
    zygote: Zygote,
) -> int:
    """Run the services until the end; the exit code."""
    loop = asyncio.get_running_loop()
    found, env = declarations.project, declarations.env
    surroundings = Surroundings(directory.new_run(), found.root, env.shell, request.terminal)
    supervisor = Supervisor(declarations.declared)
    journal = Journal()
    run: Run
    settling: Settling
    output = Output(
        loop,
        sys.stdout.fileno(),
        [*supervisor.units],
        colour=request.colour,
        timestamps=request.timestamps,
        closed=lambda: run.unheard(),  # noqa: PLW0108 - it comes later
        journal=journal.add,
    )
    diary = Diary(
        directory,
        surroundings.run,
        str(found.root),
        supervisor.roster.ports,
        partial(tell_unrecorded, output),
    )
    run = Run(supervisor, surroundings, zygote, output, diary.record)
    sources = Sources(loop, found.root, supervisor, run.post, output.say)
    watch = Watch(declarations.paths, lambda: settling.look())  # noqa: PLW0108 - likewise
    settling = Settling(declarations, partial(take, run, watch, sources, declarations))
    observer = Observer(supervisor, str(found.root), surroundings.run, lambda: env.names)
    desk = Desk(
        run,
        journal,
        look=lambda: observer.look(run.members(), run.leaders, loop.time()),
        glance=lambda: observer.look((), run.leaders, loop.time()),
        reread=settling.take_now,
    )
    log = LogFile(directory.log, found.options.log_size * MEBIBYTE, partial(tell_unlogged, output))
    journal.listen(lambda _, lines: log.write(lines))
    async with AsyncExitStack() as parts:
        parts.callback(directory.forget)
        parts.callback(log.close)
        parts.callback(output.close)
        control = Control(directory.socket, desk.answer)
        try:
            await control.start()
        except DevsupError:
            run.zygote.close(END_PATIENCE)  # later it ends before the last line is passed on
            raise
        # Whoever follows the output gets the last line of it before we hang up.
        parts.push_async_callback(control.close)
        parts.callback(desk.ended.set)
        parts.push_async_callback(output.flush, FLUSH_PATIENCE)
        parts.callback(output.leave)
        parts.callback(run.zygote.close, END_PATIENCE)
        foreground = Foreground(run, desk)
        parts.callback(foreground.close)
        parts.callback(settling.close)
        parts.callback(watch.close)
        parts.callback(sources.close)
        tell_hidden(output, env.settings, env.shell)
        if request.watch:
            watch.start(loop)
            sources.start()
        foreground.open()
        exit_code = await run.until_exit()
    refuse_lost_output(output.failure)
    return exit_code


def refuse_lost_output(failure: OSError | None) -> None:
    """A reader that left is no failure, and neither is a terminal that hung up; a full disk is."""
    if failure and failure.errno not in (errno.EPIPE, errno.EIO):
        raise DevsupError(f"the output cannot be written: {failure.strerror}; stopped everything")


def take(
    run: Run, watch: Watch, sources: Sources, declarations: Declarations, reading: Reading
) -> None:
    """What the files say now, which may be that there are others."""
    watch.follow(declarations.paths)
    for name in reading.deleted:
        run.output.say(f"{name} was deleted: what it said last stays in force until it is back")
    if reading.problems:
        run.post(Broke(reading.problems, reading.touched))
        return
    for key in reading.later:
        run.output.say(f"`{key}` counts from the next devsup up; this run goes on without it")
    shell, settings = run.surroundings.shell, declarations.env.settings
    said = envfile.hidden_by(run.supervisor.settings, shell)
    tell_hidden(run.output, settings, shell, said)
    sources.follow(reading.declared.specs)
    run.post(Edited(reading.declared, reading.touched))


def tell_unrecorded(output: Output, error: OSError) -> None:
    """What is lost with the record."""
    output.say(
        f"the run cannot be recorded ({error.strerror}): should all of devsup be killed at once,"
        " some of its processes may not be found afterwards"
    )


def tell_unlogged(output: Output, error: OSError) -> None:
    """Nothing is written to the log file any more."""
    output.say(
        f"no log is kept from here on: {error.strerror};"
        " `devsup logs` has the latest lines for as long as devsup runs"
    )


def tell_hidden(
    output: Output, settings: Settings, shell: Mapping[str, str], said: Collection[str] = ()
) -> None:
    """Name the keys whose value in the shell no service gets to see, but those `said` before."""
    for key in envfile.hidden_by(settings, shell):
        if key not in said:
            file = settings.source(key)
            output.say(f"{file}: {key} is used, and not the one that your shell exports")
