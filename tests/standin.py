"""Stands in for `devsup up`: holds the lock, writes a record, runs one service.

    python standin.py ROOT BASE READY [--terms N]

It announces `pid leader` in READY once it runs. On the N-th SIGTERM (0: never) it ends its service,
announces `0` and exits. Both keep READY open, as the programs of hostile.py do.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from devsup.edges import processes
from devsup.edges.rundir import RunDirectory
from devsup.pure.record import Record, Session

HOSTILE = Path(__file__).parent / "hostile.py"


def start_service(run: str, ready: int) -> int:
    """A process in a session of its own, with the marks."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)  # noqa: FBT003 - its own signature
    os.set_inheritable(ready, True)  # noqa: FBT003 - likewise
    leader = os.posix_spawn(
        sys.executable,
        [sys.executable, str(HOSTILE), "sleep", str(writer)],
        {**os.environ, "DEVSUP_RUN": run, "DEVSUP_SERVICE": "web.1", "DEVSUP_GENERATION": "1"},
        setsid=True,
    )
    os.read(reader, 100)
    return leader


def run(options: argparse.Namespace, directory: RunDirectory) -> None:
    ready = os.open(options.ready, os.O_WRONLY)
    run = directory.new_run()
    leader = start_service(run, ready)
    identity = processes.identity(leader)
    assert identity
    session = Session("web.1", identity)
    directory.write(Record(run, str(options.root), processes.boot(), processes.own(), (session,)))
    os.write(ready, f"{os.getpid()} {leader}\n".encode())
    for _ in range(options.terms):
        signal.sigwait({signal.SIGTERM})
    if not options.terms:
        signal.pause()
    os.kill(leader, signal.SIGKILL)
    os.waitpid(leader, 0)
    directory.forget()
    os.write(ready, b"0\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("base", type=Path)
    parser.add_argument("ready", type=Path)
    parser.add_argument("--terms", type=int, default=1)
    options = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    directory = RunDirectory.of(options.root, options.base)
    lock = directory.lock()
    assert lock
    with lock:
        run(options, directory)


if __name__ == "__main__":
    main()
