"""From the start of a tool to the start of its last service; from Ctrl-C to its exit."""

import time

from bench.lab import Lab, all_started, take_turns
from bench.tools import Tool

SIZES = {2: 1.0, 20: 1.0, 100: 0.3}
"""Services, and how many times the rounds: a hundred take long."""
LEAVING = 5.0
"""Seconds for a tool to end; supervisor takes half a second a service."""
CALM = 0.5
"""Seconds between the last start and Ctrl-C."""


def run(lab: Lab) -> None:
    sizes = {size: share for size, share in SIZES.items() if size < 100 or not lab.quick}
    take_turns(lab, "launch", sizes, once)


def once(lab: Lab, tool: Tool, size: int) -> None:
    scene = lab.scene(size)
    stamps = lab.stamps(scene)
    program = lab.start(tool, scene)
    try:
        if not all_started(stamps, size, program):
            lab.book.note(f"launch/{size}", tool.name, f"{len(stamps.starts())} of {size} started")
            return
        started = max(each.time for each in stamps.starts())
        lab.book.add(f"launch/{size}", tool.name, 1000 * (started - program.began))
        time.sleep(CALM)
        asked = time.monotonic()
        program.type(tool.quits_by)
        if not program.wait(LEAVING):
            lab.book.note(f"exit/{size}", tool.name, f"did not end within {LEAVING:.0f} s")
            return
        ended = time.monotonic()
        lab.book.add(f"exit/{size}", tool.name, 1000 * (ended - asked))
        stops = stamps.stops()
        if len(stops) == size:
            last = max(each.time for each in stops)
            lab.book.add(f"exit since last/{size}", tool.name, 1000 * (ended - last))
        if left := len(stamps.living()):
            lab.book.note(f"exit/{size}", tool.name, f"left {left} services alive")
    finally:
        program.close()
