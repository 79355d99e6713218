"""500 source files change at once, as on a switch of branches: from the first save on.

`sources/stop` is until the first service is told to stop, `sources/start` until all run again for
good; `sources/starts` is how often they were started for it, and one is enough.
"""

import time
from contextlib import ExitStack

from bench.lab import Lab, all_started, nothing_left
from bench.tools import DEVSUP, Tool, arrangements
from bench.waiting import until

FILES = 500
FOLDERS = 10
SERVICES = 2
CALM = 1.5
PATIENCE = 5.0


def run(lab: Lab) -> None:
    tools = lab.choose(arrangements(lab.peers, "src"))
    for turn in range(max(1, lab.rounds // 2)):
        lab.tell(f"sources: round {turn + 1}")
        for tool in tools:
            with nothing_left(), ExitStack() as stack:
                once(lab, tool, stack)


def once(lab: Lab, tool: Tool, stack: ExitStack) -> None:
    scene = lab.scene(SERVICES)
    files = [
        scene.root / "src" / f"part{number % FOLDERS}" / f"module{number}.py"
        for number in range(FILES)
    ]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("before = True\n")
    if tool.name == DEVSUP:
        names = [f"s{number}" for number in range(1, SERVICES + 1)]
        tables = [f'[services.{name}]\nwatch = ["src/**/*.py"]\n' for name in names]
        (scene.root / "devsup.toml").write_text("".join(tables))
    program = lab.start(tool, scene)
    stack.callback(program.close)
    stamps = lab.stamps(scene)
    if not all_started(stamps, SERVICES, program):
        lab.book.note("sources/stop", tool.name, "skipped: it refuses to watch sources")
        return
    time.sleep(CALM)
    began = time.monotonic()
    for file in files:
        file.write_text("before = False\n")
    if not until(lambda: len(stamps.starts()) >= 2 * SERVICES, PATIENCE):
        lab.book.note("sources/stop", tool.name, "did not restart")
        return
    time.sleep(CALM)
    first = min(each.time for each in stamps.stops())
    again = [each.time for each in stamps.starts() if each.time > began]
    lab.book.add("sources/stop", tool.name, 1000 * (first - began))
    lab.book.add("sources/start", tool.name, 1000 * (max(again) - began))
    lab.book.add("sources/starts", tool.name, len(again) / SERVICES)
