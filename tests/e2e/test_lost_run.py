"""A run stays known, and the only one, whatever becomes of its directory and its project."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from stack import PAUSE

from devsup.edges.rundir import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack import Stack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets")

NONE_RUNS, TERMINATED = 3, 143


def lose_directory(stack: Stack) -> None:
    shutil.rmtree(RunDirectory.of(stack.root).path)


def move_project(stack: Stack) -> None:
    moved = stack.root.with_name("moved")
    stack.root.rename(moved)
    stack.root = moved


@pytest.fixture(params=[lose_directory, move_project])
def lost(stack: Stack, request: pytest.FixtureRequest) -> Stack:
    """A run that cannot be found by its directory."""
    stack.write("Procfile", f"web: {PAUSE}\n")
    stack.up().wait_for_generation(1)
    lose: Callable[[Stack], None] = request.param
    lose(stack)
    return stack


def test_a_second_run_is_refused(lost: Stack) -> None:
    second = lost.run("up")
    assert second.returncode == NONE_RUNS
    assert f"this Procfile is already running (pid {lost.devsup.pid})" in second.stderr
    detached = lost.run("up", "-d")
    assert (detached.returncode, detached.stderr.count("already running")) == (NONE_RUNS, 1)


def test_it_answers_and_can_be_ended(lost: Stack) -> None:
    assert "generation 1, 1 service, 1 process" in lost.run("status").stdout
    assert lost.run("down").returncode == 0
    assert lost.wait_for_exit() == 0
    assert lost.run("status").returncode == NONE_RUNS


def test_kill_removes_it(lost: Stack) -> None:
    killed = lost.run("kill")
    assert (killed.returncode, killed.stdout.splitlines()[0]) == (0, "removed 4 processes:")
    assert lost.wait_for_exit() == TERMINATED
