"""One run inside the event loop: put together, launched, attended, and taken apart at the end."""

import asyncio
import errno
import sys
from contextlib import AsyncExitStack
from functools import partial

from devsup.commands.declarations import Declarations
from devsup.commands.diary import Diary
from devsup.commands.launch import Request
from devsup.commands.sources import Sources
from devsup.commands.up import Run, Surroundings
from devsup.edges.group import END_PATIENCE, Zygote
from devsup.edges.listener import listen
from devsup.edges.logfile import MEBIBYTE, LogFile
from devsup.edges.output import Output
from devsup.edges.rundir import Lock
from devsup.pure.errors import DevsupError
from devsup.pure.journal import Journal
from devsup.pure.supervisor import Supervisor


async def serve(
    declarations: Declarations,
    request: Request,
    lock: Lock,
    zygote: Zygote,
) -> int:
    """Run the services until the end; the exit code.

    Raises:
        DevsupError: nothing was started, or the output cannot be written any more.
    """
    loop = asyncio.get_running_loop()
    found, directory = declarations.project, lock.directory
    surroundings = Surroundings(
        directory.new_run(), found.root, declarations.env.shell, request.terminal
    )
    supervisor = Supervisor(declarations.declared)
    journal = Journal()
    run: Run
    output = Output(
        loop,
        sys.stdout.fileno(),
        [*supervisor.units],
        colour=request.coloured,
        timestamps=request.timestamps,
        closed=lambda: run.unheard(),  # noqa: PLW0108 - it comes later
        journal=journal.add,
    )
    lost = partial(tell_unrecorded, output)
    async with AsyncExitStack() as parts:
        parts.callback(directory.forget)
        parts.callback(output.close)
        # However this goes on: nothing of it lives when it is over.
        parts.callback(zygote.close, END_PATIENCE)
        diary = Diary(directory, surroundings.run, str(found.root), supervisor.roster.ports, lost)
        listeners = [listen(directory.socket), *filter(None, [lock.claim])]
        run = Run(supervisor, surroundings, zygote, output, diary)
        run.begun = journal.begin
        log = LogFile(
            directory.log, found.options.log_size * MEBIBYTE, partial(tell_unlogged, output)
        )
        parts.callback(log.close)
        journal.copy_to(log.write)
        sources = Sources(loop, found.root, supervisor, run.post, output.say)
        if request.watch:
            sources.start()  # before the services: what changes after their start is seen
        run.listen()
        await asyncio.sleep(0)  # who was interrupted until now, or is so here, starts nothing
        run.launch()
        from devsup.commands import attendance, following  # noqa: PLC0415  while they start

        follower = following.Following(run, declarations, sources)
        await attendance.attend(run, follower, journal, listeners, parts)
        parts.callback(sources.close)
        parts.callback(follower.close)
        follower.tell_hidden()
        if request.watch:
            follower.start()
        exit_code = await run.until_exit()
    refuse_lost_output(output.failure)
    return exit_code


def refuse_lost_output(failure: OSError | None) -> None:
    """A reader that left is no failure, and neither is a terminal that hung up; a full disk is."""
    if failure and failure.errno not in (errno.EPIPE, errno.EIO):
        raise DevsupError(f"the output cannot be written: {failure.strerror}; stopped everything")


def tell_unrecorded(output: Output, reason: str) -> None:
    """What is lost with the record."""
    output.say(
        f"the run cannot be recorded ({reason}): should all of devsup be killed at once,"
        " some of its processes may not be found afterwards"
    )


def tell_unlogged(output: Output, error: OSError) -> None:
    """Nothing is written to the log file any more."""
    output.say(
        f"no log is kept from here on: {error.strerror};"
        " `devsup logs` has the latest lines for as long as devsup runs"
    )
