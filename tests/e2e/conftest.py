"""Fixtures that run devsup as a user does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ports import reserved_ports
from stack import Stack
from stage import adopting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """An empty project to run devsup in; a test that leaves a process behind fails."""
    with adopting():
        yield from running(tmp_path)


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[Stack]:
    """The same for tests that kill devsup: those who cannot bury their children any more."""
    with adopting(burying=True):
        yield from running(tmp_path)


def running(folder: Path) -> Iterator[Stack]:
    stack = Stack(folder / "project")
    try:
        yield stack
        stack.interrupt() if stack.process and stack.process.poll() is None else None
    finally:
        stack.end()


@pytest.fixture
def port() -> Iterator[int]:
    """A free TCP port that no other test gets meanwhile."""
    with reserved_ports(1) as [port]:
        yield port
