"""A claim to a project: nobody takes it twice, a stranger's counts for nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest
from users import as_nobody

from devsup.edges import claim, client
from devsup.pure.protocol import Command, Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


def listen(squatting: socket.socket) -> str:
    squatting.listen()
    return "listens"


@pytest.fixture
def name(tmp_path: Path) -> str:
    """The name of a project's claim."""
    found = claim.address(tmp_path)
    assert found
    return found


@pytest.fixture
def strange(name: str) -> Iterator[socket.socket]:
    """A socket with that name, on which nobody listens yet."""
    with socket.socket(socket.AF_UNIX) as squatting:
        squatting.bind(name)
        yield squatting


def test_a_project_is_claimed_once_whatever_path_leads_to_it(tmp_path: Path) -> None:
    (project := tmp_path / "project").mkdir()
    held = claim.take(project)
    assert held
    moved = project.rename(tmp_path / "moved")
    with pytest.raises(claim.HeldError):
        claim.take(moved)
    assert claim.holder(moved) == os.getpid()
    held.close()
    assert claim.holder(moved) is None
    again = claim.take(moved)
    assert again
    again.close()


def test_a_project_that_is_gone_has_no_claim(tmp_path: Path) -> None:
    assert claim.take(tmp_path / "gone") is None
    assert claim.holder(tmp_path / "gone") is None


@pytest.mark.root
def test_a_stranger_who_took_the_name_is_nobody_and_is_asked_nothing(
    tmp_path: Path, name: str, strange: socket.socket
) -> None:
    assert as_nobody(partial(listen, strange)) == "listens"
    assert claim.take(tmp_path) is None
    assert claim.holder(tmp_path) is None
    with pytest.raises(client.NotRunningError):
        [*client.ask([name], Request(Command.STATUS))]


@pytest.mark.usefixtures("strange")
def test_a_name_behind_which_nobody_listens_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "PATIENCE", 0.0)
    assert claim.take(tmp_path) is None
    assert claim.holder(tmp_path) is None


def test_one_that_takes_no_connections_any_more_is_not_waited_for(
    tmp_path: Path, name: str, strange: socket.socket
) -> None:
    strange.listen(0)
    with contextlib.ExitStack() as crowd:
        with contextlib.suppress(BlockingIOError):
            while True:
                connection = crowd.enter_context(socket.socket(socket.AF_UNIX))
                connection.settimeout(0)
                connection.connect(name)
        assert claim.take(tmp_path) is None
        assert claim.holder(tmp_path) is None
        with pytest.raises(client.NotRunningError):
            [*client.ask([name], Request(Command.STATUS))]
