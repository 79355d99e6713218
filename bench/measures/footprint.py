"""What a tool costs while nothing happens: memory, CPU and wake-ups of its own processes.

Its own is everything that it started and that is no service: helpers, daemons, waiting shells.
"""

import os
import time

from bench import processes
from bench.lab import Lab, all_started, take_turns
from bench.tools import Tool

SIZES = {2: 0.2, 20: 0.4}
"""Services, and how many times the rounds."""
CALM = 1.5
"""Seconds until whatever follows a launch is over."""
WINDOW = 3.0
"""Seconds of idleness that are looked at, with the most services only."""
MEBIBYTE = 1 << 20


def run(lab: Lab) -> None:
    take_turns(lab, "footprint", SIZES, once)


def once(lab: Lab, tool: Tool, size: int) -> None:
    scene = lab.scene(size)
    stamps = lab.stamps(scene)
    before = processes.descendants(os.getpid())
    program = lab.start(tool, scene)
    try:
        if not all_started(stamps, size, program):
            lab.book.note(f"footprint/memory {size}", tool.name, "did not start all")
            return
        time.sleep(CALM)
        services = {each.pid for each in stamps.living()}
        own = processes.descendants(os.getpid()) - before - services
        lab.book.add(f"footprint/memory {size}", tool.name, processes.memory(own) / MEBIBYTE)
        if size == max(SIZES):
            idle(lab, tool, own)
    finally:
        program.close()


def idle(lab: Lab, tool: Tool, own: set[int]) -> None:
    began, first = time.monotonic(), processes.usage(own)
    time.sleep(WINDOW)
    used, seconds = processes.usage(own).since(first), time.monotonic() - began
    lab.book.add("footprint/idle cpu", tool.name, 100 * used.cpu / seconds)
    lab.book.add("footprint/idle wake-ups", tool.name, used.wakeups / seconds)
