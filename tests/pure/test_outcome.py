"""What a command from another terminal says when it is done: state, deed, and the time it took."""

from history import ON_PORT, History, spec

from devsup.pure.outcome import outcome

WEB = spec("web", ready=ON_PORT)


def told(run: History, name: str, asked: float) -> str:
    return outcome(run.supervisor.units[name], asked)


def stopped(run: History, name: str, after: float) -> None:
    run.now += after
    run.ends(name)


def ready(run: History, name: str, after: float) -> None:
    run.now += after
    run.ready(name)


def test_a_restart_tells_what_stopped_and_started_and_how_long_each_took() -> None:
    run = History(WEB).steady()
    asked = run.now
    run.restart("web")
    stopped(run, "web", 0.3)
    ready(run, "web", 1.6)
    assert told(run, "web", asked) == (
        "web is up (port 8000) on generation 1, restarted in 1.9 s (stop 0.3, start 1.6)"
    )


def test_the_time_in_which_it_waited_for_others_is_told_as_that() -> None:
    run = History(spec("web", "db", ready=ON_PORT), spec("db", ready=ON_PORT)).steady()
    asked = run.now
    run.restart("web", "db")
    stopped(run, "web", 0.3)
    stopped(run, "db", 0.4)
    ready(run, "db", 2.0)
    ready(run, "web", 1.0)
    assert told(run, "web", asked).endswith("restarted in 3.7 s (wait 2.4, stop 0.3, start 1.0)")
    assert told(run, "db", asked).endswith("restarted in 2.7 s (wait 0.3, stop 0.4, start 2.0)")


def test_a_start_has_one_time_only() -> None:
    run = History(WEB).steady()
    run.stop("web")
    stopped(run, "web", 0.3)
    run.now += 60.0
    asked = run.now
    run.start("web")
    ready(run, "web", 1.6)
    assert told(run, "web", asked).endswith("generation 1, started in 1.6 s")


def test_a_stop_has_one_time_only() -> None:
    run = History(WEB).steady()
    asked = run.now
    run.stop("web")
    stopped(run, "web", 0.3)
    assert told(run, "web", asked) == "web is down, stopped in 0.3 s"


def test_what_was_stopping_before_somebody_asked_counts_from_then() -> None:
    run = History(WEB).steady()
    run.restart("web")
    run.now += 2.0
    asked = run.now
    run.restart("web")
    stopped(run, "web", 0.5)
    ready(run, "web", 1.0)
    assert told(run, "web", asked).endswith("restarted in 1.5 s (stop 0.5, start 1.0)")


def test_nothing_is_told_of_what_nobody_did() -> None:
    run = History(WEB).steady()
    run.now += 60.0
    assert told(run, "web", run.now) == "web is up (port 8000) on generation 1"
    run.stop("web")
    stopped(run, "web", 0.3)
    run.now += 60.0
    assert told(run, "web", run.now) == "web is down"


def test_a_crash_is_no_stop() -> None:
    run = History(WEB).steady()
    asked = run.now
    run.restart("web")
    stopped(run, "web", 0.3)
    run.ends("web", 7)
    assert told(run, "web", asked) == "web crashed: it exited with status 7"
