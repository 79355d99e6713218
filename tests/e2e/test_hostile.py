"""Services that are hard to end: none survives what is meant to end it, nor devsup's own death."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from family import Family
from stack import DEVSUP, HERE, PAUSE, SECONDS, hostile
from stage import is_readable
from supervised import Words

from devsup.edges import processes
from devsup.edges.rundir import RunDirectory
from devsup.pure.record import Record, Session
from devsup.pure.sighting import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from stack import Stack

    Lives = dict[str, Words]

READY = "$DEVSUP_SERVICE-$DEVSUP_GENERATION"
BEHIND = " & exec sleep 600"
"""Under a leader that lives, and dies of TERM."""
SERVICES = {
    "daemon": hostile("daemon", READY, "--clear", "--stay"),
    "marked": hostile("daemon", READY, "--stay"),
    "forks": hostile("forks", READY) + BEHIND,
    "escapes": hostile("escapes", READY) + BEHIND,
    "stubborn": hostile("stubborn", READY),
    "stopped": hostile("stopped", READY),
    "holder": hostile("stubborn", READY) + BEHIND,
    "zombies": hostile("zombies", READY),
    "headless": hostile("headless", READY),
    "blank": hostile("blank", READY),
    "pty-daemon": hostile("daemon", READY, "--stay"),
    "pty-escapes": hostile("escapes", READY) + BEHIND,
    "pty-stubborn": hostile("stubborn", READY),
    # Groups of their own in the session, one of which the terminal stops when it reads (SIGTTIN).
    "pty-jobs": f"set -m; cat & {hostile('stubborn', READY)} & wait",
}


def prepare(stack: Stack) -> Lives:
    """A project of hostile services; what each keeps open while any process of it lives."""
    stack.write("Procfile", "".join(f"{name}: {line}\n" for name, line in SERVICES.items()))
    stack.write(".env", "VALUE=one\n")
    terminals = [name for name in SERVICES if name.startswith("pty-")]
    stack.write("devsup.toml", "".join(f"[services.{name}]\npty = true\n" for name in terminals))
    return fifos(stack, 1)


def fifos(stack: Stack, generation: int) -> Lives:
    return {name: stack.fifo(f"{name}.1-{generation}") for name in SERVICES}


def hear(lives: Lives) -> None:
    """Until each is as bad as it gets."""
    for life in lives.values():
        life.listen()


def launch(stack: Stack, *options: str) -> Lives:
    lives = prepare(stack)
    stack.up("-t", "0.3", *options)
    hear(lives)
    return lives


def check_dead(lives: Lives) -> None:
    for life in lives.values():
        life.wait_for_end()


def check_alive(lives: Lives) -> None:
    assert not any(is_readable(life.descriptor) for life in lives.values())


# ---- ways to end them


def test_none_survives_an_edit(stack: Stack) -> None:
    old, new = launch(stack), fifos(stack, 2)
    stack.wait_for_generation(1)
    stack.replace(".env", "VALUE=two\n")
    check_dead(old)
    stack.wait_for_generation(2)
    hear(new)
    check_alive(new)
    assert stack.interrupt() == 130
    check_dead(new)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_none_survives_a_signal_to_devsup(stack: Stack, number: int) -> None:
    lives = launch(stack)
    assert stack.interrupt(number) == 128 + number
    check_dead(lives)


def test_none_survives_two_interrupts(stack: Stack) -> None:
    lives = launch(stack, "-t", "600")
    stack.signal(signal.SIGINT)
    stack.wait_for("stopping")
    assert stack.interrupt() == 130
    check_dead(lives)


def test_none_survives_devsup_kill(stack: Stack) -> None:
    lives = launch(stack)
    planned = stack.run("kill", "--dry-run")
    check_alive(lives)
    assert planned.returncode == 0
    for pid in (stack.devsup.pid, *stack.leaders.values()):
        assert f" {pid} " in planned.stdout
    assert stack.run("kill").returncode == 0
    check_dead(lives)
    assert stack.wait_for_exit() == 143
    assert stack.run("kill").stdout == "nothing is left of this project\n"


# ---- death of devsup's own processes


def test_none_survives_the_supervisor(doomed: Stack) -> None:
    lives = launch(doomed)
    family = doomed.family
    with watched(family.zygote, *family.guardians):
        doomed.devsup.kill()
        check_dead(lives)


def test_none_survives_the_zygote(doomed: Stack) -> None:
    lives = launch(doomed)
    family = doomed.family
    with watched(*family.guardians):
        os.kill(family.zygote, signal.SIGKILL)
        check_dead(lives)
    assert doomed.wait_for_exit() == 1


def test_none_survives_the_zygote_with_all_guardians(doomed: Stack) -> None:
    lives = launch(doomed)
    # The zygote last: of its death the supervisor hears, and would kill the others first.
    kill_at_once(*doomed.family.guardians, doomed.family.zygote)
    check_dead(lives)
    assert doomed.wait_for_exit() == 1


def test_a_guardian_takes_its_service_with_it_and_no_other(stack: Stack) -> None:
    lives = launch(stack)
    guardians = {name: stack.guardian(f"{name}.1") for name in SERVICES}
    assert set(guardians.values()) == stack.family.guardians
    for name, guardian in guardians.items():
        os.kill(guardian, signal.SIGKILL)
        lives.pop(name).wait_for_end()
        stack.wait_for(rf"devsup +\| {name}\.1 ")
        check_alive(lives)
    assert stack.interrupt() == 130


@contextlib.contextmanager
def watched(*pids: int) -> Iterator[None]:
    """These die meanwhile."""
    pidfds = [os.pidfd_open(pid) for pid in pids]
    yield
    for pidfd in pidfds:
        assert is_readable(pidfd, SECONDS)
        os.close(pidfd)


def kill_at_once(*pids: int) -> None:
    """Without a chance for one to see another die."""
    with watched(*pids):
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                os.kill(pid, number)


# ---- death of all of devsup at once


@contextlib.contextmanager
def caged(stack: Stack) -> Iterator[Words]:
    """What a run says that is all killed in the end, without a chance for one to see it.

    In a cage: the orphans of a devsup that was started in a terminal go to a process without one.
    """
    with subprocess.Popen(
        [sys.executable, HERE / "cage.py", *DEVSUP, "up", "-t", "0.3"],
        cwd=stack.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as cage:
        assert cage.stdout
        words = Words(cage.stdout.fileno())
        yield words


def kill_all(words: Words) -> None:
    family = Family(int(words.wait_for("")))
    kill_at_once(family.supervisor, family.zygote, *family.guardians)


@contextlib.contextmanager
def left_behind(stack: Stack) -> Iterator[Lives]:
    """What lives on when all of devsup has been killed."""
    lives = prepare(stack)
    with caged(stack) as words:
        hear(lives)
        kill_all(words)
        check_alive(lives)
        yield lives


def test_what_outlived_all_of_devsup_is_removed_by_kill(stack: Stack) -> None:
    with left_behind(stack) as lives:
        planned = stack.run("kill", "--dry-run")
        check_alive(lives)
        for name, pid in stack.leaders.items():
            # The terminals of the others hung up with devsup, and most leaders die of that.
            assert f" {pid} " in planned.stdout or name.startswith("pty-")
        assert stack.run("kill").returncode == 0
        check_dead(lives)
        assert stack.run("kill").stdout == "nothing is left of this project\n"


def test_what_outlived_all_of_devsup_is_removed_by_the_next_up(stack: Stack) -> None:
    with left_behind(stack) as lives:
        stack.write("Procfile", "web: echo there; exec sleep 600\n")
        stack.write("devsup.toml", "")
        stack.up().wait_for("removed what a former run had left")
        check_dead(lives)
        stack.wait_for("there")
        assert stack.interrupt() == 130


@pytest.mark.parametrize("command", ["kill", "up"])
def test_a_daemon_without_any_trace_is_known_from_the_last_census(
    stack: Stack, command: str
) -> None:
    """It works elsewhere, in a session of its own, and has no environment to be read."""
    life, let_go = stack.fifo("ready"), stack.gate()
    daemon = hostile("daemon", stack.root / "ready", "--stay", "--then", "blank")
    stack.write("Procfile", f"db: cd / && exec {daemon}\nweb: read _ < gate; echo set; {PAUSE}\n")
    stack.write("devsup.toml", "[services.web]\nready = { log = 'set' }\n")
    with caged(stack) as words:
        life.listen()
        let_go()
        while "verified" not in words.heard:
            assert words.listen()
        kill_all(words)
        assert not is_readable(life.descriptor)
        if command == "kill":
            assert "db.1" in stack.run("kill").stdout
        else:
            stack.up().wait_for("removed what a former run had left")
            assert stack.interrupt() == 130
        life.wait_for_end()


def test_the_next_up_finds_a_marked_process_when_the_record_is_lost(stack: Stack) -> None:
    stack.write("Procfile", "web: echo there; exec sleep 600\n")
    run = RunDirectory.of(stack.root).new_run()
    life = stack.fifo("left")
    with started(stack.root, life, "left", {"DEVSUP_RUN": run}):
        stack.up().wait_for("removed what a former run had left: 1 alive")
        life.wait_for_end()
        stack.wait_for("there")


# ---- who is spared


@contextlib.contextmanager
def started(
    folder: Path, life: Words, name: str = "web.1-1", env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A harmless program that somebody started by hand."""
    command = hostile("sleep", name).split()
    with subprocess.Popen(command, cwd=folder, env={**os.environ, **(env or {})}) as process:
        try:
            life.listen()
            yield process
        finally:
            process.kill()


def test_the_same_program_in_another_directory_survives_kill(stack: Stack) -> None:
    stack.write("Procfile", f"web: {hostile('sleep', 'web.1-1')}\n")
    ours, theirs, marked = map(stack.fifo, ("web.1-1", "other/web.1-1", "marked/web.1-1"))
    stack.up()
    ours.listen()
    elsewhere = stack.root.with_name("elsewhere")
    (stack.root / "other").rename(elsewhere)
    with (
        started(elsewhere, theirs) as decoy,
        started(stack.root / "marked", marked, env={"DEVSUP_RUN": "0123abcd-4567cdef"}) as other,
    ):
        done = stack.run("kill")
        ours.wait_for_end()
        assert not is_readable(theirs.descriptor)
        assert not is_readable(marked.descriptor)
        assert decoy.poll() is other.poll() is None
        assert str(decoy.pid) not in done.stdout


def test_the_same_program_by_hand_in_the_project_does_not(stack: Stack) -> None:
    stack.write("Procfile", f"web: {hostile('sleep', 'web.1-1')}\n")
    life = stack.fifo("web.1-1")
    with started(stack.root, life) as process:
        done = stack.run("kill")
        assert done.returncode == 0
        life.wait_for_end()
        assert process.wait() == -signal.SIGTERM
        assert f" {process.pid} " in done.stdout


def test_a_daemon_is_told_to_be_ended_with_the_program_that_became_it(stack: Stack) -> None:
    life = stack.fifo("ready")
    stack.write("Procfile", f"web: {hostile('daemon', 'ready')}\n")
    stack.up()
    stack.wait_for(r"web\.1 left 1 process behind, to be ended with it")
    stack.wait_for(r"web\.1 exited with status 0")
    life.wait_for_end()


def test_a_port_that_stays_taken_is_no_success(stack: Stack, port: int) -> None:
    stack.write("Procfile", "web: exec sleep 600\n")
    with socket.create_server(("127.0.0.1", port)):
        done = stack.run("kill", "--port", str(port))
    assert done.returncode == 1
    assert "left alone: " in done.stdout


@pytest.mark.parametrize("command", ["kill", "up"])
def test_whose_pid_stands_in_a_stale_record_survives(stack: Stack, command: str) -> None:
    stack.write("Procfile", "web: echo there; exec sleep 600\n")
    life = stack.fifo("innocent")
    with started(stack.root, life, "innocent") as innocent:
        forge_record(stack.root, innocent.pid)
        if command == "kill":
            assert stack.run("kill").returncode == 0
        else:
            stack.up().wait_for("there")
        assert not is_readable(life.descriptor)
        assert innocent.poll() is None


def forge_record(root: Path, pid: int) -> None:
    """As if supervisor and services of the last run had had this pid, long ago."""
    directory = RunDirectory.of(root)
    former = Identity(pid, 1.0)
    sessions = (Session("web.1", former),)
    directory.write(Record(directory.new_run(), str(root), processes.boot(), former, sessions))


def test_the_last_words_of_a_service_are_shown_when_the_zygote_is_killed(doomed: Stack) -> None:
    doomed.write("Procfile", "web: printf 'no newline'; exec sleep 600\n")
    doomed.up().wait_for_generation(1)
    os.kill(doomed.family.zygote, signal.SIGKILL)
    doomed.wait_for("no newline$")
    assert doomed.wait_for_exit() == 1
