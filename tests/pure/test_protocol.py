"""What goes over the control socket: everything that is sent arrives, and nothing else gets in."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devsup.pure.errors import USAGE, DevsupError
from devsup.pure.protocol import (
    LONGEST_SIDE,
    Command,
    Frame,
    Kind,
    Reply,
    Request,
    dump,
    load_frame,
    load_reply,
    load_request,
)
from devsup.pure.snapshot import (
    ProblemStatus,
    ProcessStatus,
    ServiceStatus,
    Status,
    as_data,
    load_status,
)

texts = st.text()
numbers = st.integers(min_value=0)
sides = st.integers(0, LONGEST_SIDE)
requests = st.builds(
    Request,
    st.sampled_from(Command),
    st.lists(texts).map(tuple),
    wait=st.booleans(),
    follow=st.booleans(),
    lines=numbers,
    columns=sides,
    rows=sides,
)
replies = st.builds(Reply, st.sampled_from(Kind), texts, texts, st.integers())
processes = st.builds(
    ProcessStatus,
    numbers,
    st.none() | numbers,
    st.booleans(),
    st.lists(numbers).map(tuple),
    numbers,
    st.floats(0, 6400),
    texts,
)
services = st.builds(
    ServiceStatus,
    name=texts,
    uptime_s=st.none() | st.floats(0, 1e6),
    keys=st.lists(texts).map(tuple),
    processes=st.lists(processes, max_size=2).map(tuple),
)
statuses = st.builds(
    Status,
    env_files=st.lists(texts, max_size=2).map(tuple),
    problems=st.lists(st.builds(ProblemStatus), max_size=2).map(tuple),
    services=st.lists(services, max_size=2).map(tuple),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=5,
)


@given(requests)
def test_a_request_arrives_as_it_was_sent_in_one_line(request: Request) -> None:
    line = dump(request)
    assert line.index(b"\n") == len(line) - 1
    assert load_request(line) == request


@given(st.binary(), sides, sides)
def test_keys_arrive_byte_for_byte_with_the_window(typed: bytes, columns: int, rows: int) -> None:
    frame = Frame(typed.decode("latin-1"), columns, rows)
    line = dump(frame)
    assert line.index(b"\n") == len(line) - 1
    assert load_frame(line) == frame
    assert load_frame(line).keys.encode("latin-1") == typed


@given(replies)
def test_a_reply_arrives_as_it_was_sent_in_one_line(reply: Reply) -> None:
    line = dump(reply)
    assert line.index(b"\n") == len(line) - 1
    assert load_reply(line) == reply


@given(statuses)
def test_a_status_arrives_as_it_was_sent(status: Status) -> None:
    reply = load_reply(dump(Reply(Kind.STATUS, status=as_data(status))))
    assert load_status(reply.status) == status


@given(st.binary())
@example(b"[" * 30_000)
@example(b"9" * 5_000)
@example(b'{"command": ["status"]}')
@example(b"null")
def test_garbage_is_refused_and_never_more_than_that(line: bytes) -> None:
    with pytest.raises(DevsupError) as refused:
        load_request(line)
    assert refused.value.exit_code == USAGE


@given(st.binary())
@example(b"[" * 30_000)
@example(b"9" * 5_000)
@example(b"null")
def test_garbage_between_frames_is_refused_and_never_more_than_that(line: bytes) -> None:
    with pytest.raises(DevsupError) as refused:
        load_frame(line)
    assert refused.value.exit_code == USAGE


@pytest.mark.parametrize(
    "line",
    [b'{"keys": 1}', b'{"keys": "\\u20ac"}', b'{"columns": 65536}', b'{"rows": -1}', b'["keys"]'],
)
def test_a_frame_that_nobody_can_type_is_refused(line: bytes) -> None:
    with pytest.raises(DevsupError):
        load_frame(line)


keys = st.sampled_from(["command", "services", "wait", "follow", "lines", "more"])
commands = st.sampled_from([each.value for each in Command])


@given(st.dictionaries(keys, values), commands | values)
def test_a_request_with_any_values_is_understood_in_part_or_refused(
    data: dict[str, Any], command: object
) -> None:
    try:
        request = load_request(json.dumps({**data, "command": command}).encode())
    except DevsupError:
        return
    assert all(isinstance(name, str) for name in request.services)
    assert type(request.lines) is int
    assert request.lines >= 0
    assert {type(request.wait), type(request.follow)} == {bool}


@pytest.mark.parametrize(
    "line",
    [b"", b"hello", b"[]", b'{"kind": "more"}', b'{"text": "x"}', b'{"kind": "say", "new": 1}'],
)
def test_a_reply_of_another_version_says_so(line: bytes) -> None:
    with pytest.raises(DevsupError, match="another version"):
        load_reply(line)


@given(st.dictionaries(st.sampled_from([*Status.__slots__, "more"]), values))
def test_a_status_of_another_version_says_so(data: dict[str, Any]) -> None:
    with pytest.raises(DevsupError, match="another version"):
        load_status({**data, "services": data.get("services", [{}])})


@given(st.text(string.printable))
def test_what_a_peer_has_sent_is_not_repeated(text: str) -> None:
    """It may be anything, and the refusal is shown in somebody's terminal."""
    with pytest.raises(DevsupError) as refused:
        load_request(json.dumps({"command": f"secret-{text}"}).encode())
    assert "secret" not in f"{refused.value}{refused.value.hint}"
