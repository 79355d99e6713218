"""Fixtures for all tests; the modules beside this file can be imported by them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import hypothesis
import pytest
from children import Nursery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A machine under load is slow; what is too slow is a matter for bench/, not for these tests.
hypothesis.settings.register_profile("devsup", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("devsup")

ROOT = "root: needs to become another user, which only root can; elsewhere it is deselected"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", ROOT)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.geteuid() == 0:
        return
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("root")])
    items[:] = [item for item in items if not item.get_closest_marker("root")]


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    """Starts hostile children; whatever they do, none outlives the test."""
    nursery = Nursery(tmp_path)
    yield nursery
    nursery.end()
