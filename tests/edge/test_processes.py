"""What the two ways of looking at processes, /proc and psutil, say of real ones."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from children import HOSTILE, READY, SECONDS, Child, Nursery
from users import as_nobody

from devsup.edges import pidfd, portable, processes, procfs
from devsup.pure.sighting import Identity, Marks, Row

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

both = pytest.mark.parametrize("kernel", [procfs, portable])
either = pytest.mark.parametrize("holding", [pidfd, portable])
GONE = 2**22 + 1
"""Above the largest pid that Linux gives."""


def no_longer_there(nursery: Nursery) -> Child:
    child = nursery.start("sleep")
    child.end()
    return child


# ---- looking


@both
def test_a_row_has_parent_session_and_state(nursery: Nursery, kernel: ModuleType) -> None:
    child = nursery.start("sleep")
    row = kernel.row(child.pid)
    assert (row.pid, row.ppid, row.session) == (child.pid, child.cage.pid, child.leader)
    assert row.alive
    assert not row.terminal
    assert child.pid in kernel.pids()


def test_who_loses_its_parent_during_a_look_is_looked_at_again(
    nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"env -i {sys.executable} {HOSTILE} sleep $0 & wait"
    child = nursery.cage("sh", "-c", line, READY)
    marks_above = processes._marks_above

    def lose_its_parent(found: Row) -> Marks:
        os.kill(child.leader, signal.SIGKILL)
        while (row := processes.row(child.pid)) and row.ppid == child.leader:
            os.sched_yield()
        monkeypatch.undo()
        return marks_above(found)

    monkeypatch.setattr(processes, "_marks_above", lose_its_parent)
    seen = processes.sight(child.pid)
    assert seen
    assert seen.row.ppid == child.cage.pid
    assert seen.parent == processes.row(child.cage.pid)


def test_a_terminal_shows() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.write(1, b"here")
        signal.pause()
    os.read(terminal, 4)
    row = procfs.row(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal)
    assert row
    assert row.terminal


@both
def test_a_zombie_has_a_row_and_is_not_alive(kernel: ModuleType) -> None:
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    row = kernel.row(pid)
    identity = processes.identity(pid)
    os.waitpid(pid, 0)
    assert not row.alive
    assert identity is None


@both
def test_of_a_process_that_is_gone_nothing_is_said(nursery: Nursery, kernel: ModuleType) -> None:
    pid = no_longer_there(nursery).pid
    assert kernel.row(pid) is None
    assert kernel.environ(pid) is None
    assert kernel.command(pid) == ()
    assert kernel.directory(pid) is None
    assert kernel.uid(pid) is None
    assert kernel.listening([pid]) == {pid: ()}


@both
def test_directory_command_user_and_environment_show(
    nursery: Nursery, kernel: ModuleType, tmp_path: Path
) -> None:
    child = nursery.start("sleep", env={"KEY": "välue"})
    assert kernel.directory(child.pid) == str(tmp_path)
    assert kernel.command(child.pid)[0] == sys.executable
    assert kernel.uid(child.pid) == os.geteuid()
    assert "KEY=välue\0".encode() in kernel.environ(child.pid)


@both
def test_ports_show(nursery: Nursery, kernel: ModuleType) -> None:
    child = nursery.start("listen")
    assert kernel.listening([child.pid]) == {child.pid: (child.port,)}
    assert kernel.is_taken(child.port)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert not kernel.is_taken(free.getsockname()[1])


@both
def test_a_boot_has_a_name_that_stays(kernel: ModuleType) -> None:
    assert kernel.boot() == kernel.boot() != ""


def test_a_deleted_directory_keeps_its_name(nursery: Nursery, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    child = nursery.start("sleep", cwd=folder)
    folder.rmdir()
    assert procfs.directory(child.pid) == str(folder)


def test_a_name_cannot_forge_a_row(tmp_path: Path) -> None:
    forger = tmp_path / ") Z 1 1 1 ("
    forger.symlink_to("/bin/sleep")
    with subprocess.Popen([forger, str(SECONDS)]) as process:
        row = procfs.row(process.pid)
        process.kill()
    assert row
    assert (row.alive, row.ppid) == (True, os.getpid())


def test_kernel_threads_are_no_processes() -> None:
    """Pid 2 is the parent of them all; in a container it is somebody with a command line."""
    assert procfs.row(2) is None or procfs.command(2)


def test_a_start_is_counted_from_boot_and_is_the_same_each_time(nursery: Nursery) -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    child = nursery.start("sleep")
    after = time.clock_gettime(time.CLOCK_BOOTTIME)
    first, second = processes.identity(child.pid), processes.identity(child.pid)
    assert first == second
    assert first
    assert before - 0.02 < first.started < after


def test_our_lineage_goes_up_from_us_to_init() -> None:
    assert {os.getpid(), os.getppid()} <= processes.lineage()
    assert processes.own().pid == os.getpid()


# ---- holding


def test_a_recycled_pid_cannot_be_held(nursery: Nursery) -> None:
    child = nursery.start("sleep")
    identity = processes.identity(child.pid)
    assert identity
    assert processes.hold(Identity(child.pid, identity.started - 1)) is None
    grip = processes.hold(identity)
    assert grip
    grip.close()
    child.end()
    assert processes.hold(identity) is None


@either
def test_a_signal_reaches_who_is_held_and_the_wait_ends_with_it(
    nursery: Nursery, holding: ModuleType
) -> None:
    child, other = nursery.start("sleep"), nursery.start("sleep")
    grips = [holding.grip(child.pid), holding.grip(other.pid)]
    assert holding.wait(grips[:1], 0.0) == ()
    assert grips[0].send(signal.SIGKILL)
    child.wait_until_gone()
    assert holding.wait(grips[:1], SECONDS) == (grips[0],)
    child.end()
    assert not grips[0].send(signal.SIGKILL)
    assert other.is_alive()
    for grip in grips:
        grip.close()


@either
def test_nobody_can_be_held_who_is_not_there(holding: ModuleType) -> None:
    assert holding.grip(GONE) is None


@either
@pytest.mark.root
def test_a_signal_to_another_user_is_refused(nursery: Nursery, holding: ModuleType) -> None:
    child = nursery.start("sleep")

    def send() -> str:
        grip = holding.grip(child.pid)
        grip.send(signal.SIGKILL)
        return "sent"

    assert as_nobody(send).startswith("PermissionError")
    assert child.is_alive()


def test_who_cleared_its_environment_keeps_the_marks_of_its_ancestors(nursery: Nursery) -> None:
    marks = ("DEVSUP_RUN=12345678-00000001", "DEVSUP_SERVICE=web.1")
    script = 'env -i "$1" "$2" sleep "$0"; :'  # and something to do, so that the shell stays
    child = nursery.cage("env", *marks, "sh", "-c", script, READY, sys.executable, str(HOSTILE))
    seen = processes.sight(child.pid)
    assert seen
    assert seen.cleared
    assert (seen.marks.run, seen.marks.service) == ("12345678-00000001", "web.1")
