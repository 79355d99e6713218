"""Programs that are hard to get rid of: what services do to their supervisor, on purpose.

    python hostile.py KIND READY [--uid UID] [--clear] [--stay] [--then KIND] [--port PORT]

Each writes one line `pid` (`listen`: `pid port`) to READY, a FIFO, a file or the number of an open
descriptor, once it is as bad as it gets, and keeps READY open for as long as any process of it
lives. So whoever reads a FIFO there knows from the end of file that the last one is dead: no pid
has to be known, and none can be mistaken.

Standard library only: it also has to run with an empty environment. Whatever happens to the tests,
nothing here outlives LIFE.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

Options = argparse.Namespace

LIFE = 300.0  # seconds
END = time.monotonic() + LIFE


def announce(options: Options, *words: int) -> None:
    """One short write, so that the lines of several processes do not mix."""
    os.write(options.ready, (" ".join(map(str, words or (os.getpid(),))) + "\n").encode())


def sleep_on() -> NoReturn:
    time.sleep(max(0.0, END - time.monotonic()))
    os._exit(0)


def sleep(options: Options) -> NoReturn:
    """Harmless: the decoy, and what others turn into."""
    announce(options)
    sleep_on()


def become(options: Options, kind: str, environment: dict[str, str]) -> NoReturn:
    """Go on as another kind by exec, with READY inherited."""
    os.set_inheritable(options.ready, True)  # noqa: FBT003 - its own signature
    command = [sys.executable, __file__, kind, str(options.ready)]
    os.execve(sys.executable, command, environment)


def daemon(options: Options) -> NoReturn:
    """Leave parent, session and process group; `--clear`: the environment too.

    The first process exits, as daemons do; with `--stay` it goes on as an ordinary service.
    """
    if os.fork():
        sleep_on() if options.stay else os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    become(options, options.then, {} if options.clear else dict(os.environ))


def forks(options: Options) -> NoReturn:
    """A chain: every link forks the next one and exits, as fast as it can."""
    announce(options)
    while time.monotonic() < END:
        if os.fork():
            os._exit(0)
    os._exit(0)


def escapes(options: Options) -> NoReturn:
    """The same chain, every link leading a session of its own."""
    announce(options)
    while time.monotonic() < END:
        if os.fork():
            os._exit(0)
        os.setsid()
    os._exit(0)


def stubborn(options: Options) -> NoReturn:
    """Ignore every signal that can be ignored and that people send."""
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(ignored, signal.SIG_IGN)
    sleep(options)


def stopped(options: Options) -> NoReturn:
    """Be SIGSTOPped, which a child sees to and announces; announce a SIGTERM that gets through."""
    signal.signal(signal.SIGTERM, lambda *_: farewell(options))
    parent = os.getpid()
    if os.fork() == 0:
        os.kill(parent, signal.SIGSTOP)
        while state(parent) != "T":
            os.sched_yield()
        announce(options, parent)
        os._exit(0)
    sleep_on()


def farewell(options: Options) -> NoReturn:
    announce(options)
    os._exit(0)


def traced(options: Options) -> NoReturn:
    """Have the parent for a tracer, whom the kernel tells of every stop; then stop, ever again."""
    parent = os.getpid()
    if os.fork() == 0:
        while state(parent) not in "tT":
            os.sched_yield()
        announce(options, parent)
        os._exit(0)
    ptrace = ctypes.CDLL(None).ptrace
    while time.monotonic() < END:
        ptrace(0, 0, None, None)  # PTRACE_TRACEME
        os.kill(parent, signal.SIGSTOP)
    os._exit(0)


def pool(options: Options) -> NoReturn:
    """A child at work, which SIGTERM would interrupt, under a parent that sees the work through.

    The parent lets the child finish when it gets SIGTERM; a child that finished announces itself.
    """
    work, done = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(done)
        os.read(work, 1)
        time.sleep(0.3)  # the rest of the work, which takes its time
        farewell(options)
    signal.signal(signal.SIGTERM, lambda *_: os.close(done))
    announce(options, os.getpid(), child)
    os.waitpid(child, 0)
    os._exit(0)


def state(pid: int) -> str:
    """The letter of /proc/PID/stat, behind the name in parentheses."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return stat.rpartition(")")[2].split()[0]


def holder(options: Options) -> NoReturn:
    """The leader exits at once; a child keeps its output pipe open."""
    if os.fork():
        os._exit(0)
    sleep(options)


def zombies(options: Options) -> NoReturn:
    """Never reap: three children are dead and stay in the process table."""
    for _ in range(3):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    sleep(options)


def headless(options: Options) -> NoReturn:
    """End the main thread, not the process: the kernel shows it as a zombie, yet it lives."""
    threading.Thread(target=announce_headless, args=(options,)).start()
    ctypes.CDLL(None).pthread_exit(None)
    raise AssertionError


def announce_headless(options: Options) -> None:
    while state(os.getpid()) != "Z":
        os.sched_yield()
    announce(options)
    sleep_on()


def blank(options: Options) -> NoReturn:
    """Overwrite the memory behind /proc/PID/environ, as setproctitle and PostgreSQL do."""
    environ = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
    addresses: list[int] = []
    while address := environ[len(addresses)]:
        addresses.append(address)
    for address in addresses:
        ctypes.memset(address, 0, len(ctypes.string_at(address)))
    sleep(options)


def listen(options: Options) -> NoReturn:
    """Hold a TCP port on the loopback interface; 0: any free one."""
    with socket.create_server(("127.0.0.1", options.port)) as server:
        announce(options, os.getpid(), server.getsockname()[1])
        sleep_on()


KINDS = (
    sleep,
    daemon,
    forks,
    escapes,
    stubborn,
    stopped,
    traced,
    pool,
    holder,
    zombies,
    headless,
    blank,
    listen,
)


def open_ready(ready: str) -> int:
    if ready.isdecimal():
        return int(ready)
    return os.open(ready, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def main() -> None:
    kinds = {kind.__name__: kind for kind in KINDS}
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("ready")
    parser.add_argument("--uid", type=int, help="become this user first")
    parser.add_argument("--clear", action="store_true", help="daemon: with an empty environment")
    parser.add_argument("--then", choices=kinds, default="sleep", help="daemon: what it becomes")
    parser.add_argument("--stay", action="store_true", help="daemon: the first process lives on")
    parser.add_argument("--port", type=int, default=0, help="listen: on this port")
    options = parser.parse_args()
    options.ready = open_ready(options.ready)
    if options.uid is not None:
        os.setgroups([])
        os.setgid(options.uid)
        os.setuid(options.uid)
    kinds[options.kind](options)


if __name__ == "__main__":
    main()
