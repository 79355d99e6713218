"""From Procfile and options to what is started."""

from signal import Signals

import pytest

from devsup.pure.config import Options, ServiceOptions
from devsup.pure.procfile import Service, parse, services
from devsup.pure.programs import (
    HttpReady,
    ListenReady,
    LogReady,
    PortReady,
    SettleReady,
    Step,
    Target,
)
from devsup.pure.stack import EVERY_KEY, EXEMPT, ReadyBy, Spec, build

PROCFILE = """
web: cd backend && uvicorn app:app --port $PORT
worker: celery -A app worker -l info
redis: redis-server --port 6379
clock: python clock.py
"""


def stack(
    formation: str = "", only: str = "", settings: dict[str, str] | None = None, **own: object
) -> dict[str, Spec]:
    """The specs by name; `own` are the options of the type `web`, `formation` is `worker`'s."""
    entries, _ = parse(PROCFILE, "Procfile")
    chosen = services(entries, {"worker": int(formation or 1)}, only.split(), 5000)
    options = Options(services={"web": ServiceOptions(**own)})  # type: ignore[arg-type]
    return {spec.name: spec for spec in build(chosen, options, settings)}


def test_a_spec_has_the_command_as_written_and_the_line_that_is_run() -> None:
    web = stack()["web.1"]
    assert (web.name, web.type, web.port) == ("web.1", "web", 5000)
    assert web.command == "cd backend && uvicorn app:app --port $PORT"
    assert web.shell_line == "cd backend && exec uvicorn app:app --port $PORT"


def test_specs_keep_the_order_of_the_services() -> None:
    assert list(stack("2")) == ["web.1", "worker.1", "worker.2", "redis.1", "clock.1"]
    assert build((), Options()) == ()


def test_a_program_brings_its_stop_sequence_and_readiness() -> None:
    specs = stack()
    assert {name: (spec.program, spec.ready, spec.ready_by) for name, spec in specs.items()} == {
        "web.1": ("uvicorn", ListenReady(5000), ReadyBy.PROGRAM),
        "worker.1": ("celery worker", LogReady(r"\S+@\S+ ready\."), ReadyBy.PROGRAM),
        "redis.1": ("redis-server", ListenReady(6379), ReadyBy.PROGRAM),
        "clock.1": (None, SettleReady(), ReadyBy.SETTLE),
    }
    assert [step.grace for step in specs["worker.1"].steps] == [10.0, 2.0]
    assert specs["clock.1"].steps == (Step(Signals.SIGTERM, Target.LEADER, 5.0),)


@pytest.mark.parametrize("ready", [HttpReady("http://localhost/"), PortReady(1), LogReady("up")])
def test_a_configured_readiness_comes_first(ready: HttpReady | PortReady | LogReady) -> None:
    web = stack(ready=ready)["web.1"]
    assert (web.ready, web.ready_by) == (ready, ReadyBy.CONFIG)


def test_a_program_that_shows_nothing_is_ready_by_the_settle_time() -> None:
    entry = Service("beat.1", "beat", 1, "celery -A app beat", 5000)
    [beat] = build((entry,), Options())
    assert (beat.program, beat.ready, beat.ready_by) == (
        "celery beat",
        SettleReady(),
        ReadyBy.SETTLE,
    )


def test_the_port_that_an_env_file_sets_is_the_one_that_is_waited_for() -> None:
    web = stack(settings={"PORT": "8000"})["web.1"]
    assert (web.port, web.ready) == (8000, ListenReady(8000))
    assert stack(settings={"PORT": "none"})["web.1"].port == 5000


@pytest.mark.parametrize(
    ("own", "general", "grace"),
    [(None, None, 10.0), (None, 3.0, 3.0), (7.0, None, 7.0), (7.0, 3.0, 7.0)],
)
def test_the_nearest_stop_timeout_counts(
    own: float | None, general: float | None, grace: float
) -> None:
    options = Options(stop_timeout=general, services={"w": ServiceOptions(stop_timeout=own)})
    [worker] = build((Service("w.1", "w", 1, "celery -A app worker", 5000),), options)
    assert worker.steps[0].grace == grace


def test_a_configured_stop_signal_is_the_first_one() -> None:
    steps = stack(stop_signal=Signals.SIGQUIT)["web.1"].steps
    assert [step.signal.name for step in steps] == ["SIGQUIT", "SIGINT", "SIGINT"]


def test_after_means_every_started_instance_of_a_type_and_no_other() -> None:
    assert stack("3", after=("worker", "clock"))["web.1"].after == (
        "worker.1",
        "worker.2",
        "worker.3",
        "clock.1",
    )
    assert stack("3", "web worker.2", after=("worker", "redis"))["web.1"].after == ("worker.2",)
    assert stack("0", after=("worker",))["web.1"].after == ()
    assert stack()["web.1"].after == ()


@pytest.mark.parametrize(
    ("patterns", "keys", "concerned"),
    [
        (EVERY_KEY, ["A"], True),
        (EVERY_KEY, [], False),
        (EXEMPT, ["A", "B"], False),
        (frozenset({"DB_*", "URL"}), ["DB_HOST"], True),
        (frozenset({"DB_*", "URL"}), ["A", "URL"], True),
        (frozenset({"DB_*", "URL"}), ["db_host", "URLS", "XDB_A"], False),
    ],
)
def test_an_edit_concerns_a_service_by_the_patterns_of_its_keys(
    patterns: frozenset[str], keys: list[str], *, concerned: bool
) -> None:
    assert stack(env_restart=tuple(patterns))["web.1"].concerns == patterns
    assert stack(env_restart=tuple(patterns))["web.1"].concerned_by(keys) is concerned
