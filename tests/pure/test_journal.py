"""The journal keeps the latest lines of each service, in the order in which all of them came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.journal import Journal

names = st.sampled_from(["web.1", "web.2", "worker.1"])
# A line may hold anything but its own end; a carriage return is part of it.
lines = st.binary(max_size=12).map(lambda data: data.replace(b"\n", b"\r"))
runs = st.lists(lines, min_size=1, max_size=4).map(lambda each: b"\n".join(each) + b"\n")
histories = st.lists(st.tuples(names, runs), max_size=40)
choices = st.frozensets(names)
counts = st.integers(0, 30)


def recorded(history: list[tuple[str, bytes]], bound: int = 1 << 20) -> Journal:
    journal = Journal(bound)
    for name, run in history:
        journal.add(name, run)
    return journal


@given(histories, choices, counts)
def test_the_tail_is_the_end_of_what_the_chosen_services_said(
    history: list[tuple[str, bytes]], chosen: frozenset[str], count: int
) -> None:
    text = b"".join(run for name, run in history if not chosen or name in chosen)
    expected = text.split(b"\n")[:-1][-count:] if count else []
    assert recorded(history).tail(chosen, count) == b"".join(each + b"\n" for each in expected)


@given(histories, st.integers(1, 60))
def test_of_each_service_the_end_is_kept_within_the_bound_and_one_run(
    history: list[tuple[str, bytes]], bound: int
) -> None:
    journal = recorded(history, bound)
    for name in {name for name, _ in history}:
        said = [run for who, run in history if who == name]
        kept = journal.tail({name}, 1 << 30)
        assert b"".join(said).endswith(kept)
        assert len(kept) <= bound + len(said[-1])
        assert len(kept) >= min(len(b"".join(said)), len(said[-1]))


@given(histories)
def test_a_flood_of_one_washes_nothing_of_another_away(history: list[tuple[str, bytes]]) -> None:
    journal = recorded([("web.1", b"first\n"), *history], bound=1 << 10)
    for _ in range(50):
        journal.add("flood.1", b"x" * 100 + b"\n")
    assert b"first\n" in journal.tail({"web.1"}, 1 << 30)


@given(histories, histories, histories)
def test_a_listener_gets_every_run_from_its_begin_to_its_end(
    before: list[tuple[str, bytes]],
    meanwhile: list[tuple[str, bytes]],
    after: list[tuple[str, bytes]],
) -> None:
    journal = recorded(before)
    heard: list[tuple[str, bytes]] = []
    end = journal.listen(lambda name, run: heard.append((name, run)))
    for name, run in meanwhile:
        journal.add(name, run)
    end()
    for name, run in after:
        journal.add(name, run)
    assert heard == meanwhile


def test_a_listener_may_end_itself_while_it_is_told_and_nobody_misses_a_run() -> None:
    journal = Journal()
    heard: list[bytes] = []
    end = journal.listen(lambda *_: end())
    journal.listen(lambda _, run: heard.append(run))
    journal.add("web.1", b"one\n")
    journal.add("web.1", b"two\n")
    assert heard == [b"one\n", b"two\n"]


def test_what_devsup_says_of_a_service_is_found_among_the_lines_of_that_one() -> None:
    journal = Journal()
    heard: list[bytes] = []
    copied: list[tuple[bytes, str]] = []
    end = journal.listen(lambda _, run: heard.append(run), {"web.1"})
    journal.copy_to(lambda run, about: copied.append((run, about)))
    journal.add("web.1", b"one\n")
    journal.add("devsup", b"two\n", "web.1")
    journal.add("devsup", b"three\n", "worker.1")
    journal.add("devsup", b"four\n")
    assert journal.tail({"web.1"}, 9) == b"".join(heard) == b"one\ntwo\n"
    assert journal.tail((), 9) == b"one\ntwo\nthree\nfour\n"
    assert copied[1:] == [(b"two\n", "web.1"), (b"three\n", "worker.1"), (b"four\n", "")]
    end()
    journal.add("web.1", b"five\n")
    assert heard == [b"one\n", b"two\n"]


def test_the_last_life_of_a_service_is_without_the_lines_of_those_before() -> None:
    journal = Journal()
    assert journal.last_life("web.1", 9) == b""
    journal.add("web.1", b"one\n")
    journal.add("devsup", b"two\n", "web.1")
    journal.begin("web.1")
    journal.add("worker.1", b"three\n")
    journal.add("web.1", b"four\nfive\n")
    journal.add("devsup", b"six\n", "web.1")
    assert journal.last_life("web.1", 9) == b"four\nfive\nsix\n"
    assert journal.last_life("web.1", 2) == b"five\nsix\n"
    assert journal.last_life("worker.1", 9) == b"three\n"
