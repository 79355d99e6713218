"""Lines a second through a tool, their price in CPU, and how many came out torn or not at all.

The services wait at a gate, so that the tool is up and idle when they begin. How many lines they
write follows from a first try, so that each measurement takes about a second.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.lab import Lab, environment, nothing_left
from bench.outlets import OUTLETS, Outlet
from bench.scene import Scene
from bench.tools import Tool, runners
from bench.waiting import until

WITHOUT = ("mprocs",)
"""Shows one service at a time."""
SERVICES = (1, 4)
TRIAL = 20_000
"""Lines of the first try."""
LEAST, MOST = 20_000, 600_000
SECONDS = 0.5
"""What a measurement is to take."""
LIMIT = 20.0
START = 10.0
CALM = 0.3
"""Seconds from the last service's start to the opening of the gate."""
INTACT = re.compile(rb"s(\d) (\d{8}) x{60}(?:\x1b\[[\d;]*m)*(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class Flow:
    lines: int
    seconds: float
    cpu: float
    """Seconds of the tool's own processes."""
    lost: int
    torn: int

    @property
    def speed(self) -> float:
        """Intact lines a second."""
        return (self.lines - self.lost) / self.seconds


def run(lab: Lab) -> None:
    if lab.programs.flood is None:
        lab.tell("output: skipped, there is no C compiler")
        return
    tools = [tool for tool in lab.choose(runners(lab.peers)) if tool.name not in WITHOUT]
    counts = {tool.name: enough(flow(lab, tool, "pipe", 1, TRIAL)) for tool in tools}
    for turn in range(max(1, lab.rounds // 2)):
        for outlet in OUTLETS:
            for services in SERVICES:
                lab.tell(f"output: {outlet}, {services} services, round {turn + 1}")
                for tool in tools:
                    way = (tool.name, outlet, services)
                    note(lab, way, flow(lab, tool, outlet, services, counts[tool.name]))


def enough(trial: Flow | None) -> int:
    """Lines for the time a measurement is to take."""
    return int(min(MOST, max(LEAST, trial.speed * SECONDS))) if trial else 0


def note(lab: Lab, way: tuple[str, str, int], found: Flow | None) -> None:
    tool, outlet, services = way
    place = f"{outlet} {services}"
    if found is None:
        lab.book.note(f"output/{place}", tool, "wrote nothing")
        return
    lab.book.add(f"output/{place}", tool, found.speed / 1000)
    lab.book.add(f"output/cpu {place}", tool, found.cpu / found.lines * 1e6)
    lab.book.add(f"output/harm {place}", tool, found.lost + found.torn)
    if found.lost or found.torn:
        text = f"{found.lost} of {found.lines:,} lines lost, {found.torn} torn"
        lab.book.note(f"output/{place}", tool, text)


def flow(lab: Lab, tool: Tool, outlet: str, services: int, lines: int) -> Flow | None:
    if not lines:
        return None
    scene = Scene.below(lab.folder)
    gate = scene.root.parent / "gate"
    os.mkfifo(gate)
    each = lines // services
    flood = " ".join([*(lab.programs.flood or ()), str(gate)])
    scene.lay({f"s{number}": f"{flood} s{number} {each}" for number in range(1, services + 1)})
    ends = [b"s%d %08d %s" % (number, each, b"x" * 60) for number in range(1, services + 1)]
    with nothing_left(), started(tool, scene, outlet) as (out, before):
        if not (own := wait_at_gate(lab, services, before)):
            return None
        out.drop()
        first, began = processes.usage(own), time.monotonic()
        opened = os.open(gate, os.O_RDWR)
        out.last = began
        out.read_until(ends, LIMIT)
        cpu = processes.usage(own).since(first).cpu
        os.close(opened)
        seconds = max(out.last - began, 1e-6)
        return judge(b"".join(out.chunks), each * services, seconds, cpu)


@contextmanager
def started(tool: Tool, scene: Scene, outlet: str) -> Iterator[tuple[Outlet, set[int]]]:
    """A tool that writes to such an outlet; and who was there before."""
    before = processes.descendants(os.getpid())
    out = OUTLETS[outlet](scene.root.parent)
    own = {**environment(), "PM2_HOME": str(scene.root.parent / "pm2"), **tool.environment}
    program = subprocess.Popen(
        tool.words,
        cwd=scene.root,
        env=own,
        stdin=subprocess.DEVNULL,
        stdout=out.writing,
        stderr=out.writing,
        start_new_session=True,
    )
    os.close(out.writing)
    try:
        yield out, before
    finally:
        program.kill()
        program.wait()
        out.close()


def wait_at_gate(lab: Lab, services: int, before: set[int]) -> set[int]:
    """The tool's own processes, once all services wait; none when they never came."""
    floods = {Path(word).name for word in (lab.programs.flood or ())}

    def waiting() -> set[int]:
        everybody = processes.descendants(os.getpid()) - before
        return {pid for pid in everybody if Path(processes.executable(pid)).name in floods}

    if not until(lambda: len(waiting()) == services, START):
        return set()
    time.sleep(CALM)
    return processes.descendants(os.getpid()) - before - waiting()


def judge(text: bytes, lines: int, seconds: float, cpu: float) -> Flow:
    """Lost is a line that is nowhere whole; torn is a line with a piece of one."""
    whole = len(set(INTACT.findall(text)))
    pieces = sum(1 for line in text.split(b"\n") if b"xxxxx" in line)
    return Flow(lines, seconds, cpu, lines - whole, max(0, pieces - whole))
