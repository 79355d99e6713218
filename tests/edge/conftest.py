"""Fixtures for tests of real processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stage import Stage, staged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Real services in the test's hands; whatever they do, none outlives the test."""
    with staged(tmp_path) as stage:
        yield stage
