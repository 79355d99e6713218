"""The record as text: what is not exactly one is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsup.pure.record import Daemon, Record, Session, dumps, loads
from devsup.pure.sighting import Identity

texts = st.text()
pids = st.integers(min_value=1)
identities = st.builds(Identity, pids, st.floats(allow_nan=False))
records = st.builds(
    Record,
    texts,
    texts,
    texts,
    identities,
    st.lists(st.builds(Session, texts, identities)).map(tuple),
    st.lists(pids).map(tuple),
    st.lists(st.builds(Daemon, texts, identities)).map(tuple),
)
USUAL = json.loads(
    dumps(Record("r", "/", "b", Identity(1, 2.0), (Session("s", Identity(3, 4.0)),)))
)


@given(records)
def test_a_record_survives_being_text(record: Record) -> None:
    assert loads(dumps(record)) == record


def test_a_root_that_is_no_unicode_survives_too() -> None:
    record = Record("r", "/\udcff", "b", Identity(1, 2.0))
    assert loads(dumps(record)) == record


@given(st.recursive(st.none() | st.integers() | texts, st.lists, max_leaves=5) | texts)
def test_any_other_json_is_none(data: object) -> None:
    assert loads(json.dumps(data)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"run": 1},
        {"root": None},
        {"boot": []},
        {"supervisor": {"pid": 1}},
        {"supervisor": {"pid": 0, "started": 1.0}},
        {"supervisor": {"pid": -1, "started": 1.0}},
        {"supervisor": {"pid": True, "started": 1.0}},
        {"supervisor": {"pid": "1", "started": 1.0}},
        {"supervisor": {"pid": 1, "started": "1"}},
        {"supervisor": 1},
        {"sessions": None},
        {"sessions": [{}]},
        {"sessions": [{"service": "s", "leader": None}]},
        {"sessions": "x"},
        {"ports": ["1"]},
        {"ports": [0]},
        {"ports": 1},
        {"daemons": [{"service": "s", "process": None}]},
        {"daemons": [{"process": {"pid": 1, "started": 1.0}}]},
    ],
    ids=str,
)
def test_a_record_with_one_wrong_thing_is_none(change: dict[str, Any]) -> None:
    assert loads(json.dumps(USUAL)) is not None
    assert loads(json.dumps({**USUAL, **change})) is None


def test_a_record_of_an_older_devsup_knows_no_daemons() -> None:
    older = {key: value for key, value in USUAL.items() if key != "daemons"}
    assert loads(json.dumps(older)) == loads(json.dumps(USUAL))


@pytest.mark.parametrize("key", sorted(USUAL.keys() - {"daemons"}))
def test_a_record_that_lacks_something_is_none(key: str) -> None:
    assert (
        loads(json.dumps({other: value for other, value in USUAL.items() if other != key})) is None
    )


@pytest.mark.parametrize("text", ["", "{", "\0", "[" * 100_000])
def test_what_is_no_json_is_none(text: str) -> None:
    assert loads(text) is None
