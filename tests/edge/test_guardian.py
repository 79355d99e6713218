"""What a service's processes are given, what is said of them, and that they all end."""

from __future__ import annotations

import errno
import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stage import ECHO, SECONDS, Stage, children, descriptors, is_readable, python, staged

from devsup.edges.group import Exited, Failed, Gone, Left, Started

if TYPE_CHECKING:
    from collections.abc import Iterator

WAITING = "echo ready; sleep 300; exit"
"""A shell that waits, and is itself the leader as it was started."""
# glibc's posix_spawn lets its two internal signals be ignored; the child's libc sets them anew.
INTERNAL = 0b11 << 31


@contextmanager
def disturbed() -> Iterator[None]:
    """What whoever started devsup may have left it: a mask, ignored signals, descriptors."""
    numbers = {signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD, signal.SIGTSTP, signal.SIGUSR1}
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    inherited = os.pipe()
    for descriptor in inherited:
        os.set_inheritable(descriptor, True)  # noqa: FBT003  its own signature
    try:
        yield
    finally:
        for descriptor in inherited:
            os.close(descriptor)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)


@pytest.fixture
def disturbed_stage(tmp_path: Path) -> Iterator[Stage]:
    """A stage set up by a devsup that inherited all that."""
    with disturbed(), staged(tmp_path) as stage:
        yield stage


def waiting(stage: Stage) -> Path:
    """What /proc says of a leader that has written something and waits."""
    service = stage.start(WAITING)
    service.wait_for_output(b"ready\n")
    return Path(f"/proc/{service.leader}")


# ---- what a leader is given


def test_a_leader_leads_its_own_session_and_group(stage: Stage) -> None:
    leader = stage.start(WAITING).leader
    assert (os.getsid(leader), os.getpgid(leader)) == (leader, leader)


@pytest.mark.parametrize("field", [b"SigBlk", b"SigIgn"])
def test_no_signal_is_blocked_or_ignored_for_a_leader(disturbed_stage: Stage, field: bytes) -> None:
    service = disturbed_stage.start("exec cat /proc/self/status")
    service.wait_for(Gone)
    (line,) = (line for line in service.output.heard.splitlines() if line.startswith(field))
    assert int(line.split()[1], 16) & ~INTERNAL == 0


def test_a_leader_has_three_descriptors_whatever_devsup_inherited(disturbed_stage: Stage) -> None:
    process = waiting(disturbed_stage)
    assert descriptors(process.name) == {0, 1, 2}
    assert (process / "fd/0").readlink() == Path(os.devnull)
    assert (process / "fd/1").readlink() == (process / "fd/2").readlink()


def test_zygote_and_guardian_keep_nothing_that_devsup_inherited(disturbed_stage: Stage) -> None:
    service = disturbed_stage.echo()
    assert len(descriptors(disturbed_stage.zygote.pid)) == 3 + 3  # control, wake-up pipe
    assert len(descriptors(service.group.guardian)) == 3 + 3  # lifeline, wake-up pipe


def test_the_output_ends_with_the_service_and_not_with_its_guardian(stage: Stage) -> None:
    service = stage.start("exec >/dev/null 2>&1; sleep 300")
    stage.until(lambda: service.output.silent)
    assert service.happened == [Started(service.leader)]


def test_a_service_writes_both_streams_into_one_pipe_in_order(stage: Stage) -> None:
    service = stage.start("echo one; echo two >&2; echo three")
    stage.until(lambda: service.output.silent)
    assert service.output.heard == b"one\ntwo\nthree\n"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"A": "", "B": "two\nlines", "C": "a=b=c", "a b": "'$x' \"y\""},
        {"BYTES": os.fsdecode(b"\xff\xfe\x80"), "UMLAUT": "ä€😀"},
        {f"KEY_{number}": "x" * 1000 for number in range(1000)},
    ],
    ids=["empty", "odd", "no-utf8", "a-megabyte"],
)
def test_a_leader_gets_exactly_its_environment(stage: Stage, environment: dict[str, str]) -> None:
    service = stage.start(WAITING, env=environment)
    service.wait_for_output(b"ready\n")
    expected = b"".join(os.fsencode(f"{key}={value}\0") for key, value in environment.items())
    assert Path(f"/proc/{service.leader}/environ").read_bytes() == expected


@pytest.mark.parametrize("name", ["plain", "with space\nand line", os.fsdecode(b"\xff")])
def test_a_leader_starts_in_its_directory(stage: Stage, name: str) -> None:
    directory = stage.folder / name
    directory.mkdir()
    service = stage.start(WAITING, directory=directory)
    service.wait_for_output(b"ready\n")
    assert Path(f"/proc/{service.leader}/cwd").readlink() == directory


def test_a_command_line_is_the_shells_to_read(stage: Stage) -> None:
    service = stage.start("printf '%s|' \"a  b\" $((1 + 1))\nprintf é" + os.fsdecode(b"\xff"))
    service.wait_for(Gone)
    assert service.output.heard == "a  b|2|é".encode() + b"\xff"


# ---- what is said of it


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("exit 0", 0),
        ("exit 3", 3),
        ("exit 255", 255),
        ("exec devsup-no-such-program", 127),
        ("kill -TERM $$", -signal.SIGTERM),
        ("kill -KILL $$", -signal.SIGKILL),
        ("ulimit -c 0; kill -SEGV $$", -signal.SIGSEGV),
    ],
)
def test_a_leaders_end_is_told_once_and_before_everything_is_gone(
    stage: Stage, line: str, code: int
) -> None:
    service = stage.start(line)
    service.wait_for(Gone)
    assert service.happened == [Started(service.leader), Exited(code), Gone()]


BIG = "x" * 200_000  # one string may have 128 KiB


@pytest.mark.parametrize(
    ("line", "environment", "folder", "number"),
    [
        ("true", {}, "missing", errno.ENOENT),
        ("true", {}, "log", errno.ENOTDIR),
        (f"true {BIG}", {}, "", errno.E2BIG),
        ("true", {"BIG": BIG}, "", errno.E2BIG),
        ("true", {f"KEY_{number}": "x" * 100_000 for number in range(80)}, "", errno.E2BIG),
        ("true", {"": "nameless"}, "", errno.EINVAL),
    ],
    ids=["no-directory", "file", "line-too-long", "value-too-long", "too-much", "nameless"],
)
def test_what_cannot_be_started_is_told_with_its_reason(
    stage: Stage, line: str, environment: dict[str, str], folder: str, number: int
) -> None:
    service = stage.start(line, env=environment, directory=stage.folder / folder)
    service.wait_for(Gone)
    assert service.happened == [Failed(number), Gone()]


# ---- signals


def test_a_signal_for_the_leader_reaches_the_leader_only(stage: Stage) -> None:
    service = stage.start(f"{python('echo.py', 'member')} & {ECHO}")
    service.wait_for_output(b"leader ready\n")
    service.wait_for_output(b"member ready\n")
    service.output.heard = b""
    service.group.signal(signal.SIGUSR1, "leader")
    service.wait_for_output(b"leader SIGUSR1\n")
    service.group.signal(signal.SIGUSR2, "all")  # it comes after SIGUSR1, were that to come
    service.wait_for_output(b"member SIGUSR2\n")
    service.wait_for_output(b"leader SIGUSR2\n")
    assert b"member SIGUSR1" not in service.output.heard


def test_a_signal_for_all_reaches_group_and_escaped_children_once(stage: Stage) -> None:
    away = python("echo.py", "away", "--away")
    service = stage.start(f"{python('echo.py', 'member')} & {away} & {ECHO}")
    for name in (b"member", b"away", b"leader"):
        service.wait_for_output(name + b" ready\n")
    for number in (signal.SIGRTMIN, signal.SIGRTMAX):  # these queue up
        service.group.signal(signal.Signals(number), "all")
        for name in (b"member", b"away", b"leader"):
            service.wait_for_output(name + f" {number.name}\n".encode())
    assert service.output.heard.count(b"SIGRTMIN") == 3


def test_the_members_of_a_dead_leader_can_still_be_signalled(stage: Stage) -> None:
    service = stage.start(f"{python('echo.py', 'one')} & {python('echo.py', 'two')} & wait")
    service.wait_for_output(b"one ready\n")
    service.wait_for_output(b"two ready\n")
    service.group.signal(signal.SIGKILL, "leader")
    assert service.wait_for(Exited) == Exited(-signal.SIGKILL)
    service.group.signal(signal.SIGTERM, "leader")
    service.group.signal(signal.SIGUSR1, "all")
    service.wait_for_output(b"one SIGUSR1\n")
    service.wait_for_output(b"two SIGUSR1\n")
    assert b"SIGTERM" not in service.output.heard
    assert not service.gone
    service.group.signal(signal.SIGKILL, "all")
    service.wait_for(Gone)


def test_a_stopped_leader_gets_its_signal_at_once(stage: Stage) -> None:
    service = stage.hostile("stopped")
    service.group.signal(signal.SIGTERM, "leader")
    service.wait_for(Gone)
    assert not service.alive


def test_requests_before_the_leader_has_started_are_not_lost(stage: Stage) -> None:
    service = stage.start("sleep 300")
    service.group.kill()
    service.wait_for(Gone)
    assert service.happened == [
        Started(service.leader),
        Exited(-signal.SIGKILL),
        Gone(),
    ]


# ---- the end

HOSTILE = [
    "daemon",
    "daemon --stay",
    "daemon --clear",
    "daemon --clear --stay",
    "forks",
    "escapes",
    "stubborn",
    "stopped",
    "holder",
    "zombies",
    "headless",
    "blank",
]


@pytest.mark.parametrize("command", HOSTILE)
def test_nothing_of_a_service_outlives_a_kill(stage: Stage, command: str) -> None:
    service = stage.hostile(*command.split())
    service.group.kill()
    service.wait_for(Gone)
    assert not service.alive
    told = [type(each) for each in service.happened if not isinstance(each, Left)]
    assert told == [Started, Exited, Gone]


def test_many_chains_of_forks_at_once_are_ended(stage: Stage) -> None:
    chains = [python("hostile.py", kind, "$READY") for kind in ("forks", "escapes") * 3]
    service = stage.start(" & ".join([*chains, "wait"]))
    service.wait_for_life(len(chains))
    service.group.kill()
    service.wait_for(Gone)
    assert not service.alive


@pytest.mark.parametrize("command", ["daemon", "daemon --clear", "forks", "escapes", "holder"])
def test_a_service_whose_leader_has_exited_is_not_gone(stage: Stage, command: str) -> None:
    service = stage.hostile(*command.split())
    assert service.wait_for(Exited) == Exited(0)
    assert service.alive
    assert not service.gone
    service.group.kill()
    service.wait_for(Gone)


def test_a_daemon_that_ends_by_itself_ends_its_service(stage: Stage) -> None:
    service = stage.hostile("daemon", "--clear")
    service.wait_for(Exited)
    assert not service.gone
    os.kill(int(service.life.heard), signal.SIGKILL)
    service.wait_for(Gone)
    assert not service.alive


def test_a_pool_is_not_gone_before_its_last_child(stage: Stage) -> None:
    holder = python("hostile.py", "sleep", "$READY")
    service = stage.start(f"{holder} & {holder} & {holder} & wait")
    service.wait_for_life(3)
    service.group.signal(signal.SIGKILL, "leader")
    service.wait_for(Exited)
    pids = [int(line) for line in service.life.heard.splitlines()]
    for pid in pids[:-1]:
        os.kill(pid, signal.SIGKILL)
    assert service.alive
    assert not service.gone
    os.kill(pids[-1], signal.SIGKILL)
    service.wait_for(Gone)


def test_orphans_do_not_stay_as_zombies_while_their_service_runs(stage: Stage) -> None:
    orphan = python("hostile.py", "sleep", "$READY")
    service = stage.start(f"({orphan} &); {ECHO}")
    service.wait_for_life()
    service.wait_for_output(b"leader ready\n")
    death = os.pidfd_open(int(service.life.heard))
    signal.pidfd_send_signal(death, signal.SIGKILL)
    assert is_readable(death, SECONDS)
    os.close(death)
    for number in (signal.SIGUSR1, signal.SIGUSR2):  # by the second, the first round is over
        service.wait_for_answer(number)
    assert children(service.group.guardian) == {service.leader}


def test_the_pid_of_a_leader_is_not_free_while_its_group_may_be_signalled(stage: Stage) -> None:
    service = stage.hostile("holder")
    service.wait_for(Exited)
    assert service.leader in children(service.group.guardian)


def test_a_killed_guardian_leaves_nothing_and_harms_no_other_service(stage: Stage) -> None:
    services = [stage.hostile(kind) for kind in ("stubborn", "escapes", "forks")]
    other = stage.echo()
    for service in services:
        os.kill(service.group.guardian, signal.SIGKILL)
    for service in services:
        service.wait_for(Gone)
        assert not service.alive
    other.wait_for_answer()
    assert not other.gone


def test_a_stop_of_a_leader_that_has_us_for_its_tracer_is_not_its_end(stage: Stage) -> None:
    service = stage.hostile("traced")
    service.group.kill()
    assert service.wait_for(Exited) == Exited(-signal.SIGKILL)
    service.wait_for(Gone)


def test_stops_of_what_has_us_for_its_tracer_harm_no_other_service(stage: Stage) -> None:
    services = [stage.hostile("daemon", "--then", "traced") for _ in range(5)]
    other = stage.echo()
    for service in services:
        os.kill(service.group.guardian, signal.SIGKILL)
        service.wait_for(Gone)
        assert not service.alive
    other.wait_for_answer()
    assert not other.gone


def test_a_killed_guardian_whose_leader_was_dead_leaves_nothing(stage: Stage) -> None:
    service = stage.hostile("daemon", "--clear")
    service.wait_for(Exited)
    os.kill(service.group.guardian, signal.SIGKILL)
    service.wait_for(Gone)
    assert not service.alive
    assert service.happened == [Started(service.leader), Left(1), Exited(0), Gone()]
