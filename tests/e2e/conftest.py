"""Fixtures that run devsup as a user does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stack import Stack
from stage import adopting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """An empty project to run devsup in; a test that leaves a process behind fails."""
    stack = Stack(tmp_path / "project")
    with adopting():
        yield stack
        stack.interrupt() if stack.process and stack.process.poll() is None else None
        stack.end()
