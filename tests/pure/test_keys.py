"""What each key means, idle and while a service is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.keys import Act, Asking, Effect, Idle, Restart, State, press, prompt, split

SERVICES = ("web.1", "worker.1", "db.1")
MANY = tuple(f"worker.{number}" for number in range(1, 13))
ESC, ENTER, DELETE = "\x1b", "\n", "\x7f"


def typed(
    keys: list[str] | str, services: tuple[str, ...] = SERVICES
) -> tuple[State, list[Effect]]:
    """Where these keys lead, and all that they ask for."""
    state: State = Idle()
    effects = []
    for key in keys:
        state, effect = press(state, key, services)
        effects += [effect] if effect else []
    return state, effects


@pytest.mark.parametrize(
    ("keys", "effects"),
    [
        ("s", [Act.STATUS]),
        ("?", [Act.HELP]),
        ("q", [Act.QUIT]),
        ("qq", [Act.QUIT, Act.QUIT]),
        ("\n\n", [Act.EMPTY_LINE, Act.EMPTY_LINE]),
        ("\r", [Act.EMPTY_LINE]),
        ("rr", [Restart("")]),
        ("r\n", [Restart("")]),
        ("r2", [Restart("worker.1")]),
        ("rweb\n", [Restart("web")]),
        ("rweb.1\r", [Restart("web.1")]),
        ("rwb\x7feb\n", [Restart("web")]),
        ("rnobody\n", [Restart("nobody")]),
        ("r\x1bq", [Act.QUIT]),
        ("r\x7fs", [Act.STATUS]),
        ("r2s", [Restart("worker.1"), Act.STATUS]),
    ],
)
def test_what_keys_ask_for(keys: str, effects: list[Effect]) -> None:
    assert typed(keys) == (Idle(), effects)


@pytest.mark.parametrize("key", ["x", "R", "1", " ", "\x04", "\t", "ä", "\x1b", "\x1b[A", "\x7f"])
def test_other_keys_do_nothing(key: str) -> None:
    assert typed([key]) == (Idle(), [])


@pytest.mark.parametrize("key", ["9", "0", "w", "q", "s"])
def test_what_is_no_answer_yet_is_kept(key: str) -> None:
    assert typed(["r", key]) == (Asking(SERVICES, key), [])


@pytest.mark.parametrize("key", [" ", "ä", "\x1b[A", "\t", "?"])
def test_what_no_name_has_is_no_answer(key: str) -> None:
    assert typed(["r", key]) == (Asking(SERVICES), [])


@pytest.mark.parametrize(
    ("keys", "effects"),
    [
        ("r2", [Restart("worker.2")]),
        ("r1", []),
        ("r1\n", [Restart("worker.1")]),
        ("r12", [Restart("worker.12")]),
        ("r1\x7f3", [Restart("worker.3")]),
    ],
)
def test_a_number_is_taken_at_once_when_no_other_begins_with_it(
    keys: str, effects: list[Effect]
) -> None:
    assert typed(keys, MANY)[1] == effects


@pytest.mark.parametrize(
    ("keys", "effects"),
    [("rr", []), ("rr\n", [Restart("")]), ("rredis\n", [Restart("redis")]), ("r2", [])],
)
def test_a_name_that_begins_with_a_short_answer_can_be_typed(
    keys: str, effects: list[Effect]
) -> None:
    assert typed(keys, ("redis.1", "2fa.1"))[1] == effects


def test_a_number_means_what_is_shown_whatever_the_services_are_by_now() -> None:
    asking, _ = press(Idle(), "r", SERVICES)
    assert press(asking, "2", ("api.1", *SERVICES)) == (Idle(), Restart("worker.1"))
    assert press(asking, "3", ()) == (Idle(), Restart("db.1"))
    assert press(asking, "1", MANY) == (Idle(), Restart("web.1"))


def test_the_prompt_numbers_the_services_and_shows_what_was_typed_first() -> None:
    assert prompt(Asking(SERVICES, "we")) == (
        "restart: we_   r all  1 web.1  2 worker.1  3 db.1  (Esc: none)"
    )
    assert prompt(Idle()) == ""


def test_a_read_is_split_into_keys() -> None:
    assert [*split(b"r\x1b[Aq\x1bOP\x1b[1;5Cs\x1b\xc3\xa4\xff\n")] == [
        *("r", "\x1b[A", "q", "\x1bOP", "\x1b[1;5C", "s", "\x1bä", "\n"),
    ]
    assert [*split(b"\x1b")] == [ESC]


@given(st.lists(st.binary(max_size=3)), st.sampled_from([SERVICES, MANY, ()]))
def test_whatever_is_typed_escape_leaves_the_question(
    reads: list[bytes], services: tuple[str, ...]
) -> None:
    state, _ = typed([key for read in reads for key in split(read)], services)
    assert press(state, ESC, services) == (Idle(), None)
