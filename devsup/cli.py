"""Commands, options and exit codes; one boundary for every error.

What a command needs is imported inside it: `devsup --version` must not wait for asyncio.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Annotated

import typer

from devsup import __version__
from devsup.errors import BUG, FAILED, USAGE, DevsupError

app = typer.Typer(
    name="devsup",
    help="Run the stack of a Procfile; restart it on every edit of .env, with proof.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Procfile = Annotated[
    str | None, typer.Option("-f", "--procfile", help="The Procfile; default: ./Procfile.")
]


def main() -> None:
    """Run the command line, and say plainly what went wrong."""
    if sys.platform == "win32":
        sys.exit("devsup needs POSIX process groups and does not run on Windows; WSL 2 does.")
    sys.exit(guarded(app))


def guarded(command: Callable[[], object]) -> int | str | None:
    """The exit code of a command, whatever it raises."""
    try:
        command()
    except DevsupError as error:
        say_refusal(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code
    except Exception as error:  # noqa: BLE001  the boundary: any other error is a bug of devsup
        return say_bug(error)
    return 0


def say_refusal(error: DevsupError) -> None:
    """What is wrong and what to do, on stderr."""
    from devsup.report import refusal

    print(refusal(error), file=sys.stderr)


def say_bug(error: Exception) -> int:
    """Keep the traceback, without the messages: they may hold values of settings."""
    from devsup.rundir import crash_file

    lines = []
    link: BaseException | None = error
    while link is not None:
        lines += [*traceback.format_tb(link.__traceback__), f"{type(link).__qualname__}\n"]
        link = link.__cause__ or link.__context__
    path = crash_file("".join(lines))
    print(
        f"devsup: a bug in devsup itself ({type(error).__qualname__}); everything it ran is being"
        f" stopped\n        please report it with {path}",
        file=sys.stderr,
    )
    return BUG


def show_version(asked: bool) -> None:  # noqa: FBT001  typer's form of a callback
    """Print the version and leave."""
    if asked:
        typer.echo(f"devsup {__version__}")
        raise typer.Exit


@app.callback()
def devsup(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=show_version, is_eager=True),
    ] = False,
) -> None:
    """Run the stack of a Procfile; restart it on every edit of .env, with proof."""


@app.command(epilog="Example: devsup up web worker --formation worker=2")
def up(
    services: Annotated[
        list[str] | None,
        typer.Argument(help="Process types or instances: web, worker.1.", metavar="SERVICE..."),
    ] = None,
    *,
    procfile: Procfile = None,
    env_file: Annotated[
        list[str] | None,
        typer.Option("-e", "--env-file", help="Read and watch this file; repeatable, later wins."),
    ] = None,
    formation: Annotated[
        str, typer.Option("-m", "--formation", help="Instances a type: web=1,worker=2.")
    ] = "",
    port: Annotated[
        int, typer.Option("-p", "--port", min=1, max=65535, help="PORT of the first type.")
    ] = 5000,
    stop_timeout: Annotated[
        float | None,
        typer.Option("-t", "--stop-timeout", min=0.0, help="Seconds between stop signal and more."),
    ] = None,
    on_exit: Annotated[
        str | None,
        typer.Option(help="A service that exits unasked: wait (for an edit), restart or stop."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Restart when an env file is edited.")
    ] = True,
    no_color: Annotated[bool, typer.Option("--no-color", help="Plain output.")] = False,
    timestamps: Annotated[
        bool, typer.Option("--timestamps/--no-timestamps", help="Begin lines with the time.")
    ] = True,
) -> None:
    """Run the stack in the foreground; restart it whenever .env is edited."""
    from devsup import launch
    from devsup.config import OnExit

    if on_exit not in (None, *(each.value for each in OnExit)):
        raise DevsupError(f"--on-exit {on_exit}: it is wait, restart or stop", exit_code=USAGE)
    request = launch.Request(
        services=tuple(services or ()),
        procfile=procfile,
        env_files=tuple(env_file or ()),
        formation=formation,
        port=port,
        stop_timeout=stop_timeout,
        on_exit=OnExit(on_exit) if on_exit else None,
        watch=watch,
        colour=not no_color and "NO_COLOR" not in os.environ and sys.stdout.isatty(),
        timestamps=timestamps,
        terminal=sys.stdout.isatty(),
        shell=dict(os.environ),
    )
    raise typer.Exit(launch.run(request))


@app.command(epilog="Example: devsup kill --port 8000 --dry-run")
def kill(
    *,
    procfile: Procfile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Add the owner of this port."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --port: whoever owns it, in any directory.")
    ] = False,
) -> None:
    """Remove whatever is left of this project, a running devsup included, and nothing else."""
    from devsup import ending, kill_report
    from devsup import kill as kills

    scope = ending.scope(procfile)
    if dry_run:
        lines = kill_report.plan_lines(kills.plan(scope, port=port, force=force))
        print(*lines, sep="\n")
        return
    outcome = kills.carry_out(scope, say, port=port, force=force)
    print(*kill_report.outcome_lines(outcome), sep="\n")
    raise typer.Exit(FAILED if outcome.survivors else 0)


def say(text: str) -> None:
    """A sentence of devsup's outside of a run."""
    print(f"devsup: {text}", file=sys.stderr, flush=True)
