"""The stack of the repository's own Procfile, in a folder, on data and on ports of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import kin
from celery import Celery
from ports import LOOPBACK, reserved_ports
from stack import SECONDS, Stack
from stage import children

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from celery.result import AsyncResult

REPOSITORY = Path(__file__).parents[1]
COPIED = ("Procfile", "pyproject.toml")
SERVERS = {"postgres", "valkey-server"}
SETTINGS = (
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "CELERY_RESULT_BACKEND",
    "SQLALCHEMY_DISABLE_POOL",
    "SQLALCHEMY_POOL_SIZE",
    "SQLALCHEMY_MAX_OVERFLOW",
)
"""Empty ones count as not set: what the shell of a tester exports is no matter."""


def programs_on_path() -> dict[str, str]:
    """An environment in which `python`, `uvicorn` and `celery` are those of the tests."""
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent), os.environ["PATH"]]
    return {"PATH": os.pathsep.join(folders)}


def copy_servers(root: Path) -> None:
    """The launchers of the servers; their data folder is beside them, so they are copied."""
    copy_tree("examples/servers", root)


def copy_tree(name: str, root: Path) -> None:
    ignored = shutil.ignore_patterns(".*", "__pycache__")
    shutil.copytree(REPOSITORY / name, root / name, ignore=ignored)


@contextlib.contextmanager
def tasks_at(port: int) -> Iterator[Celery]:
    """A client of the Celery applications whose broker listens there."""
    url = f"redis://{LOOPBACK}:{port}/0"
    with Celery("client", broker=url, backend=url, set_as_current=False) as client:
        yield client


def get(port: int, path: str) -> Any:
    """What a route answers."""
    with urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=SECONDS) as response:
        return json.load(response)


class Backend:
    """The four services, and questions to them."""

    def __init__(self, stack: Stack, ports: Sequence[int], tasks: Celery) -> None:
        self.stack = stack
        self.web, self.db, self.broker = ports
        self.tasks = tasks
        self.generation = 0
        for name in COPIED:
            shutil.copy(REPOSITORY / name, stack.root)
        copy_servers(stack.root)
        copy_tree("examples/backend", stack.root)

    def up(self) -> str:
        """Start it; devsup's report."""
        env = dict.fromkeys(SETTINGS, "") | programs_on_path()
        env |= {"DB_PORT": str(self.db), "BROKER_PORT": str(self.broker)}
        self.stack.up("--port", str(self.web), env=env)
        return self.report()

    def report(self) -> str:
        """devsup's word that the next generation runs."""
        self.generation += 1
        return self.reported()

    def reported(self) -> str:
        """devsup's next word that this generation runs."""
        return self.stack.wait_for_generation(self.generation)

    def edit(self, *lines: str) -> str:
        """Save `.env`, and do nothing else; devsup's report."""
        self.save(*lines)
        return self.report()

    def save(self, *lines: str) -> None:
        """Save `.env`."""
        self.stack.write(".env", "".join(f"{line}\n" for line in lines))

    def pools(self) -> list[dict[str, Any]]:
        """What the web process and a worker process report of their pools."""
        return [get(self.web, "/pool"), self.call("report_pool").get(SECONDS)]

    def call(self, task: str, *arguments: object) -> AsyncResult:
        """Hand a task to the worker."""
        return self.tasks.send_task(f"app.tasks.{task}", arguments)

    def call_often(self, task: str, times: int) -> list[str]:
        """Run a task so often at once; the messages of those that failed."""
        calls = [self.call(task, f"note {number}") for number in range(times)]
        ended = [(call.get(SECONDS, propagate=False), call) for call in calls]
        return [str(answer) for answer, call in ended if not call.successful()]

    def servers(self) -> set[int]:
        """The processes of db and broker."""
        return set().union(*filter(self._is_server, kin.groups(self.stack.devsup.pid)))

    def application(self) -> set[int]:
        """The processes of web and worker, and whatever else there is below the test itself."""
        devsup = self.stack.devsup.pid
        own = {devsup, *children(devsup)}
        own = own.union(*map(children, own))
        return set(filter(kin.is_alive, kin.descendants(os.getpid()))) - own - self.servers()

    @staticmethod
    def _is_server(group: set[int]) -> bool:
        return bool(SERVERS & set(map(kin.program, group)))


@contextlib.contextmanager
def backend(stack: Stack) -> Iterator[Backend]:
    """The stack, not started yet."""
    with reserved_ports(3) as ports, tasks_at(ports[2]) as tasks:
        yield Backend(stack, ports, tasks)
