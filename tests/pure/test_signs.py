"""Known errors are recognised in the form in which the programs themselves say them."""

from __future__ import annotations

import pytest

from devsup.pure.signs import Seen, Sign, signs

LOOP = (
    b"RuntimeError: Task <Task pending name='Task-9' coro=<add() running at /app/notes.py:12>"
    b" cb=[_run_until_complete_cb() at /usr/lib/python3.11/asyncio/base_events.py:181]> got Future"
    b" <Future pending cb=[BaseProtocol._on_waiter_completed()]> attached to a different loop"
)
NO_GREENLET = (
    b"greenlet_spawn has not been called; can't call await_only() here. Was IO attempted in an"
    b" unexpected place? (Background on this error at: https://sqlalche.me/e/20/xd2s)"
)
CLOSED = b"connection was closed in the middle of operation"
TAKEN, MODULE, REFUSED = Sign.PORT_TAKEN, Sign.NO_MODULE, Sign.REFUSED
PROGRAM = Sign.NO_PROGRAM
CELERY = b"[2026-11-25 16:55:29,387: ERROR/MainProcess] consumer: Cannot connect to "

REAL = [
    (b"[2026-11-25 20:19:07,102: WARNING/MainProcess] (Pdb) ", Seen(Sign.DEBUGGER)),
    (b"[2026-11-25 20:19:07,102: WARNING/ForkPoolWorker-2] (Pdb) ", Seen(Sign.POOL_DEBUGGER)),
    (LOOP, Seen(Sign.OTHER_LOOP)),
    (b"  | " + LOOP, Seen(Sign.OTHER_LOOP)),
    (b"asyncpg.exceptions.ConnectionDoesNotExistError: " + CLOSED, Seen(Sign.CLOSED)),
    (
        b"sqlalchemy.dialects.postgresql.asyncpg.Error: <class 'asyncpg.exceptions.ConnectionDoesNotExistError'>: "
        + CLOSED,
        Seen(Sign.CLOSED),
    ),
    (
        b"sqlalchemy.exc.DBAPIError: (sqlalchemy.dialects.postgresql.asyncpg.Error) <class 'asyncpg.exceptions.ConnectionDoesNotExistError'>: "
        + CLOSED,
        Seen(Sign.CLOSED),
    ),
    (b"sqlalchemy.exc.MissingGreenlet: " + NO_GREENLET, Seen(Sign.GREENLET)),
    (
        b"sqlalchemy.exc.StatementError: (sqlalchemy.exc.MissingGreenlet) " + NO_GREENLET,
        Seen(Sign.GREENLET),
    ),
    (
        b"ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use",
        Seen(TAKEN, 8000),
    ),
    (
        b"ERROR:    [Errno 98] error while attempting to bind on address ('::1', 8000, 0, 0): [errno 98] address already in use",
        Seen(TAKEN, 8000),
    ),
    (b"\x1b[31mERROR\x1b[0m:    [Errno 98] Address already in use", Seen(TAKEN)),
    (b"OSError: [Errno 98] Address already in use", Seen(TAKEN)),
    (
        b"[2026-11-25 16:56:00 +0000] [14948] [ERROR] Connection in use: ('127.0.0.1', 8000)",
        Seen(TAKEN, 8000),
    ),
    (
        b"[2026-11-25 16:56:00 +0000] [14948] [ERROR] connection to ('127.0.0.1', 8000) failed: [Errno 98] Address already in use",
        Seen(TAKEN, 8000),
    ),
    (b"Error: listen EADDRINUSE: address already in use 127.0.0.1:8000", Seen(TAKEN, 8000)),
    (b"Error: listen EADDRINUSE: address already in use :::8000", Seen(TAKEN, 8000)),
    (
        b"2026/11/25 16:56:00 listen tcp :8000: bind: address already in use",
        Seen(TAKEN, 8000),
    ),
    (b"panic: listen tcp4 127.0.0.1:8000: bind: address already in use", Seen(TAKEN, 8000)),
    (
        b'Exception in thread "main" java.net.BindException: Address already in use',
        Seen(TAKEN),
    ),
    (
        b"14933:M 25 Nov 2026 16:55:56.268 # Warning: Could not create server TCP listening socket 127.0.0.1:8000: bind: Address already in use",
        Seen(TAKEN, 8000),
    ),
    (
        b"nginx: [emerg] bind() to 0.0.0.0:8000 failed (98: Address already in use)",
        Seen(TAKEN, 8000),
    ),
    (b'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', Seen(TAKEN)),
    (
        (
            b'2026-11-25 16:56:24.617 UTC [7] LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\n'
            b"2026-11-25 16:56:24.617 UTC [7] HINT:  Is another postmaster already running on port 8000? If not, wait a few seconds and retry."
        ),
        Seen(TAKEN, 8000),
    ),
    (b"ModuleNotFoundError: No module named 'nosuch'", Seen(MODULE, module="nosuch")),
    (
        b"\x1b[1;35mModuleNotFoundError\x1b[0m: \x1b[35mNo module named 'a.b'; 'a' is not a package\x1b[0m",
        Seen(MODULE, module="a.b"),
    ),
    (b"/venv/bin/python3.11: No module named nosuch", Seen(MODULE, module="nosuch")),
    (
        b"/venv/bin/python: Error while finding module specification for 'app.nosuch' (ModuleNotFoundError: No module named 'app')",
        Seen(MODULE, module="app"),
    ),
    (
        b'\x1b[31mERROR\x1b[0m:    Error loading ASGI app. Could not import module "nosuch".\r',
        Seen(MODULE, module="nosuch"),
    ),
    (
        b"Error: \x1b[31m\nUnable to load celery application.\nThe module nosuch was not found.\x1b[0m",
        Seen(MODULE, module="nosuch"),
    ),
    (
        b"hypercorn.utils.NoAppError: Cannot load application from 'nosuch:app', module not found.",
        Seen(MODULE, module="nosuch"),
    ),
    (
        b"ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 54329)",
        Seen(REFUSED, 54329, "127.0.0.1"),
    ),
    (
        b"ConnectionRefusedError: [Errno 111] Connect call failed ('::1', 54329, 0, 0)",
        Seen(REFUSED, 54329, "::1"),
    ),
    (
        b"OSError: Multiple exceptions: [Errno 111] Connect call failed ('::1', 54329, 0, 0), [Errno 111] Connect call failed ('127.0.0.1', 54329)",
        Seen(REFUSED, 54329, "::1"),
    ),
    (
        b"redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
        Seen(REFUSED, 6379, "localhost"),
    ),
    (
        b"redis.exceptions.ConnectionError: Error 111 connecting to ::1:6379. Connect call failed ('::1', 6379, 0, 0).",
        Seen(REFUSED, 6379, "::1"),
    ),
    (
        b"kombu.exceptions.OperationalError: Error 111 connecting to 127.0.0.1:6379. Connection refused.",
        Seen(REFUSED, 6379, "127.0.0.1"),
    ),
    (
        b"redis.exceptions.ConnectionError: Error 2 connecting to /run/x.sock. No such file or directory.",
        Seen(REFUSED, socket="/run/x.sock"),
    ),
    (
        b"\x1b[1;31m"
        + CELERY
        + b"redis://:**@127.0.0.1:6379/0: Error 111 connecting to 127.0.0.1:6379. Connection refused..\r",
        Seen(REFUSED, 6379, "127.0.0.1"),
    ),
    (
        CELERY
        + b"redis+socket:///run/x.sock: Error 2 connecting to /run/x.sock. No such file or directory..",
        Seen(REFUSED, socket="/run/x.sock"),
    ),
    (
        CELERY + b"amqp://g:**@127.0.0.1:5672//: [Errno 111] Connection refused.",
        Seen(REFUSED, 5672, "127.0.0.1"),
    ),
    (
        b'psycopg.OperationalError: connection failed: connection to server at "127.0.0.1", port 5432 failed: Connection refused',
        Seen(REFUSED, 5432, "127.0.0.1"),
    ),
    (
        b'sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused',
        Seen(REFUSED, 5432, "localhost"),
    ),
    (
        b'psycopg.OperationalError: connection is bad: connection to server on socket "/tmp/.s.PGSQL.5432" failed: No such file or directory',
        Seen(REFUSED, socket="/tmp/.s.PGSQL.5432"),
    ),
    (b"/bin/sh: 1: exec: celerybeat: not found", Seen(PROGRAM, program="celerybeat")),
    (b"sh: 1: celery-beat: not found\r", Seen(PROGRAM, program="celery-beat")),
    (b"/bin/sh: line 1: exec: celerybeat: not found", Seen(PROGRAM, program="celerybeat")),
    (b"bash: line 1: celerybeat: command not found", Seen(PROGRAM, program="celerybeat")),
    (b"/usr/bin/bash: celerybeat: command not found", Seen(PROGRAM, program="celerybeat")),
]


@pytest.mark.parametrize(("lines", "seen"), REAL)
def test_an_error_is_known_by_the_form_its_program_gives_it(lines: bytes, seen: Seen) -> None:
    assert list(signs(b"before\n" + lines + b"\nafter\n")) == [seen]


@pytest.mark.parametrize("line", [lines for lines, _ in REAL if b"\n" not in lines])
@pytest.mark.parametrize(
    "telling",
    [
        b'{"level": "error", "message": "%s"}',
        b"INFO:app:a user asked about '%s'",
        b"E       AssertionError: assert '%s' in text",
        b"ERROR:root:the log had `%s` in it yesterday",
        b"docs: you see %s, and then?",
        b"> %s",
        b"# %s",
        b'    print("%s")',
    ],
)
def test_a_line_that_only_talks_about_an_error_is_none(line: bytes, telling: bytes) -> None:
    assert list(signs(b"before\n" + telling % line.rstrip(b"\r") + b"\nafter\n")) == []


@pytest.mark.parametrize(
    "lines",
    [
        b"we fixed the attached to a different loop bug\n",
        b"is the address already in use? check the port\n",
        b"ModuleNotFoundError: No module named 'x' means that it is not installed\n",
        b"INFO connecting to the database, Connection refused for a user\n",
        b"E   ModuleNotFoundError: No module named 'x'\n",
        b"/bin/sh: 1: exec: ./serve: not found\n",
        b"GET /users/5: not found\nkey: user: not found\n",
        b"",
    ],
)
def test_words_of_an_error_are_none(lines: bytes) -> None:
    assert list(signs(lines)) == []


def test_a_sign_is_found_behind_any_number_of_lines_that_talk_about_it() -> None:
    talk = b"docs: ModuleNotFoundError: No module named 'x' is common\n" * 500
    assert list(signs(talk + b"ModuleNotFoundError: No module named 'y'\n")) == [
        Seen(MODULE, module="y")
    ]
