"""Run a command so that nothing of it outlives the test, not even the test's own crash.

    python cage.py COMMAND…

The cage is a session of its own without a terminal, adopts whatever the command leaves behind and
reaps it, as init would, prints the command's pid, and kills all of it at the end of its stdin.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def reap(*_: object) -> None:
    """Bury the dead, as they come."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def end_children() -> None:
    """Kill and bury until the kernel says that nobody is left."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while True:
        for pid in children.read_text(encoding="ascii").split():
            os.kill(int(pid), signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def main() -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.setsid()
    signal.signal(signal.SIGCHLD, reap)
    command = sys.argv[1:]
    print(os.posix_spawnp(command[0], command, os.environ, setsid=True), flush=True)  # noqa: T201
    sys.stdin.buffer.read()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    end_children()


if __name__ == "__main__":
    main()
