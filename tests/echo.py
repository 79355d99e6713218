"""Say which signals reach it, of pending ones the lowest first: one line each, `NAME SIGNAL`.

    python echo.py NAME [--away]

`--away`: in a session of its own, and its parent is dead. It ends by SIGKILL, or after LIFE.
"""

from __future__ import annotations

import os
import select
import signal
import sys

LIFE = 300  # seconds
HEARD = {
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTERM,
    signal.SIGRTMIN,
    signal.SIGRTMAX,
}


def say(word: str) -> None:
    """One short write, so that the lines of several processes do not mix."""
    os.write(1, f"{sys.argv[1]} {word}\n".encode())


def main() -> None:
    signal.alarm(LIFE)
    if "--away" in sys.argv:
        parent = os.pidfd_open(os.getpid())
        if os.fork():
            return
        os.setsid()
        select.select([parent], [], [])
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    say("ready")
    while True:
        say(signal.Signals(signal.sigwaitinfo(HEARD).si_signo).name)


if __name__ == "__main__":
    main()
