"""Which program a command line starts, how it stops, and how it is known to be ready."""

import re
from signal import Signals

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.programs import (
    ListenReady,
    LogReady,
    Program,
    Ready,
    SettleReady,
    Step,
    Target,
    recognise,
    stop_steps,
)

TERM, INT, QUIT, HUP = Signals.SIGTERM, Signals.SIGINT, Signals.SIGQUIT, Signals.SIGHUP
LEADER, ALL = Target.LEADER, Target.ALL
ANY_PORT = ListenReady(None)


def recognised(line: str) -> tuple[str, Ready] | None:
    program = recognise(tuple(line.split()), port=5000)
    return (program.name, program.ready) if program else None


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("uvicorn app:app", "uvicorn"),
        (".venv/bin/uvicorn app:app", "uvicorn"),
        ("$VENV/bin/uvicorn app:app", "uvicorn"),
        ("python -m uvicorn app:app", "uvicorn"),
        ("python3.11 -u -X dev -m uvicorn app:app", "uvicorn"),
        ("/usr/bin/python3 -um uvicorn app:app", "uvicorn"),
        ("pypy3 -W error -m uvicorn app:app", "uvicorn"),
        ("python .venv/bin/uvicorn app:app", "uvicorn"),
        ("env uvicorn app:app", "uvicorn"),
        ("env -u HOME A=1 B=2 python -m uvicorn app:app", "uvicorn"),
        ("env -i -- A=1 uvicorn app:app", "uvicorn"),
        ("nice -n 5 uvicorn app:app", "uvicorn"),
        ("nice -5 nohup uvicorn app:app", "uvicorn"),
        ("poetry run uvicorn app:app", "uvicorn"),
        ("poetry -C backend run uvicorn app:app", "uvicorn"),
        ("pipenv run python -m uvicorn app:app", "uvicorn"),
        ("uv run uvicorn app:app", "uvicorn"),
        ("uv --project backend run --extra web --no-sync -- uvicorn app:app", "uvicorn"),
        ("uv run -m uvicorn app:app", "uvicorn"),
        ("fastapi dev main.py", "fastapi"),
        ("fastapi run main.py", "fastapi"),
        ("gunicorn app:app -k uvicorn.workers.UvicornWorker", "gunicorn"),
        ("hypercorn app:app", "hypercorn"),
        ("postgres -D data", "postgres"),
        ("/usr/lib/postgresql/17/bin/postgres -D data", "postgres"),
        ("redis-server --save ''", "redis-server"),
        ("valkey-server redis.conf", "valkey-server"),
        ("celery -A app worker", "celery worker"),
        ("celery --app=app -b redis:// worker", "celery worker"),
        ("celery --workdir backend -A app worker -Q uvicorn", "celery worker"),
        ("python -m celery -A app worker", "celery worker"),
        ("celery -A app beat", "celery beat"),
    ],
)
def test_a_program_is_recognised_behind_what_starts_it(line: str, name: str) -> None:
    assert (recognised(line) or ("",))[0] == name


@pytest.mark.parametrize(
    "line",
    [
        "",
        "python",
        "python main.py",
        "python -m app.uvicorn",
        "python -c uvicorn_app",
        "uvicorn.sh",
        "npm run uvicorn",
        "uv sync",
        "uv",
        "uv run",
        "poetry shell uvicorn",
        "env A=1",
        "env",
        "fastapi",
        "fastapi deploy",
        "celery",
        "celery -A app",
        "celery -A worker",
        "celery -A app flower",
        "celery -A app inspect worker",
        "tail -f uvicorn",
        "celery-exporter worker",
    ],
)
def test_nothing_else_is_taken_for_one(line: str) -> None:
    assert recognised(line) is None


@pytest.mark.parametrize(
    ("line", "ready"),
    [
        ("uvicorn app:app --port 8000", ListenReady(8000)),
        ("uvicorn app:app --port=8000 --reload", ListenReady(8000)),
        ("uvicorn app:app --port $PORT", ListenReady(5000)),
        ("uvicorn app:app --port ${PORT}", ListenReady(5000)),
        ("uvicorn app:app --port ${PORT:-8000}", ListenReady(5000)),
        ("uvicorn app:app --port $WEB_PORT", ANY_PORT),
        ("uvicorn app:app --port ${WEB_PORT:-8000}", ANY_PORT),
        ("uvicorn app:app --port 0", ANY_PORT),
        ("uvicorn app:app --port", ANY_PORT),
        ("uvicorn app:app", ANY_PORT),
        ("uvicorn app:app --port 8000 --uds /tmp/socket", ANY_PORT),
        ("uvicorn app:app --port=8000 --fd=3", ANY_PORT),
        ("fastapi dev --port 8001 main.py", ListenReady(8001)),
        ("gunicorn app:app -b 0.0.0.0:8000", ListenReady(8000)),
        ("gunicorn app:app -b:8000", ListenReady(8000)),
        ("gunicorn app:app --bind=[::1]:$PORT", ListenReady(5000)),
        ("gunicorn app:app --bind unix:/run/x.sock", ANY_PORT),
        ("gunicorn app:app -b unix:/run/x.sock -b localhost:8000", ListenReady(8000)),
        ("gunicorn app:app", ANY_PORT),
        ("hypercorn app:app -b fd://3", ANY_PORT),
        ("hypercorn app:app -b localhost", ANY_PORT),
        ("postgres -p 5433", ListenReady(5433)),
        ("postgres -p5433", ListenReady(5433)),
        ("postgres --port=5433", ListenReady(5433)),
        ("postgres", ANY_PORT),
        ("redis-server --port 6380", ListenReady(6380)),
        ("valkey-server --port 0 --unixsocket x", ANY_PORT),
        ("celery -A app beat", SettleReady()),
        ("celery -A app worker", SettleReady()),
        ("celery -A app worker -l warning", SettleReady()),
        ("celery -A app worker -l $LEVEL", SettleReady()),
        ("celery -A app worker -l info -f log", SettleReady()),
        ("celery -A app worker --logfile=log -linfo", SettleReady()),
    ],
)
def test_readiness_waits_only_for_what_the_command_line_promises(line: str, ready: Ready) -> None:
    program = recognise(tuple(line.split()), port=5000)
    assert program is not None
    assert program.ready == ready


@pytest.mark.parametrize("level", ["-l info", "-lINFO", "--loglevel info", "--loglevel=debug"])
@pytest.mark.parametrize(
    "line",
    [
        "[2025-01-01 00:00:00,000: INFO/MainProcess] celery@host ready.",
        "\x1b[32mone@host.example.org ready.\x1b[0m",
        '{"event": "celery@host ready.", "level": "info"}',
    ],
)
def test_a_celery_worker_that_logs_it_is_ready_with_its_line(level: str, line: str) -> None:
    _, ready = recognised(f"celery -A app worker {level}") or ("", None)
    assert isinstance(ready, LogReady)
    assert re.search(ready.pattern, line)
    assert not re.search(ready.pattern, "Almost ready. Connected to redis://user@host/0")


@pytest.mark.parametrize(
    ("line", "steps"),
    [
        ("serve", (Step(TERM, LEADER, 5.0),)),
        ("hypercorn app", (Step(TERM, LEADER, 5.0),)),
        ("redis-server", (Step(TERM, LEADER, 5.0),)),
        ("celery -A app beat", (Step(TERM, LEADER, 5.0),)),
        ("postgres", (Step(INT, LEADER, 5.0),)),
        ("celery -A app worker", (Step(TERM, LEADER, 10.0), Step(QUIT, LEADER, 2.0))),
        ("gunicorn app", (Step(TERM, LEADER, 5.0), Step(QUIT, ALL, 3.0))),
        ("uvicorn app", (Step(TERM, LEADER, 5.0), Step(INT, ALL, 1.0), Step(INT, ALL, 1.0))),
        ("fastapi dev", (Step(TERM, LEADER, 5.0), Step(INT, ALL, 1.0), Step(INT, ALL, 1.0))),
    ],
)
def test_each_program_has_its_stop_sequence(line: str, steps: tuple[Step, ...]) -> None:
    assert stop_steps(recognise(tuple(line.split()), 5000), None, None) == steps


COMMANDS = st.sampled_from(
    ["celery -A a worker", "uvicorn a", "gunicorn a", "postgres", "hypercorn a", "serve", ""]
)
PROGRAMS = COMMANDS.map(lambda line: recognise(tuple(line.split()), 5000))


@given(PROGRAMS, st.sampled_from([HUP, INT, QUIT, TERM]), st.just(0.0) | st.floats(0.1, 100.0))
def test_what_the_user_says_replaces_the_first_signal_and_its_grace_only(
    program: Program | None, signal: Signals, timeout: float
) -> None:
    usual, said = stop_steps(program, None, None), stop_steps(program, signal, timeout)
    assert said == (Step(signal, LEADER, timeout), *usual[1:])


@given(PROGRAMS, st.none() | st.sampled_from([HUP, INT]))
def test_no_stop_sequence_begins_with_everybody_or_kills(
    program: Program | None, signal: Signals | None
) -> None:
    steps = stop_steps(program, signal, None)
    assert steps[0].to is LEADER
    assert Signals.SIGKILL not in {step.signal for step in steps}
    assert all(step.grace > 0 for step in steps)
    assert not any(step.signal is TERM and step.to is ALL for step in steps)


WORDS = st.text(st.sampled_from("-=$ab:/1")) | st.sampled_from(["env", "uv", "run", "-m"])


@given(st.lists(WORDS))
def test_no_command_line_is_too_strange(words: list[str]) -> None:
    assert recognise((*words, ""), 5000) is None
    program = recognise(("uvicorn", *words), 5000)
    assert program is not None
    assert program.name == "uvicorn"
