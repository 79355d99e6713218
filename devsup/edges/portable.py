"""Processes where there is no /proc and no pidfd (macOS): the door to psutil.

Weaker than `procfs`: starts are wall clock, Unix sockets do not show, a signal is checked against
the process's identity but can race it, and what overwrote its environment cannot be told from what
was started without one, and psutil knows no terminal that is younger than its first look at one.
"""

import errno
import os
import signal
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psutil

from devsup.pure.sighting import Row

HIDDEN = (psutil.NoSuchProcess, psutil.AccessDenied)


def pids() -> list[int]:
    """Every pid there is, the newest first where the numbers have not wrapped."""
    return sorted(psutil.pids(), reverse=True)


def row(pid: int) -> Row | None:
    """The process table's line of one process."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            return Row(
                pid=pid,
                ppid=process.ppid(),
                session=os.getsid(pid),
                terminal=process.terminal() is not None,
                alive=process.status() != psutil.STATUS_ZOMBIE,
                started=process.create_time(),
            )
    except (*HIDDEN, OSError):
        return None


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped, by Ctrl-Z or another signal, until it is continued."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except HIDDEN:
        return False


def environ(pid: int) -> bytes | None:
    """The environment a process was started with, in the kernel's form."""
    try:
        variables = psutil.Process(pid).environ()
    except HIDDEN:
        return None
    return b"".join(
        f"{key}={value}\0".encode(errors="surrogateescape") for key, value in variables.items()
    )


def command(pid: int) -> tuple[str, ...]:
    """The command line."""
    try:
        return tuple(psutil.Process(pid).cmdline())
    except HIDDEN:
        return ()


def directory(pid: int) -> str | None:
    """The working directory."""
    try:
        return psutil.Process(pid).cwd()
    except HIDDEN:
        return None


def uid(pid: int) -> int | None:
    """The effective user."""
    try:
        return psutil.Process(pid).uids().effective
    except HIDDEN:
        return None


def boot() -> str:
    """Tells boots apart."""
    return str(psutil.boot_time())


def listening(asked: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """The TCP ports each process listens on."""
    return {pid: _ports(pid) for pid in asked}


def is_taken(port: int) -> bool:
    """Whether anybody listens on a TCP port of the loopback interface."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _ports(pid: int) -> tuple[int, ...]:
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except HIDDEN:
        return ()
    listeners = (each for each in connections if each.status == psutil.CONN_LISTEN)
    return tuple(sorted({listener.laddr.port for listener in listeners}))


@dataclass(frozen=True, slots=True)
class Grip:
    """A process to be signalled; psutil compares its start with the clock's before it signals."""

    process: psutil.Process

    @property
    def pid(self) -> int:
        """Its pid."""
        return self.process.pid

    def send(self, number: signal.Signals) -> bool:
        """Signal it; False when it is dead.

        Raises:
            PermissionError: it is another user's.
        """
        try:
            self.process.send_signal(number)
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied as error:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM)) from error
        return True

    def close(self) -> None:
        """Nothing is held open."""


def grip(pid: int) -> Grip | None:
    """Hold a process; None when it is dead."""
    try:
        return Grip(psutil.Process(pid))
    except HIDDEN:
        return None


def wait(grips: Sequence[Grip], seconds: float) -> tuple[Grip, ...]:
    """Those that are dead, once all of them are or after that many seconds."""
    gone, _ = psutil.wait_procs([each.process for each in grips], timeout=seconds)
    return tuple(each for each in grips if each.process in gone)
