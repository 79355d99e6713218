"""The launchers become real servers, and a killed one never stands in the way of the next."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
import redis

SERVERS = Path(__file__).parents[2] / "examples" / "servers"
READY = {
    "db.py": "database system is ready to accept connections",
    "broker.py": "Ready to accept connections",
}
PATIENCE_SECONDS = 60

Server = subprocess.Popen[str]


class Place:
    """A copy of the launchers, and so a data folder and ports of its own."""

    def __init__(self, root: Path) -> None:
        self.servers = root / "examples" / "servers"
        self.data = root / ".data"
        self.port = free_port()
        shutil.copytree(SERVERS, self.servers)

    def environment(self) -> dict[str, str]:
        return {**os.environ, "DB_PORT": str(self.port), "BROKER_PORT": str(self.port)}

    @contextmanager
    def launched(self, script: str) -> Iterator[Server]:
        with subprocess.Popen(
            [sys.executable, str(self.servers / script)],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as server:
            watchdog = threading.Timer(PATIENCE_SECONDS, server.kill)
            watchdog.start()
            try:
                yield server
            finally:
                server.send_signal(signal.SIGINT)
                server.communicate()
                watchdog.cancel()

    @contextmanager
    def running(self, script: str) -> Iterator[Server]:
        with self.launched(script) as server:
            wait_for_line(server, READY[script])
            yield server


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_for_line(server: Server, text: str) -> None:
    assert server.stdout is not None
    lines = []
    for line in server.stdout:
        lines.append(line)
        if text in line:
            return
    pytest.fail("ended before it was ready:\n" + "".join(lines))


def query(place: Place, text: str, *, user: str = "app") -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=place.port, user=user, database="app"
        )
        try:
            return await connection.fetchval(text)
        finally:
            await connection.close()

    return asyncio.run(ask())


def refusal(place: Place, script: str, *options: str, **settings: str) -> str:
    result = subprocess.run(
        [sys.executable, *options, str(place.servers / script)],
        env={**place.environment(), **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_the_leader_is_the_database_and_an_interrupt_ends_it_well(place: Place) -> None:
    with place.running("db.py") as server:
        assert Path(f"/proc/{server.pid}/exe").readlink().name == "postgres"
        assert query(place, "SELECT 6 * 7") == 42
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE_SECONDS) == 0


def test_the_database_lets_in_the_application_and_no_superuser(place: Place) -> None:
    with place.running("db.py"):
        assert query(place, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            query(place, "SELECT 1", user="postgres")


def test_the_database_starts_again_after_a_kill_with_its_data(place: Place) -> None:
    with place.running("db.py") as server:
        query(place, "CREATE TABLE kept AS SELECT 42 AS answer")
        server.kill()
    with place.running("db.py"):
        assert query(place, "SELECT answer FROM kept") == 42


def test_a_stale_pid_file_that_names_an_innocent_process_is_no_obstacle(place: Place) -> None:
    with place.running("db.py") as server:
        server.kill()
    pid_file = place.data / "postgres" / "cluster" / "postmaster.pid"
    _, rest = pid_file.read_text().split("\n", 1)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as innocent:
        pid_file.write_text(f"{innocent.pid}\n{rest}")
        with place.running("db.py"):
            assert query(place, "SELECT 1") == 1
        assert innocent.poll() is None


def test_a_first_start_killed_half_way_is_no_obstacle(place: Place) -> None:
    draft = place.data / "postgres" / "draft"
    with place.launched("db.py") as launcher:
        while not draft.exists():
            assert launcher.poll() is None
        launcher.kill()  # its initdb lives on for a while, and holds the folder
    with place.running("db.py"):
        assert query(place, "SELECT 1") == 1
    assert not draft.exists()


def test_the_leader_is_the_broker_and_sigterm_ends_it_well(place: Place) -> None:
    with place.running("broker.py") as server:
        assert Path(f"/proc/{server.pid}/exe").readlink().name == "valkey-server"
        server.terminate()
        assert server.wait(PATIENCE_SECONDS) == 0


def test_what_is_queued_outlives_a_kill_of_the_broker(place: Place) -> None:
    with place.running("broker.py") as server, redis.Redis(port=place.port) as client:
        client.rpush("queue", "task")
        server.kill()
    with place.running("broker.py"), redis.Redis(port=place.port) as client:
        assert client.lrange("queue", 0, -1) == [b"task"]


@pytest.mark.parametrize("script", READY)
def test_a_missing_wheel_is_named_with_what_to_type(place: Place, script: str) -> None:
    message = refusal(place, script, "-S")  # no site-packages
    assert "is not installed: pip install" in message


@pytest.mark.parametrize(("script", "key"), [("db.py", "DB_PORT"), ("broker.py", "BROKER_PORT")])
@pytest.mark.parametrize("value", ["secret", "0", "65536", "²"])
def test_a_bad_port_is_refused_without_its_value(
    place: Place, script: str, key: str, value: str
) -> None:
    message = refusal(place, script, **{key: value})
    assert message == f"{key} must be a port number from 1 to 65535\n"
