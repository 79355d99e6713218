"""Several projects at a time, one in a folder of another: none touches, or judges, another's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from stack import DEVSUP, PAUSE, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs subreapers")

CLEARS = "exec env -i sh -c 'echo up; read _ <> ../pause'"
"""A program whose environment says nothing of who started it."""


@pytest.fixture
def inner(stack: Stack) -> Iterator[Stack]:
    """A project below, which runs for longer than the one around it."""
    inner = Stack(stack.root / "inner")
    inner.write("Procfile", f"db: {PAUSE}\nweb: {PAUSE}\nbare: {CLEARS}\n")
    inner.write("devsup.toml", "[services.db]\nenv-restart = false\n")
    inner.up().wait_for_generation(1)
    try:
        yield inner
        inner.interrupt()
    finally:
        inner.end()


@pytest.mark.parametrize("command", [["kill", "--dry-run"], ["kill"]], ids=" ".join)
def test_kill_leaves_a_run_alone_that_is_at_work_in_a_folder_below(
    stack: Stack, inner: Stack, command: list[str]
) -> None:
    stack.write("Procfile", f"web: {PAUSE}\n")
    stack.up().wait_for_generation(1)
    inner.write(".env", "KEY=value\n")  # so that there are guardians younger than the outer run
    inner.wait_for_generation(2)
    done = stack.run(*command)
    assert done.returncode == 0
    assert "daemon" not in done.stdout
    assert "3 services, 3 processes, all on the current settings" in inner.run("status").stdout


def test_a_service_may_be_a_devsup_of_its_own(stack: Stack) -> None:
    stack.write("inner/Procfile", "web: read _ <> ../pause\n")
    stack.write("Procfile", f"inner: cd inner && exec {' '.join(DEVSUP)} up\n")
    stack.write("devsup.toml", "[services.inner]\nready = { log = 'verified' }\n")
    stack.up().wait_for_generation(1)
    stack.write(".env", "KEY=value\n")
    stack.wait_for_generation(2)
    assert "generation 2, 1 service, 4 processes, all on the current" in stack.run("status").stdout
    assert stack.run("env", "--live").returncode == 0
