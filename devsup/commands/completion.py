"""What a shell offers for an unfinished command line; quiet, whatever the files are like."""

from collections.abc import Iterator
from contextlib import suppress

from devsup.commands import remote
from devsup.edges import client
from devsup.pure.errors import DevsupError
from devsup.pure.protocol import Command, Request


def services(procfile: str | None) -> Iterator[str]:
    """Process types of the Procfile, and the instances of a run if there is one."""
    with suppress(DevsupError, OSError):
        yield from _types(procfile)
    with suppress(DevsupError, OSError):
        yield from _instances(procfile)


def keys(procfile: str | None, env_files: tuple[str, ...]) -> Iterator[str]:
    """Keys of the env files; a broken one has none, for what looks like one may be a value."""
    from devsup.commands import project  # noqa: PLC0415  with python-dotenv behind it, which few need

    with suppress(DevsupError, OSError):
        found = project.load(procfile, env_files)
        env = project.EnvFiles(found.root, found.env_files, {})
        env.take(env.contents())
        yield from env.settings


def _types(procfile: str | None) -> Iterator[str]:
    from devsup.commands import project  # noqa: PLC0415

    yield from (entry.name for entry in project.load(procfile).entries)


def _instances(procfile: str | None) -> Iterator[str]:
    for reply in client.ask(remote.directory(procfile).addresses, Request(Command.GLANCE)):
        yield from (each["name"] for each in reply.status["services"])
