"""Known errors are recognised in the form in which the libraries themselves say them."""

from __future__ import annotations

import pytest

from devsup.pure.hints import Seen, Sign, sentence, signs

LOOP = (
    b"RuntimeError: Task <Task pending name='Task-9' coro=<add() running at /app/notes.py:12>"
    b" cb=[_run_until_complete_cb() at /usr/lib/python3.11/asyncio/base_events.py:181]> got Future"
    b" <Future pending cb=[BaseProtocol._on_waiter_completed()]> attached to a different loop\n"
)


@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        (LOOP, Seen(Sign.OTHER_LOOP)),
        (
            (
                b"asyncpg.exceptions.ConnectionDoesNotExistError: connection was closed in the middle"
                b" of operation\n"
            ),
            Seen(Sign.CLOSED),
        ),
        (
            (
                b"sqlalchemy.dialects.postgresql.asyncpg.Error: <class 'asyncpg.exceptions."
                b"ConnectionDoesNotExistError'>: connection was closed in the middle of operation\n"
            ),
            Seen(Sign.CLOSED),
        ),
        (
            (
                b"sqlalchemy.exc.MissingGreenlet: greenlet_spawn has not been called; can't call"
                b" await_only() here.\n"
            ),
            Seen(Sign.GREENLET),
        ),
        (
            (
                b"ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000):"
                b" address already in use\n"
            ),
            Seen(Sign.PORT_TAKEN, 8000),
        ),
        (
            (
                b"ERROR:    [Errno 98] error while attempting to bind on address ('::1', 8000, 0, 0):"
                b" address already in use\n"
            ),
            Seen(Sign.PORT_TAKEN, 8000),
        ),
        (b"OSError: [Errno 98] Address already in use\n", Seen(Sign.PORT_TAKEN)),
        (
            b"[2026-01-01] [ERROR] Connection in use: ('127.0.0.1', 8000)\n",
            Seen(Sign.PORT_TAKEN, 8000),
        ),
    ],
)
def test_an_error_is_known_by_the_form_its_library_gives_it(lines: bytes, seen: Seen) -> None:
    assert list(signs(b"before\n" + lines + b"after\n")) == [seen]


@pytest.mark.parametrize(
    "lines",
    [
        b"we fixed the attached to a different loop bug\n",
        b"docs: connection was closed in the middle of operation, see wiki\n",
        b"note: greenlet_spawn has not been called is a common message\n",
        b"is the address already in use? check the port\n",
        b"",
    ],
)
def test_a_line_that_only_talks_about_an_error_is_none(lines: bytes) -> None:
    assert list(signs(lines)) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SQLALCHEMY_DISABLE_POOL": "0"}, "SQLALCHEMY_DISABLE_POOL is 0 in worker.1: set it to 1"),
        ({}, "is not set in worker.1: set it to 1"),
        ({"SQLALCHEMY_DISABLE_POOL": "1"}, "it is not the pool's: SQLALCHEMY_DISABLE_POOL is 1"),
    ],
)
def test_advice_on_the_loop_depends_on_the_live_setting(
    settings: dict[str, str], said: str
) -> None:
    assert said in sentence(Seen(Sign.OTHER_LOOP), "worker.1", settings, "")


def test_a_value_that_is_no_switch_is_not_shown() -> None:
    line = sentence(Seen(Sign.OTHER_LOOP), "worker.1", {"SQLALCHEMY_DISABLE_POOL": "hunter2"}, "")
    assert "hunter2" not in line


@pytest.mark.parametrize("sign", [Sign.CLOSED, Sign.GREENLET])
def test_no_cure_is_promised_where_the_pool_is_not_the_cause(sign: Sign) -> None:
    assert "does not cure" in sentence(Seen(sign), "web.1", {}, "")


@pytest.mark.parametrize(
    ("port", "owner", "said"),
    [
        (8000, "12 (uvicorn in /x)", "port 8000 is held by 12 (uvicorn in /x); type: devsup kill"),
        (8000, "", "held by a process that this user cannot see"),
        (None, "", "its port is taken; type: devsup check"),
    ],
)
def test_a_taken_port_has_an_owner_and_a_remedy(port: int | None, owner: str, said: str) -> None:
    assert said in sentence(Seen(Sign.PORT_TAKEN, port), "web.1", {}, owner)
