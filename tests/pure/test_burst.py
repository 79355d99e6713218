"""Which changes belong together, and who has to wait."""

from devsup.pure.burst import (
    FIRST_WAIT,
    LONGEST,
    LONGEST_WAIT,
    QUIET,
    QUIET_AFTER_MANY,
    SOON,
    TOLERATED,
    Burst,
    Pace,
)

WORKER = frozenset({"worker"})
FILE = "app/version.py"


def burst(*files: str, at: float = 0.0) -> Burst:
    new = Burst(at, at)
    new.add(dict.fromkeys(files, WORKER), at)
    return new


def test_a_save_is_over_soon() -> None:
    assert burst(FILE).due == QUIET


def test_of_many_files_more_is_expected() -> None:
    assert burst(*map(str, range(500))).due == QUIET_AFTER_MANY


def test_each_change_puts_it_off_but_not_for_ever() -> None:
    one = burst(FILE)
    one.add({FILE: WORKER}, 1.0)
    assert one.due == 1.0 + QUIET
    one.add({FILE: WORKER}, LONGEST - QUIET / 2)
    assert one.due == LONGEST


def test_everybody_who_watches_a_file_is_remembered() -> None:
    one = burst(FILE)
    one.add({FILE: frozenset({"web"})}, 0.0)
    assert one.files == {FILE: {"web", "worker"}}


def waits(pace: Pace, times: int, age: float = 0.1, file: str = FILE) -> list[float]:
    return [pace.wait("worker.1", [file], age) for _ in range(times)]


def test_a_file_that_changes_after_every_start_makes_the_restarts_seldom() -> None:
    pace = Pace()
    assert waits(pace, TOLERATED) == [0.0] * TOLERATED
    assert waits(pace, 3) == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT]
    assert waits(pace, 500)[-1] == LONGEST_WAIT


def test_a_change_of_another_file_does_not_wait() -> None:
    pace = Pace()
    waits(pace, 10)
    assert waits(pace, 1, file="app/tasks.py") == [0.0]
    assert pace.wait("worker.1", [FILE, "app/models.py"], 0.1) == 0.0


def test_a_change_a_while_after_the_start_is_a_persons() -> None:
    pace = Pace()
    waits(pace, 10)
    assert waits(pace, 1, age=SOON + 0.1) == [0.0]
    assert waits(pace, 1) == [0.0]


def test_one_service_does_not_slow_down_another() -> None:
    pace = Pace()
    waits(pace, 10)
    assert pace.wait("web.1", [FILE], 0.1) == 0.0
