"""Where lock, record, socket and logs of a project live: one private directory for each root.

`/tmp/devsup-<uid>/<name>-<8 hex>`, a constant place and neither XDG_RUNTIME_DIR nor TMPDIR, since
two terminals must agree on it. The lock is a `flock` on that directory itself: the kernel takes it
back from whoever dies, and systemd-tmpfiles leaves what is below a locked directory alone, however
old it gets. Who holds it stands in a file beside the record, to be checked against the process.
A directory can be removed all the same, and made anew: a run has its `claim`, too.

A clean end leaves nothing here: the record goes, and with it the directory unless there are logs.
Those go, too, once the project is gone.
"""

import contextlib
import fcntl
import json
import os
import re
import stat
from dataclasses import asdict, dataclass
from enum import Enum
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from zlib import crc32  # hashlib would do as well, and takes 2 ms to import

from devsup.edges import claim as claims
from devsup.edges.private import check_private, make_private
from devsup.edges.pruning import RECORD, ROOT, prune
from devsup.pure.errors import DevsupError

if TYPE_CHECKING:
    from socket import socket

    from devsup.pure.record import Record
    from devsup.pure.sighting import Identity

PROCFILE = "Procfile"
CONFIGS = ("devsup.toml", "pyproject.toml")
LONGEST_NAME = 32
"""Characters of the project's name in the path, which must fit into a socket address (104)."""


class Role(Enum):
    """What the holder of the lock is doing."""

    UP = "up"
    KILL = "kill"


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds the lock."""

    identity: "Identity"
    role: Role


class Lock:
    """A held lock; released with the process at the latest. Children do not inherit it.

    The `claim` of a run listens already; nobody else has one.
    """

    def __init__(self, directory: "RunDirectory", file: int) -> None:
        self.directory = directory
        self.file = file
        self.claim: socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        """Let go, and tidy up: this directory if nothing is kept in it, and those of the past."""
        with contextlib.suppress(
            OSError
        ):  # /tmp may have become read-only: the lock goes all the same
            self.directory.holder_file.unlink(missing_ok=True)
            if not self.directory.keeps_anything():
                self.directory.root_link.unlink()
                self.directory.path.rmdir()
        self.close()
        with contextlib.suppress(OSError):
            prune(self.directory.path.parent)

    def close(self) -> None:
        """Let go of the kernel's two words for it."""
        if self.claim:
            self.claim.close()
        os.close(self.file)


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The private directory of one project; `key` stands for its root in marks and paths."""

    path: Path
    key: str
    root: Path

    @classmethod
    def of(cls, root: Path, base: Path | None = None) -> Self:
        """The directory of the project at `root`, which is made once it is locked.

        Raises:
            DevsupError: somebody else owns it, or can get at it.
        """
        real = root.resolve()
        key = f"{crc32(os.fsencode(real)):08x}"
        name = re.sub(r"[^A-Za-z0-9._-]", "_", real.name)[:LONGEST_NAME] or "root"
        found = cls((base or default_base()) / f"{name}-{key}", key, real)
        for path in (found.path.parent, found.path):
            with contextlib.suppress(FileNotFoundError):  # not made yet, or tidied up just now
                check_private(path)
        return found

    def make(self) -> None:
        """Make it and the one above, and see to it that both are ours alone."""
        make_private(self.path.parent)
        make_private(self.path)
        with contextlib.suppress(OSError):  # for tidying up only
            self.root_link.symlink_to(self.root)

    def keeps_anything(self) -> bool:
        """Whether there is more in it than the link that tells whose it is."""
        return any(path != self.root_link for path in self.path.iterdir())

    @property
    def root_link(self) -> Path:
        """A link to the project, which dangles when that is gone."""
        return self.path / ROOT

    @property
    def record(self) -> Path:
        """The file with the record of the run."""
        return self.path / RECORD

    @property
    def socket(self) -> Path:
        """The control socket of the running supervisor."""
        return self.path / "control.sock"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where the running supervisor can be reached, the likeliest first."""
        return tuple(filter(None, (str(self.socket), claims.address(self.root))))

    @property
    def log(self) -> Path:
        """The log of the last run, or of the present one."""
        return self.path / "log"

    @property
    def holder_file(self) -> Path:
        """The file that says who holds the lock."""
        return self.path / "holder.json"

    def new_run(self) -> str:
        """A name for a run that nobody else has; its first half tells the project."""
        return f"{self.key}-{os.urandom(4).hex()}"

    def lock(self, role: Role = Role.UP) -> Lock | None:
        """The lock; None when another process holds it."""
        while True:
            self.make()
            try:
                file = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except FileNotFoundError:
                continue  # released just now, by somebody who removed it
            except BlockingIOError:
                os.close(file)
                return None
            except OSError as error:  # no descriptors left; a file system without locks
                raise DevsupError(f"{self.path} cannot be locked: {error.strerror}") from None
            if self._is(file):
                return self._held(file, role)
            os.close(file)

    def _held(self, file: int, role: Role) -> Lock | None:
        lock = Lock(self, file)
        try:
            if role is Role.UP:
                lock.claim = claims.take(self.root)
            self._write_holder(role)
        except claims.HeldError:
            lock.close()
            return None
        except OSError as error:
            if role is Role.UP:
                lock.close()
                raise DevsupError(f"{self.path} cannot be written: {error.strerror}") from None
            # Where the disk is full there is still something to kill, and the lock is held.
        return lock

    def _is(self, file: int) -> bool:
        """Whether a locked directory is the one at our path, and not a removed one."""
        try:
            return os.path.samestat(os.fstat(file), self.path.stat())
        except FileNotFoundError:
            return False

    def _write_holder(self, role: Role) -> None:
        from devsup.edges import processes  # noqa: PLC0415  many commands only need a path

        holder = {
            "boot": processes.boot(),
            "identity": asdict(processes.own()),
            "role": role.value,
        }
        self._write(self.holder_file, json.dumps(holder))

    def holder(self) -> Holder | None:
        """The live process that holds the lock, or else the claim."""
        return self._written_holder() or self._claimant()

    def _claimant(self) -> Holder | None:
        """The process that runs the project, whatever became of its directory here."""
        from devsup.edges import processes  # noqa: PLC0415  likewise

        pid = claims.holder(self.root)
        who = processes.identity(pid) if pid else None
        return Holder(who, Role.UP) if who else None

    def _written_holder(self) -> Holder | None:
        """The live process that says in the directory that it holds the lock."""
        from devsup.edges import processes  # noqa: PLC0415  likewise
        from devsup.pure import record as records  # noqa: PLC0415

        try:
            data = json.loads(self.holder_file.read_bytes())
            holder = Holder(records.identity(data["identity"]), Role(data["role"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        # A pid of another container, which shares our /tmp, means nobody here.
        is_ours = data.get("boot") == processes.boot() and processes.is_alive(holder.identity)
        return holder if is_ours else None

    def locked(self) -> bool:
        """Whether somebody holds the lock, or the claim."""
        return self.holder() is not None

    def write(self, record: "Record") -> None:
        """Replace the record; a reader sees the old one or the new one, whole."""
        from devsup.pure import record as records  # noqa: PLC0415  likewise

        self._write(self.record, records.dumps(record))

    def read(self) -> "Record | None":
        """The record of the last run that did not end cleanly, or of the present one."""
        from devsup.pure import record as records  # noqa: PLC0415  likewise

        try:
            return records.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def forget(self) -> None:
        """After a clean end: nothing is left that a record could help to find."""
        for path in (self.record, self.socket):
            # What cannot be removed (a read-only /tmp) costs the next `up` a look, and no more.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _write(self, path: Path, text: str) -> None:
        self.make()  # anybody may clean up /tmp, and a run outlives that
        new = path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)


def project_folder(here: Path) -> Path:
    """The directory of the project that `here` is in: itself, or the nearest above it.

    No directory of others is looked into: anybody may have put a Procfile into /tmp.
    """
    if has_project(here):
        return here
    own = takewhile(is_ours_alone, (here, *here.parents))
    return next(filter(has_project, own), here)


def has_project(folder: Path) -> bool:
    """Whether there is a Procfile (which may be broken), or a configuration that may name one."""
    config, shared = (folder / name for name in CONFIGS)
    files = (folder / PROCFILE, config)
    return any(map(os.path.lexists, files)) or mentions(shared, b"tool.devsup")


def mentions(path: Path, words: bytes) -> bool:
    """Whether a file says something; to read a configuration for nothing costs 30 ms."""
    with contextlib.suppress(OSError):
        return path.is_file() and words in path.read_bytes()
    return False


def is_ours_alone(folder: Path) -> bool:
    """Whether a directory is this user's, and none like /tmp, which is everybody's."""
    with contextlib.suppress(OSError):
        found = folder.stat()
        return found.st_uid == os.getuid() and not found.st_mode & stat.S_ISVTX
    return False


def default_base() -> Path:
    """Where all projects of this user are."""
    return Path(f"/tmp/devsup-{os.getuid()}")  # noqa: S108 - checked by make_private


def crash_file(text: str) -> Path:
    """Keep the traceback of a bug of devsup; the new file."""
    base = default_base()
    make_private(base)
    path = base / f"crash-{os.urandom(4).hex()}.txt"
    with path.open("x", encoding="utf-8") as crash:
        crash.write(text)
    return path
