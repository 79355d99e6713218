"""Commands and their options.

What a command needs is imported inside it: `devsup --version` must not wait for asyncio.
"""

import os
import sys
from typing import Annotated, NoReturn

import typer
from typer.models import CommandInfo

from devsup import __version__
from devsup.pure.errors import FAILED, USAGE, DevsupError

app = typer.Typer(
    name="devsup",
    help="Run the stack of a Procfile; restart it on every edit of .env, with proof.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def offer_services(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of services for the shell's completion."""
    from devsup.commands import completion

    found = completion.services(ctx.params.get("procfile"))
    return [name for name in dict.fromkeys(found) if name.startswith(incomplete)]


def offer_keys(ctx: typer.Context, incomplete: str) -> list[str]:
    """Keys of the env files for the shell's completion."""
    from devsup.commands import completion

    found = completion.keys(ctx.params.get("procfile"), tuple(ctx.params.get("env_file") or ()))
    return [key for key in found if key.startswith(incomplete)]


Procfile = Annotated[
    str | None,
    typer.Option("-f", "--procfile", help="The Procfile; default: here, or the nearest above."),
]


EnvFile = Annotated[
    list[str] | None,
    typer.Option("-e", "--env-file", help="Read this file; repeatable, later wins."),
]
Services = Annotated[
    list[str] | None,
    typer.Argument(
        help="Process types or instances: web, worker.1; default: all.",
        metavar="[SERVICE]...",
        autocompletion=offer_services,
    ),
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Return when it is done, or at once.")]


def run_line(words: list[str]) -> NoReturn:
    """Run a command line; it ends with SystemExit, or with the error of the command."""
    # Typer takes 3 ms to read the options of all commands.
    chosen = [each for each in app.registered_commands if _name(each) in words[:1]]
    app.registered_commands = chosen or app.registered_commands
    sys.exit(app(words, prog_name="devsup"))


def _name(command: CommandInfo) -> str | None:
    return command.callback.__name__ if command.callback else None


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


@app.command(
    short_help="Run the stack; restart what an edit of .env concerns.",
    epilog="Example: devsup up web worker --formation worker=2",
)
def up(
    services: Services = None,
    *,
    procfile: Procfile = None,
    env_file: EnvFile = None,
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
        bool,
        typer.Option(
            "--watch/--no-watch",
            help="Follow edits of env files, Procfile, configuration and watched files.",
        ),
    ] = True,
    no_color: Annotated[bool, typer.Option("--no-color", help="Plain output.")] = False,
    timestamps: Annotated[
        bool, typer.Option("--timestamps/--no-timestamps", help="Begin lines with the time.")
    ] = True,
    detached: Annotated[
        bool, typer.Option("-d", "--detach", help="Return when all services are ready.")
    ] = False,
) -> None:
    """Run the stack in the foreground; restart it whenever .env is edited."""
    from devsup.commands import launch
    from devsup.pure.config import OnExit

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
        color=not no_color,
        timestamps=timestamps,
    )
    if detached:
        from devsup.commands import detach

        detach.detach(request)
    else:
        raise typer.Exit(launch.run(request))


@app.command(
    short_help="Remove what is left of this project, and nothing else.",
    epilog="Example: devsup kill --port 8000 --dry-run",
)
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
    from devsup.commands import ending
    from devsup.commands import kill as kills
    from devsup.pure import kill_report

    scope = ending.scope(procfile)
    if dry_run:
        print(*kill_report.plan_lines(kills.plan(scope, port=port, force=force)), sep="\n")
        return
    outcome = kills.carry_out(scope, say, port=port, force=force)
    print(*kill_report.outcome_lines(outcome), sep="\n")
    raise typer.Exit(FAILED if outcome.survivors or outcome.foreign else 0)


@app.command(
    short_help="Show each service, and whether every process is up to date.",
    epilog="Example: devsup status --json | jq .verified",
)
def status(
    *,
    procfile: Procfile = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts; see README.md.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again each second.")] = False,
) -> None:
    """Show each service, and whether every live process runs on the current settings."""
    from devsup.commands import remote

    remote.status(procfile, as_json=as_json, watch=watch)


@app.command(epilog="Example: devsup restart worker")
def restart(services: Services = None, *, procfile: Procfile = None, wait: Wait = True) -> None:
    """Restart services of a running devsup; return when they are ready."""
    change("restart", services, procfile, wait=wait)


@app.command(epilog="Example: devsup start web")
def start(services: Services = None, *, procfile: Procfile = None, wait: Wait = True) -> None:
    """Start services that are down; return when they are ready."""
    change("start", services, procfile, wait=wait)


@app.command(
    short_help="Stop services and keep them down until they are started.",
    epilog="Example: devsup stop web",
)
def stop(services: Services = None, *, procfile: Procfile = None, wait: Wait = True) -> None:
    """Stop services and keep them down, over edits too, until they are started."""
    change("stop", services, procfile, wait=wait)


def change(command: str, services: list[str] | None, procfile: str | None, *, wait: bool) -> None:
    """Have a running devsup do something to its services."""
    from devsup.commands import remote

    remote.change(command, tuple(services or ()), procfile, wait=wait)


@app.command(
    short_help="End the running devsup gracefully.",
    epilog="Example: devsup down",
)
def down(*, procfile: Procfile = None) -> None:
    """End the running devsup gracefully; return when everything is gone."""
    from devsup.commands import remote

    remote.down(procfile)


@app.command(epilog="Example: devsup logs worker -n 100 -f")
def logs(
    services: Services = None,
    *,
    procfile: Annotated[str | None, typer.Option("--procfile", help="The Procfile.")] = None,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="The latest so many.")] = 50,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what comes.")] = False,
) -> None:
    """Show the output of the running devsup, or of the last run."""
    from devsup.commands import remote

    # -f stands for --follow here, as everywhere else where logs are read.
    remote.logs(tuple(services or ()), procfile, lines=lines, follow=follow)


@app.command(
    short_help="Work in a service's terminal; Ctrl-] leaves it running.",
    epilog="Example: devsup attach web.1",
)
def attach(
    service: Annotated[
        str,
        typer.Argument(help="A service: web.1", metavar="SERVICE", autocompletion=offer_services),
    ],
    *,
    procfile: Procfile = None,
) -> None:
    """Work in the terminal of a service, at a breakpoint for example; Ctrl-] leaves it running."""
    from devsup.commands import attach as attachment

    attachment.attach(service, procfile)


@app.command(
    short_help="Show where each setting comes from, and whether it arrived.",
    epilog="Example: devsup env --explain DATABASE_URL",
)
def env(
    service: Annotated[
        str | None,
        typer.Argument(
            help="A service: worker.1", metavar="[SERVICE]", autocompletion=offer_services
        ),
    ] = None,
    *,
    procfile: Procfile = None,
    env_file: EnvFile = None,
    live: Annotated[
        bool, typer.Option("--live", help="Compare every live process; exit 1 if one differs.")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="KEY", help="Follow one key.", autocompletion=offer_keys),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the values, too: secrets!")] = False,
) -> None:
    """Show where each setting comes from, and whether it arrived in the live processes."""
    from devsup.commands import inquiry

    inquire = inquiry.inquire_of_run if live and not explain else inquiry.inquire
    asked = inquire(procfile, tuple(env_file or ()), service, dict(os.environ))
    for problem in asked.problems:
        say(f"{problem}; a run keeps what the files said last, and that is what counts here")
    for name in asked.missing:
        this = "that is what counts here" if live and not explain else "this is without it"
        say(f"{name} does not exist: a run keeps what it said last, and {this}")
    if explain:
        from devsup.commands import arrival

        print(*arrival.explain(asked, explain, show=show), sep="\n")
    elif live:
        from devsup.commands import arrival

        found = arrival.compare(asked)
        print(*found.lines, sep="\n")
        raise typer.Exit(FAILED if found.differs else 0)
    else:
        print(*asked.lines(show=show), sep="\n")


@app.command(
    short_help="Find out what can be known before starting.",
    epilog="Example: devsup check",
)
def check(
    *,
    procfile: Procfile = None,
    env_file: EnvFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts; see README.md.")] = False,
) -> None:
    """Find out everything that can be known before starting; exit 0 or 2."""
    from devsup.commands import checkup

    found = checkup.check(procfile, tuple(env_file or ()), dict(os.environ))
    print(found.as_json() if as_json else found.as_text())
    raise typer.Exit(USAGE if found.problems else 0)


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    short_help="Run one command in the environment of the stack.",
    epilog="Example: devsup run alembic upgrade head",
)
def run(
    command: Annotated[list[str], typer.Argument(help="Program and arguments.", metavar="CMD...")],
    *,
    procfile: Procfile = None,
    env_file: EnvFile = None,
    service: Annotated[
        str | None,
        typer.Option(
            "--service",
            help="With the PORT of this service: web, web.2.",
            autocompletion=offer_services,
        ),
    ] = None,
) -> None:
    """Run one command in the environment of the stack; its exit code is devsup's."""
    from devsup.commands import oneoff

    oneoff.run(command, procfile, tuple(env_file or ()), service, dict(os.environ))


def say(text: str) -> None:
    """A sentence of devsup's outside of a run."""
    from devsup.edges.console import fitted

    print(fitted(f"devsup: {text}", sys.stderr), file=sys.stderr, flush=True)
