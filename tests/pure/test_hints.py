"""A hint tells the true cause, what is known here and now, and what to type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devsup.pure.hints import Facts, Owner, Python, Server, Whereabouts, sentence
from devsup.pure.lifecycle import State
from devsup.pure.signs import Seen, Sign


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
    assert said in sentence(Seen(Sign.OTHER_LOOP), "worker.1", Facts(settings))


def test_a_value_that_is_no_switch_is_not_shown() -> None:
    facts = Facts({"SQLALCHEMY_DISABLE_POOL": "hunter2"})
    assert "hunter2" not in sentence(Seen(Sign.OTHER_LOOP), "worker.1", facts)
    assert "hunter2" not in repr(facts)


@pytest.mark.parametrize("sign", [Sign.CLOSED, Sign.GREENLET])
def test_no_cure_is_promised_where_the_pool_is_not_the_cause(sign: Sign) -> None:
    assert "does not cure" in sentence(Seen(sign), "web.1", Facts())


OWNER = Owner(12, "uvicorn", "/x")
OURS = Owner(12, "uvicorn", "/x", "api.1")
THEIRS = Owner(12, "uvicorn", "/x", is_run=True)


@pytest.mark.parametrize(
    ("port", "facts", "said"),
    [
        (
            8000,
            Facts(owner=OWNER),
            "port 8000 is held by 12 (uvicorn in /x); type: kill 12",
        ),
        (8000, Facts(owner=OURS), "api.1 and web.1 both want port 8000, and api.1 has it"),
        (8000, Facts({"PORT": "8000"}, owner=OURS), "PORT in an env file is the same for every"),
        (8000, Facts(owner=THEIRS), "for another project: end that one (devsup down, there)"),
        (8000, Facts(), "held by a process that this user cannot see"),
        (8000, Facts(is_taken=False), "free by now; type: devsup restart web.1"),
        (None, Facts(), "its port is taken, and it does not say which"),
    ],
)
def test_a_taken_port_has_an_owner_and_a_remedy(port: int | None, facts: Facts, said: str) -> None:
    assert said in sentence(Seen(Sign.PORT_TAKEN, port), "web.1", facts)


@pytest.mark.parametrize("owner", [OURS, THEIRS])
def test_no_service_of_a_run_is_to_be_killed_for_its_port(owner: Owner) -> None:
    assert "kill" not in sentence(Seen(Sign.PORT_TAKEN, 8000), "web.1", Facts(owner=owner))


VENV = Python(".venv/bin/uvicorn", ".venv")


@pytest.mark.parametrize(
    ("module", "known", "said"),
    [
        ("app", Whereabouts(("backend",)), "app lies in backend/, where Python does not look"),
        ("app", Whereabouts(("backend",)), "`cd backend &&`"),
        ("app", Whereabouts((".",)), "PYTHONPATH=."),
        (
            "app",
            Whereabouts((".",), left="/srv/my shop"),
            "set PYTHONPATH='/srv/my shop' in its line, or drop the `cd` there",
        ),
        (
            "app",
            Whereabouts(("backend",), left="/srv/shop"),
            "Python does not look: set PYTHONPATH=/srv/shop/backend in its line",
        ),
        ("app.mian", Whereabouts(package_in=("backend",)), "backend/app has no mian: a slip"),
        ("fastapi", Whereabouts(python=VENV), ": .venv/bin/python -m pip install PACKAGE"),
        (
            "fastapi",
            Whereabouts(python=replace(VENV, has_pip=False)),
            ": pip --python .venv/bin/python install PACKAGE",
        ),
        (
            "fastapi",
            Whereabouts(environment=".venv", python=Python("/usr/bin/uvicorn")),
            (
                "installed in .venv, which this service does not use (it uses /usr/bin/uvicorn);"
                " type: . .venv/bin/activate; devsup up"
            ),
        ),
        ("fastapi", Whereabouts(), "is the virtual environment active"),
    ],
)
def test_a_missing_module_is_misplaced_or_misspelt_or_not_installed(
    module: str, known: Whereabouts, said: str
) -> None:
    assert said in sentence(Seen(Sign.NO_MODULE, module=module), "web.1", Facts(module=known))


def server(state: State, *, listens: bool = False, awaited: bool = True) -> Facts:
    return Facts(type="web", server=Server("db.1", "db", state, listens, awaited))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (server(State.STARTING, awaited=False), "still starting: in devsup.toml, [services.web]"),
        (
            server(State.UP, listens=True, awaited=False),
            "by now: in devsup.toml, [services.web] af",
        ),
        (server(State.UP, listens=True, awaited=False), 'after = ["db"]'),
        (server(State.UP, listens=True), "db.1 listens there by now"),
        (server(State.UP), "db.1 is up, but does not listen there; type: devsup logs db.1"),
        (server(State.DOWN), "type: devsup start db.1"),
        (server(State.CRASHED), "crashed; type: devsup logs db.1"),
        (server(State.STUCK), "stuck"),
        (Facts(owner=OWNER), "12 (uvicorn in /x) listens there by now"),
        (Facts(idle=("db.1 crashed",)), "no service here is known to (not up: db.1 crashed)"),
        (Facts(keys=("DATABASE_URL",)), "the address in DATABASE_URL right?"),
    ],
)
def test_a_refused_connection_names_the_service_that_should_answer(facts: Facts, said: str) -> None:
    assert said in sentence(Seen(Sign.REFUSED, 5432, "127.0.0.1"), "web.1", facts)


def test_no_service_here_answers_for_another_machine() -> None:
    line = sentence(Seen(Sign.REFUSED, 5432, "10.0.0.7"), "web.1", server(State.CRASHED))
    assert "another machine" in line
    assert "db.1" not in line


def test_a_socket_that_nobody_listens_on_is_named() -> None:
    line = sentence(Seen(Sign.REFUSED, socket="/run/x.sock"), "web.1", Facts(idle=("db.1 down",)))
    assert "nobody listens on /run/x.sock (not up: db.1 down)" in line


def test_a_program_that_is_not_there_is_perhaps_in_an_environment() -> None:
    seen = Seen(Sign.NO_PROGRAM, program="celery")
    said = (
        "hint: web.1: celery is not on PATH: is it installed, and the virtual environment active?"
    )
    assert sentence(seen, "web.1", Facts()) == said


def test_a_debugger_that_celery_hides_in_its_log_can_be_attached_to() -> None:
    assert sentence(Seen(Sign.DEBUGGER), "worker.1", Facts()).endswith("devsup attach worker.1")
