"""The supervisor's end: many services, nothing leaked, and every way to be let down."""

from __future__ import annotations

import ctypes
import errno
import os
import shlex
import signal
import subprocess
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import pytest
from stage import (
    SECONDS,
    Stage,
    adopting,
    children,
    descriptors,
    is_readable,
    python,
    staged,
)
from users import NOBODY

from devsup.edges.group import Exited, Failed, Gone, Started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PTRACE_DETACH = 17
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207


@pytest.fixture
def decoy() -> Iterator[subprocess.Popen[bytes]]:
    """A process that devsup did not start, and a child of its process all the same."""
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


def hold_still(pid: int) -> None:
    """Stop a process as a debugger does: SIGCONT does not help, and SIGKILL does."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    assert ptrace(PTRACE_SEIZE, pid, None, None) == 0, os.strerror(ctypes.get_errno())
    assert ptrace(PTRACE_INTERRUPT, pid, None, None) == 0
    os.waitpid(pid, 0)


def let_run(pid: int) -> None:
    assert ctypes.CDLL(None).ptrace(PTRACE_DETACH, pid, None, None) == 0


# ---- in numbers


def test_fifty_services_at_once_start_and_end(stage: Stage) -> None:
    services = [stage.start("echo ready; exec sleep 300") for _ in range(50)]
    for service in services:
        service.wait_for_output(b"ready\n")
    assert len({service.leader for service in services}) == 50
    for service in services:
        service.group.kill()
    for service in services:
        service.wait_for(Gone)
        assert service.happened == [Started(service.leader), Exited(-signal.SIGKILL), Gone()]


def test_a_hundred_lives_leave_no_descriptor_and_no_zombie(stage: Stage) -> None:
    witness = stage.echo()
    processes = ("self", stage.zygote.pid, witness.group.guardian)
    before = [descriptors(pid) for pid in processes]
    for number in range(100):
        service = stage.start("exec sleep 300" if number % 2 else "true")
        service.wait_for(Started)
        service.group.kill()
        service.wait_for(Gone)
        service.close()
    assert [descriptors(pid) for pid in processes] == before
    assert children(stage.zygote.pid) == {witness.group.guardian}
    assert children(witness.group.guardian) == {witness.leader}


def test_a_guardian_is_known_before_its_leader_does_anything(stage: Stage) -> None:
    """Also while its words lie unheard: a census then must not take the leader for a stray."""
    service = stage.start("echo > $READY; exec sleep 300")
    assert is_readable(service.life.descriptor, SECONDS)
    assert service.happened == []
    assert {service.group.guardian} == children(stage.zygote.pid)
    service.group.kill()
    service.wait_for(Gone)
    assert service.happened == [Started(service.leader), Exited(-signal.SIGKILL), Gone()]


def test_the_number_of_a_guardian_that_is_gone_is_forgotten(stage: Stage) -> None:
    service = stage.start("true")
    service.wait_for(Gone)
    assert service.group.guardian == 0


def test_the_last_words_of_a_guardian_are_heard_before_it_is_gone(stage: Stage) -> None:
    """Also when the zygote's word is read first, which comes through another socket."""
    service = stage.start("exit 3")
    while not service.gone:
        assert is_readable(stage.zygote.control.fileno(), SECONDS)
        stage.zygote._read()
    assert service.happened == [Started(service.leader), Exited(3), Gone()]


# ---- what cannot be started


def test_text_that_has_no_bytes_is_an_error_that_does_not_show_it(stage: Stage) -> None:
    environment = {"KEY": "secret\ud800"}
    with pytest.raises(OSError, match="character") as caught:
        stage.start("true", env=environment)
    assert caught.value.errno == errno.EILSEQ
    assert "ud800" not in "".join(traceback.format_exception(caught.value))


def test_a_dead_zygote_is_an_error_of_the_next_spawn(stage: Stage) -> None:
    os.kill(stage.zygote.pid, signal.SIGKILL)
    stage.until(lambda: stage.losses == 1)
    with pytest.raises(BrokenPipeError):
        stage.start("true")


def test_a_spawn_that_fails_leaks_no_descriptor(stage: Stage) -> None:
    before = descriptors()
    with pytest.raises(OSError, match="character"):
        stage.start("true", env={"KEY": "\ud800"})
    stage.services.pop().close()
    assert descriptors() == before


def test_a_zygote_that_cannot_fork_refuses_a_service_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = tmp_path / "python"
    bound.write_text(f'#!/bin/sh\nexec {python("bound.py")} {shlex.quote(sys.executable)} "$@"\n')
    bound.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(bound))
    with staged(tmp_path) as stage:
        before = descriptors()
        for _ in range(2):
            service = stage.start("true")
            service.wait_for(Gone)
            assert service.happened == [Failed(errno.EAGAIN), Gone()]
            service.close()
        assert descriptors() == before
        assert stage.losses == 0


# ---- the zygote is lost


def test_a_killed_zygote_is_told_once_and_nothing_survives_the_end(stage: Stage) -> None:
    services = [stage.hostile(kind) for kind in ("daemon", "stubborn", "escapes", "stopped")]
    os.kill(stage.zygote.pid, signal.SIGKILL)
    stage.until(lambda: stage.losses > 0)
    assert stage.zygote.end_everything(SECONDS)
    assert not any(service.alive for service in services)
    assert stage.losses == 1


def test_a_launch_that_a_dying_zygote_never_read_starts_nothing(stage: Stage) -> None:
    os.kill(stage.zygote.pid, signal.SIGSTOP)
    service = stage.start(f"exec {python('hostile.py', 'sleep', '$READY')}")
    os.kill(stage.zygote.pid, signal.SIGKILL)
    stage.until(lambda: stage.losses == 1)
    assert stage.zygote.end_everything(SECONDS)
    assert (service.happened, service.life.heard) == ([], b"")


def test_the_end_of_everything_spares_what_devsup_did_not_start(
    decoy: subprocess.Popen[bytes], stage: Stage
) -> None:
    service = stage.hostile("stubborn")
    os.kill(stage.zygote.pid, signal.SIGKILL)
    stage.until(lambda: stage.losses == 1)
    assert stage.zygote.end_everything(SECONDS)
    assert not service.alive
    assert decoy.poll() is None


def test_a_dead_child_keeps_its_pid_even_when_devsup_was_started_with_sigchld_ignored(
    tmp_path: Path,
) -> None:
    handler = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with staged(tmp_path) as stage:
            death = os.pidfd_open(stage.zygote.pid)
            os.kill(stage.zygote.pid, signal.SIGKILL)
            assert is_readable(death, SECONDS)
            os.close(death)
            assert stage.zygote.pid in children()
    finally:
        signal.signal(signal.SIGCHLD, handler)


# ---- closing


def test_closing_ends_services_that_still_run(stage: Stage) -> None:
    services = [stage.hostile(kind) for kind in ("daemon", "stubborn", "escapes", "stopped")]
    assert stage.zygote.close(SECONDS)
    assert not any(service.alive for service in services)
    assert stage.losses == 0


def test_closing_ends_a_service_whose_guardian_was_stopped(stage: Stage) -> None:
    service = stage.hostile("stubborn")
    os.kill(service.group.guardian, signal.SIGSTOP)
    assert stage.zygote.close(SECONDS)
    assert not service.alive


def test_closing_does_not_wait_for_ever(stage: Stage) -> None:
    hold_still(stage.zygote.pid)
    watchdog = threading.Timer(SECONDS, os.kill, (stage.zygote.pid, signal.SIGKILL))
    watchdog.start()
    assert not stage.zygote.close(0.1)
    watchdog.cancel()
    let_run(stage.zygote.pid)
    stage.zygote.process.wait()


# ---- what cannot be killed

IMMORTAL = f"""
import os, select, signal
from devsup.edges import guardian

def child(act):
    pid = os.fork()
    if not pid:
        act()
        os._exit(0)
    return pid

def parent():
    child(lambda: (os.write(writer, b"."), signal.pause()))
    signal.pause()

guardian.become_subreaper()
immortal = child(lambda: (os.close(1), signal.pause()))
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
reader, writer = os.pipe()
child(parent)
os.close(writer)
os.read(reader, 1)
ended = guardian.end_children(0.5)
print(immortal, ended, bool(select.select([reader], [], [], 0)[0]))
"""


@pytest.mark.root
def test_a_child_that_cannot_be_killed_does_not_hide_what_others_leave_behind() -> None:
    """Its orphan holds a pipe; the immortal one is older, and of another user."""
    with adopting():
        ran = subprocess.run(
            [sys.executable, "-c", IMMORTAL], stdout=subprocess.PIPE, check=True, timeout=SECONDS
        )
        immortal, ended, orphan_died = ran.stdout.decode().split()
        os.kill(int(immortal), signal.SIGKILL)
        os.waitpid(int(immortal), 0)
    assert (ended, orphan_died) == ("False", "True")
