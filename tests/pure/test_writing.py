"""Who is still writing a file, as far as can be told."""

from devsup.pure.writing import LONGEST, PATIENCE, Writer, Writers

ENV, OTHER = (1, ".env"), (2, ".env")


def test_somebody_writes_from_the_first_word_until_the_file_is_left() -> None:
    writers = Writers()
    assert not writers.busy(0.0)
    writers.wrote(ENV, 0.0)
    writers.wrote(OTHER, 1.0)
    writers.left(ENV)
    assert writers.busy(1.0)
    writers.left(OTHER)
    writers.left(OTHER)
    assert not writers.busy(1.0)


def test_who_is_silent_is_forgotten_and_who_goes_on_is_not() -> None:
    writers = Writers()
    writers.wrote(ENV, 0.0)
    writers.wrote(ENV, LONGEST)
    assert writers.busy(2 * LONGEST - 0.1)
    assert not writers.busy(2 * LONGEST)
    assert not writers.busy(LONGEST)


def test_of_what_is_not_watched_any_more_nobody_is_awaited() -> None:
    writers = Writers()
    writers.wrote(ENV, 0.0)
    writers.keep({OTHER})
    assert not writers.busy(0.0)


def test_nobody_is_hurried_who_has_the_file_open() -> None:
    for cut in (False, True):
        waits = [PATIENCE[writer, cut] for writer in (Writer.DONE, Writer.UNKNOWN, Writer.BUSY)]
        assert waits == sorted(waits)
        assert waits[-1] == LONGEST
