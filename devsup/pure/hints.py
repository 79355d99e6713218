"""What a sign in the output means, and what to do: one sentence from the sign and what is known.

Every cause is the true one, as it was measured. No value of a setting is in any sentence, but that
of the one switch in its known forms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from devsup.pure.lifecycle import State
from devsup.pure.signs import Seen, Sign

DISABLE_POOL = "SQLALCHEMY_DISABLE_POOL"
SWITCHES = frozenset({"0", "1", "true", "false", "yes", "no", "on", "off"})
"""Values of a switch, which are no secret; any other value is not shown."""
LOCAL = frozenset({"localhost", "::1", "[::1]", "0.0.0.0", "::"})  # noqa: S104  not for listening

_CAUSES = {
    Sign.CLOSED: (
        "a connection was ended under a query: the server was restarted, or a forked child used its"
        " parent's socket; call engine.dispose(close=False) in worker_process_init"
    ),
    Sign.GREENLET: (
        "an attribute was loaded lazily after a commit, or an async engine was used without await:"
        " expire_on_commit=False, or load eagerly"
    ),
}


@dataclass(frozen=True, slots=True)
class Owner:
    """Who listens on a port; `service` when it is one of this run's, or it `is_run` by another."""

    pid: int
    program: str
    directory: str | None
    service: str | None = None
    is_run: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """The service of this run that is to answer at an address; `awaited`: who asks starts after it.

    `listens`: it does so by now.
    """

    name: str
    type: str
    state: State
    listens: bool
    awaited: bool


@dataclass(frozen=True, slots=True)
class Python:
    """What a service runs, and its virtual environment, if any; both empty when not known.

    `has_pip`: that has a pip of its own.
    """

    program: str = ""
    environment: str = ""
    has_pip: bool = True

    @property
    def installs(self) -> str:
        """The command that installs something for it."""
        own = f"{self.environment}/bin/python"
        return f"{own} -m pip install" if self.has_pip else f"pip --python {own} install"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What can be known of a module: directories of the project in which it lies ("." is the root).

    `package_in` are those where only its package does; `environment` is a virtual environment of
    the project that has it. `left` is the project's directory, if the service's line leaves it:
    relative paths mean nothing there.
    """

    lies_in: tuple[str, ...] = ()
    package_in: tuple[str, ...] = ()
    environment: str = ""
    python: Python = Python()
    left: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known around a sign; each kind of sign has its own.

    `keys` are settings that name the address, `idle` services that are not up, each with its state.
    """

    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    type: str = ""
    owner: Owner | None = None
    is_taken: bool = True
    server: Server | None = None
    idle: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    module: Whereabouts = Whereabouts()


def sentence(seen: Seen, service: str, facts: Facts) -> str:
    """What the sign means, what is known of it here and now, and what to do."""
    return f"hint: {_meaning(seen, service, facts)}"


def _meaning(seen: Seen, service: str, facts: Facts) -> str:
    match seen.sign:
        case Sign.OTHER_LOOP:
            return _other_loop(service, facts.settings.get(DISABLE_POOL, ""))
        case Sign.PORT_TAKEN:
            return _port_taken(service, seen.port, facts)
        case Sign.CLOSED | Sign.GREENLET:
            what = f"{_CAUSES[seen.sign]}. {DISABLE_POOL} does not cure this one"
        case Sign.NO_MODULE:
            what = _no_module(seen.module or "", facts.module)
        case Sign.REFUSED:
            what = _refused(seen, facts)
        case Sign.NO_PROGRAM:
            what = not_on_path(seen.program or "a program")
        case Sign.DEBUGGER:
            what = f"a debugger waits for you; type: devsup attach {service}"
        case Sign.POOL_DEBUGGER:
            what = (
                "breakpoint() fails in a process of Celery's pool, which reads no keys: run the"
                " worker with -P solo for as long as you debug"
            )
    return f"{service}: {what}"


def not_on_path(program: str) -> str:
    """The same before a start and after it."""
    return f"{program} is not on PATH: is it installed, and the virtual environment active?"


def _other_loop(service: str, setting: str) -> str:
    cause = "a connection made on one event loop was used on another"
    if setting.lower() in {"1", "true", "yes", "on"}:
        return (
            f"{cause}, and it is not the pool's: {DISABLE_POOL} is {setting} in {service}; look for"
            " another client that is kept from one asyncio.run to the next"
        )
    value = setting if setting.lower() in SWITCHES else "not set" if not setting else "not 1"
    return (
        f"{cause}; {DISABLE_POOL} is {value} in {service}: set it to 1, or use one event loop a"
        " process (asyncio.run in each task makes a new one)"
    )


def _port_taken(service: str, port: int | None, facts: Facts) -> str:
    if port is None:
        return f"{service}: its port is taken, and it does not say which; who has one: ss -ltnp"
    if facts.owner:
        return _held(service, port, facts.owner, facts.settings)
    if facts.is_taken:
        return (
            f"{service}: port {port} is held by a process that this user cannot see;"
            f" type: sudo ss -ltnp sport = :{port}"
        )
    return f"{service}: port {port} was taken, and is free by now; type: devsup restart {service}"


def _held(service: str, port: int, owner: Owner, settings: Mapping[str, str]) -> str:
    if owner.service == service:
        return f"{service} listens on port {port} twice (pid {owner.pid} has it)"
    if owner.service:
        return (
            f"{owner.service} and {service} both want port {port}, and {owner.service} has it:"
            f" give one of them another one{_where_ports_come_from(settings)}"
        )
    if owner.is_run:
        return (
            f"{service}: port {port} is held by {_who(owner)}, which devsup runs for another"
            " project: end that one (devsup down, there), or give one of them another port"
        )
    # Not `devsup kill --port`, which ends the run as well: it asks what is left of a project.
    again = f"type: kill {owner.pid}, then: devsup restart {service}"
    return f"{service}: port {port} is held by {_who(owner)}; {again}"


def _where_ports_come_from(settings: Mapping[str, str]) -> str:
    if "PORT" in settings:
        return " (PORT in an env file is the same for every service: remove it there)"
    return " in the Procfile ($PORT is different for each)"


def _who(owner: Owner) -> str:
    return f"{owner.pid} ({owner.program} in {owner.directory})"


# ---- a missing module

_HERE = "this project's directory, where Python does not look"


def _no_module(module: str, known: Whereabouts) -> str:
    if known.lies_in:
        where = known.lies_in[0]
        cure = _from_elsewhere(where, known.left) if known.left else _from_the_project(where)
        return f"{module} lies in {cure}"
    package, _, rest = module.partition(".")
    if known.package_in:
        return (
            f"{_inside(known.package_in[0], package)} has no {rest}: a slip in the name, or a file"
            " that is missing"
        )
    python = known.python
    uses = f" (it uses {python.environment or python.program})" if python.program else ""
    if known.environment:
        return (
            f"{package} is installed in {known.environment}, which this service does not use{uses};"
            f" type: . {known.environment}/bin/activate; devsup up"
        )
    if python.environment:
        return (
            f"{package} is neither in this project nor installed in {python.environment}, which it"
            f" uses: {python.installs} PACKAGE, or a slip in the name"
        )
    return (
        f"{package} is neither in this project nor installed{uses}: is the virtual environment"
        " active in the shell of devsup up? else pip install, or a slip in the name"
    )


def _from_the_project(where: str) -> str:
    if where == ".":
        return f"{_HERE}: set PYTHONPATH=. in its line"
    return (
        f"{where}/, where Python does not look: begin its line with `cd {where} &&`, or set"
        f" PYTHONPATH={where} in it"
    )


def _from_elsewhere(where: str, root: str) -> str:
    """Its line has a `cd`: another one would count from there, and so would a relative path."""
    # Imported late: 2 ms that no launch has to wait for.
    from shlex import quote  # noqa: PLC0415 - see above

    if where == ".":
        return f"{_HERE}: set PYTHONPATH={quote(root)} in its line, or drop the `cd` there"
    path = quote(f"{root}/{where}")
    return f"{where}/, where Python does not look: set PYTHONPATH={path} in its line"


def _inside(where: str, package: str) -> str:
    return package if where == "." else f"{where}/{package}"


# ---- a refused connection


def _refused(seen: Seen, facts: Facts) -> str:
    if seen.socket:
        return f"nobody listens on {seen.socket}{_idle(facts)}{_in_keys(facts)}"
    if seen.host and seen.host not in LOCAL and not seen.host.startswith("127."):
        return f"port {seen.port} of another machine refuses{_in_keys(facts)}"
    if server := facts.server:
        return f"port {seen.port} refused, {_of_server(server, facts.type)}"
    if facts.owner:
        return f"port {seen.port} refused, but {_who(facts.owner)} listens there by now"
    return (
        f"nobody listens on port {seen.port}, and no service here is known to{_idle(facts)}"
        f"{_in_keys(facts)}"
    )


def _of_server(server: Server, asker: str) -> str:
    name = server.name
    if not server.awaited and (server.listens or server.state is State.STARTING):
        now = "listens there by now" if server.listens else "is to listen there, and still starting"
        return f'{name} {now}: in devsup.toml, [services.{asker}] after = ["{server.type}"]'
    if server.listens:
        return f"{name} listens there by now"
    match server.state:
        case State.UP:
            return f"{name} is up, but does not listen there; type: devsup logs {name}"
        case State.DOWN:
            return f"{name} is to listen there, and down; type: devsup start {name}"
        case State.CRASHED:
            return f"{name} is to listen there, and crashed; type: devsup logs {name}"
        case state:
            return f"{name} is to listen there, and {state.value}"


def _idle(facts: Facts) -> str:
    return f" (not up: {', '.join(facts.idle)})" if facts.idle else ""


def _in_keys(facts: Facts) -> str:
    if not facts.keys:
        return ": is the server running, and the address right?"
    return f": is the server running, and the address in {' '.join(facts.keys)} right?"
