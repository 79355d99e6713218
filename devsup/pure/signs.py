"""Errors that cost people hours, recognised in the output; as data.

Each form is the one in which the program itself says it, with nothing before it but what a log or a
traceback puts there and nothing behind it: a line which merely talks about the error (prose, JSON,
an assertion) does not match. `literal` is part of every match: looking for it first is what keeps a
flood cheap.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from devsup.pure import colours


class Sign(Enum):
    """What the output shows."""

    OTHER_LOOP = "attached to a different loop"
    CLOSED = "connection was closed in the middle of operation"
    GREENLET = "greenlet_spawn has not been called"
    PORT_TAKEN = "address already in use"
    NO_MODULE = "no module named so"
    REFUSED = "connection refused"
    NO_PROGRAM = "no program named so"
    DEBUGGER = "a debugger that waits"
    POOL_DEBUGGER = "a debugger in a process of Celery's pool, which has no terminal"


@dataclass(frozen=True, slots=True)
class Seen:
    """A sign in a service's output, with what it names: an address, a module, a program."""

    sign: Sign
    port: int | None = None
    host: str | None = None
    socket: str | None = None
    module: str | None = None
    program: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """One way to say it: `core` up to the end of a line, behind a `head` from the line's start.

    Regular expressions, to be compiled when a literal is found: no launch has to wait for that.
    """

    head: bytes
    core: bytes

    def find(self, lines: bytes) -> re.Match[bytes] | None:
        """The first core behind its head. Apart, since a core begins with text to search for."""
        head = re.compile(self.head)
        for match in re.finditer(self.core + rb"\r?$", lines, re.MULTILINE):
            start = lines.rfind(b"\n", 0, match.start()) + 1
            if head.fullmatch(lines, start, match.start()):
                return match
        return None


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a sign looks in the output: the first form that is found counts."""

    sign: Sign
    literal: bytes
    forms: tuple[Form, ...]


# What a log puts before a message: a level, and neither a quote nor a brace.
_LOGGED = rb"(?:(?=[\w\[])[^\"'{]*\b(?:ERROR|CRITICAL|FATAL|LOG|WARNING)\b[^\"'{]*?[\]:\s])?"
_IN_USE = rb"\[Errno (?:98|48)\] "
_REFUSED = rb"\[Errno (?:111|61)\] "
_SERVER = rb"connection to server "


def _raised(names: bytes) -> bytes:
    """What a traceback puts before a message; an exception group draws branches before it."""
    return rb"[ |+-]*(?:[\w.]+\.)?(?:" + names + rb"): "


_NO_CONNECTION = _raised(rb"\w*Error") + rb"|" + _LOGGED + rb"consumer: Cannot connect to \S+: "
_LIBPQ = _raised(rb"OperationalError") + rb"(?:\([\w.]+\) )?(?:connection [a-z ]+: )?"
_OS_ERROR = _raised(rb"OSError") + rb"|" + _LOGGED
_SHELL = rb"(?:/\S*/)?(?:ba|da)?sh: (?:(?:line )?\d+: )?(?:exec: )?"
# A name, no path: of a path both shells say it also when only its interpreter is missing.
_PROGRAM = rb"(?<=: )(?P<program>[^\s:/'\"]++)"

PATTERNS = (
    Pattern(
        Sign.OTHER_LOOP,
        b"attached to a different loop",
        (
            Form(
                _raised(rb"RuntimeError") + rb".*",
                rb"got Future <.+> attached to a different loop",
            ),
        ),
    ),
    Pattern(
        Sign.CLOSED,
        b"connection was closed in the middle of operation",
        (
            Form(
                _raised(rb"ConnectionDoesNotExistError")
                # as SQLAlchemy wraps it, once or twice
                + rb"|"
                + _raised(rb"\w*Error")
                + rb"(?:\([\w.]+\) )?<class '[\w.]*ConnectionDoesNotExistError'>: ",
                rb"connection was closed in the middle of operation",
            ),
        ),
    ),
    Pattern(
        Sign.GREENLET,
        b"greenlet_spawn has not been called",
        (
            Form(
                _raised(rb"MissingGreenlet")
                + rb"|"
                + _raised(rb"\w*Error")
                + rb"\([\w.]*MissingGreenlet\) ",
                rb"greenlet_spawn has not been called; can't call \w+\(\) here\..*",
            ),
        ),
    ),
    Pattern(
        Sign.PORT_TAKEN,
        b"ddress already in use",
        (
            # uvicorn, and whoever else listens through asyncio
            Form(
                _OS_ERROR,
                _IN_USE
                + rb"error while attempting to bind on address \('[^']*', (?P<port>\d{1,5})[^)]*\):"
                rb" (?:\[errno \d+\] )?address already in use",
            ),
            # gunicorn, before it tries again
            Form(
                _LOGGED,
                rb"connection to \('[^']*', (?P<port>\d{1,5})[^)]*\) failed: "
                + _IN_USE
                + rb"Address already in use",
            ),
            # node
            Form(
                rb"(?:Uncaught )?",
                rb"Error: listen EADDRINUSE: address already in use \S*?:(?P<port>\d{1,5})",
            ),
            # Go
            Form(
                rb"(?:\w[^\"'{]*[\s:])?",
                rb"listen tcp\d? \S*:(?P<port>\d{1,5}): bind: address already in use",
            ),
            # Redis, Valkey
            Form(
                rb"\d+:\S+ .* # (?:Warning: )?",
                rb"Could not create server TCP listening socket \S+:(?P<port>\d{1,5}):"
                rb" bind: Address already in use",
            ),
            # nginx
            Form(
                rb"(?:nginx: |\d[\d/: ]+)\[emerg\] [^\"'{]*",
                rb"bind\(\) to \S+:(?P<port>\d{1,5}) failed \((?:98|48): Address already in use\)",
            ),
            # PostgreSQL, which tells the port in its next line
            Form(
                _LOGGED,
                rb"could not bind IPv\d address \"[^\"\n]*\": Address already in use"
                rb"(?:\n.*HINT:  Is another postmaster already running on port"
                rb" (?P<port>\d{1,5})\?.*)?",
            ),
            # the JVM
            Form(
                rb"(?:Exception in thread \"[^\"]*\" |Caused by: )?",
                rb"java\.net\.BindException: Address already in use(?: \(Bind failed\))?",
            ),
            # Python
            Form(_OS_ERROR, _IN_USE + rb"Address already in use"),
        ),
    ),
    Pattern(
        Sign.PORT_TAKEN,
        b"Connection in use: ('",
        (Form(_LOGGED, rb"Connection in use: \('[^']*', (?P<port>\d{1,5})[^)]*\)"),),
    ),
    Pattern(
        Sign.NO_MODULE,
        b"No module named",
        (
            Form(
                _raised(rb"ModuleNotFoundError"),
                rb"No module named '(?P<module>[^'\n]+)'(?:; '[^'\n]+' is not a package)?",
            ),
            # python -m
            Form(rb"/\S*/(?:python|pypy)[\d.]*: ", rb"No module named (?P<module>[\w.]+)"),
            Form(
                rb"/\S*/(?:python|pypy)[\d.]*: Error while finding module specification for"
                rb" '[^']+' \(ModuleNotFoundError: ",
                rb"No module named '(?P<module>[^'\n]+)'\)",
            ),
        ),
    ),
    Pattern(
        Sign.NO_MODULE,
        b"Error loading ASGI app. Could not import module",
        (
            Form(
                _LOGGED,
                rb"Error loading ASGI app\. Could not import module \"(?P<module>[\w.]+)\"\.",
            ),
        ),
    ),
    Pattern(
        Sign.NO_MODULE,
        b"Unable to load celery application.",
        (
            Form(
                rb"",
                rb"Unable to load celery application\.\r?\n"
                rb"The module (?P<module>[\w.]+) was not found\.",
            ),
        ),
    ),
    Pattern(
        Sign.NO_MODULE,
        b", module not found.",
        (  # hypercorn
            Form(
                _raised(rb"NoAppError"),
                rb"Cannot load application from '(?P<module>[\w.]+):[^'\n]*', module not found\.",
            ),
        ),
    ),
    Pattern(
        Sign.REFUSED,
        b"] Connect call failed ('",
        (  # asyncio, and so asyncpg
            Form(
                _raised(rb"ConnectionRefusedError|OSError") + rb"(?:Multiple exceptions: )?",
                _REFUSED + rb"Connect call failed \('(?P<host>[^']*)', (?P<port>\d{1,5})[^)]*\)"
                rb"(?:, " + _REFUSED + rb"Connect call failed \([^)]*\))*",
            ),
        ),
    ),
    Pattern(
        Sign.REFUSED,
        b" connecting to",
        (  # redis-py, alone and within kombu; celery's own line
            Form(
                _NO_CONNECTION,
                rb"Error (?:111|61) connecting to (?P<host>[^\s/]+):(?P<port>\d{1,5})\."
                rb" (?:Connection refused|Connect call failed \([^)\n]*\))\.+",
            ),
            Form(
                _NO_CONNECTION,
                rb"Error (?:2|111|61) connecting to (?P<socket>/[^\s@]+)\."
                rb" (?:No such file or directory|Connection refused)\.+",
            ),
        ),
    ),
    Pattern(
        Sign.REFUSED,
        b"consumer: Cannot connect to amqp",
        (
            Form(
                _LOGGED,
                rb"consumer: Cannot connect to amqps?://(?:[^\s@/]*@)?(?P<host>[^\s@/]+):"
                rb"(?P<port>\d{1,5})/\S*: " + _REFUSED + rb"Connection refused\.*",
            ),
        ),
    ),
    Pattern(
        Sign.REFUSED,
        b"connection to server",
        (  # libpq, and so psycopg
            Form(
                _LIBPQ,
                _SERVER + rb"at \"(?P<host>[^\"\n]*)\"(?: \([^)\n]*\))?, port (?P<port>\d{1,5})"
                rb" failed: Connection refused",
            ),
            Form(
                _LIBPQ,
                _SERVER + rb"on socket \"(?P<socket>/[^\"\n]*)\" failed:"
                rb" (?:No such file or directory|Connection refused)",
            ),
        ),
    ),
    Pattern(
        Sign.NO_PROGRAM,
        b": not found",  # dash, and any shell's exec
        (Form(_SHELL, _PROGRAM + rb": not found"),),
    ),
    Pattern(
        Sign.NO_PROGRAM,
        b": command not found",  # bash
        (Form(_SHELL, _PROGRAM + rb": command not found"),),
    ),
    Pattern(
        Sign.DEBUGGER,
        b"] (Pdb",  # celery makes a line of each write, and so of a prompt
        (Form(rb"\[[^\]]*: WARNING/(?!ForkPool)[^\]]+\] ", rb"\(Pdb\+*\) ?"),),
    ),
    Pattern(
        Sign.POOL_DEBUGGER,
        b"] (Pdb",
        (Form(rb"\[[^\]]*: WARNING/ForkPool[^\]]+\] ", rb"\(Pdb\+*\) ?"),),
    ),
)


def signs(lines: bytes) -> Iterator[Seen]:
    """Every sign in a run of lines, once for each pattern."""
    for pattern in PATTERNS:
        if pattern.literal in lines and (seen := _find(pattern, colours.without(lines))):
            yield seen


def _find(pattern: Pattern, lines: bytes) -> Seen | None:
    match = next(filter(None, (form.find(lines) for form in pattern.forms)), None)
    if match is None:
        return None
    named = {key: value.decode(errors="replace") for key, value in match.groupdict(b"").items()}
    port = named.get("port")
    return Seen(
        pattern.sign,
        port=int(port) if port else None,
        host=named.get("host"),
        socket=named.get("socket"),
        module=named.get("module"),
        program=named.get("program"),
    )
