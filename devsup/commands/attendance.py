"""Whoever attends a run: its files are followed, its people and their other terminals heard.

All of it is imported while the services are starting, which takes none of it.
"""

from contextlib import AsyncExitStack
from functools import partial
from socket import socket

from devsup.commands.advice import Advice
from devsup.commands.following import Following
from devsup.commands.foreground import Foreground
from devsup.commands.requests import Desk
from devsup.commands.status import Observer
from devsup.commands.up import Run
from devsup.edges.control import Control
from devsup.edges.group import END_PATIENCE
from devsup.pure.journal import Journal

FLUSH_PATIENCE = 5.0
"""Seconds without progress after which a reader of the output is no longer waited for."""


async def attend(
    run: Run, following: Following, journal: Journal, listeners: list[socket], parts: AsyncExitStack
) -> None:
    """Attend a run until its `parts` are taken apart, which ends it."""
    output = run.output
    run.advise = adviser(run).look
    desk = front_desk(run, following, journal)
    control = Control(listeners, desk.answer)
    await control.start()
    # Whoever follows the output gets the last line of it before we hang up.
    parts.push_async_callback(control.close)
    parts.callback(desk.ended.set)
    parts.push_async_callback(output.flush, FLUSH_PATIENCE)
    parts.callback(output.leave)
    parts.callback(run.zygote.close, END_PATIENCE)
    foreground = Foreground(run, desk)
    parts.callback(foreground.close)
    run.quitting = partial(end_attention, foreground, following)
    foreground.open()


def end_attention(foreground: Foreground, following: Following) -> None:
    """The run is ending: what is typed from then on is for the shell, and edits come too late.

    The kernel may take 25 ms to let go of a watch: beside the end of the services.
    """
    foreground.close()
    following.close()
    following.sources.close()


def adviser(run: Run) -> Advice:
    """Who explains errors that are known."""
    where = run.surroundings
    return Advice(run.advised, run.supervisor, run.headcount.members, where.root, where.shell)


def front_desk(run: Run, following: Following, journal: Journal) -> Desk:
    """Who answers to other terminals, and to keys."""
    env = following.declarations.env
    observer = Observer(
        run.supervisor, str(run.surroundings.root), run.surroundings.run, lambda: env.names
    )
    return Desk(
        run,
        journal,
        look=lambda: observer.look(run.headcount.members(), run.leaders, run.loop.time()),
        glance=lambda: observer.look((), run.leaders, run.loop.time()),
        reread=following.take_now,
    )
