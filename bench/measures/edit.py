"""From the save of `.env` to every service on the new value; and how the edits ended.

All arrangements are alive at once, each in a folder of its own, and are edited in turns; whoever is
not, is idle. So every edit is a second old when the next turn comes, and is then judged: right is
every service alive once, on the new value, and nothing else. A double save is two saves, 30 ms
apart, of which the second counts. Mixed is an edit whose first new process started before the last
old one had ended: two generations at once, which a port or a queue would notice.
"""

import itertools
import os
import signal
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass

from bench.lab import Lab, all_started, environment, nothing_left
from bench.running import Running
from bench.scene import Scene
from bench.stamps import Stamps
from bench.tools import FLOOR, Tool, arrangements
from bench.waiting import until

SERVICES = 4
PATIENCE = 5.0
"""Seconds for an edit."""
AFTER = 1.0
"""Seconds after an edit when it is judged."""
APART = 0.03
HOPELESS = 3
"""Edits ended wrong in a row, from the first one on: it does not take new values at all."""
SLOW, SLOW_PACE = 0.8, 4
"""Whoever takes longer than this (seconds) is edited every fourth turn only."""
CALM = 2.0
KINDS = ("in place", "by rename", "in place", "by rename", "double")


@dataclass(slots=True)
class Subject:
    """An arrangement that runs, and how it fared."""

    tool: Tool
    scene: Scene
    stamps: Stamps
    program: Running
    value: str = "0"
    saved: float = 0.0
    taken: bool = True
    judged: int = 0
    wrong: int = 0
    stale: int = 0
    mixed: int = 0
    gave_up: bool = False
    pace: int = 1
    """It is edited each so many turns."""

    def is_right(self) -> bool:
        living = self.stamps.living()
        return sorted(each.name for each in living) == sorted(
            {each.name for each in self.stamps.all}
        ) and all(each.value == self.value for each in living)

    def is_mixed(self) -> bool:
        new = self.stamps.starts(self.value)
        olds = [each.time for each in self.stamps.stops() if each.value != self.value]
        return bool(new and olds) and max(olds) > min(each.time for each in new)

    def judge(self) -> None:
        """The last edit, once it is old enough."""
        time.sleep(max(0.0, self.saved + AFTER - time.monotonic()))
        self.judged += 1
        self.wrong += not self.is_right()
        self.stale += sum(each.value != self.value for each in self.stamps.living())
        self.mixed += self.is_mixed()
        self.gave_up = self.wrong == self.judged >= HOPELESS


def run(lab: Lab) -> None:
    with nothing_left(), ExitStack() as stack:
        tools = lab.choose(arrangements(lab.peers))
        subjects = [subject for tool in tools if (subject := begin(lab, tool, stack))]
        time.sleep(CALM)
        for turn, kind in zip(range(lab.edits), itertools.cycle(KINDS), strict=False):
            if turn % 10 == 0:
                lab.tell(f"edit: {turn} of {lab.edits}")
            for subject in subjects:
                if not subject.gave_up and turn % subject.pace == 0:
                    edit(lab, subject, str(turn + 1), kind)
            if turn < 4 * lab.rounds:
                floor(lab)
        for subject in subjects:
            if not subject.gave_up:
                subject.judge()
            lab.book.add("edit/wrong", subject.tool.name, subject.wrong)
            lab.book.add("edit/stale", subject.tool.name, subject.stale)
            lab.book.add("edit/mixed", subject.tool.name, subject.mixed)
            lab.book.add("edit/all", subject.tool.name, subject.judged)


def begin(lab: Lab, tool: Tool, stack: ExitStack) -> Subject | None:
    scene = lab.scene(SERVICES)
    scene.save_in_place("VALUE=0\n")
    program = lab.start(tool, scene)
    stack.callback(program.close)
    subject = Subject(tool, scene, lab.stamps(scene), program)
    if all_started(subject.stamps, SERVICES, program):
        return subject
    lab.book.note("edit/in place", tool.name, f"did not start: {program.said[-200:]!r}")
    return None


def edit(lab: Lab, subject: Subject, value: str, kind: str) -> None:
    """Judge the edit before, save, and wait until all is new."""
    if subject.saved:
        subject.judge()
    if subject.gave_up:
        lab.book.note("edit/in place", subject.tool.name, "never took the new value")
        return
    save = subject.scene.save_by_rename if kind == "by rename" else subject.scene.save_in_place
    if kind == "double":
        save(f"VALUE={value}-draft\n")
        time.sleep(APART)
    subject.value = value
    subject.saved = time.monotonic()
    save(f"VALUE={value}\n")
    if until(lambda: len(subject.stamps.starts(value)) >= SERVICES, PATIENCE):
        last = max(each.time for each in subject.stamps.starts(value))
        lab.book.add(f"edit/{kind}", subject.tool.name, 1000 * (last - subject.saved))
        subject.pace = SLOW_PACE if last - subject.saved > SLOW else 1


def floor(lab: Lab) -> None:
    """The services' own stopping and starting, by a shell loop and nobody else."""
    scene = lab.scene(SERVICES)
    stamps = lab.stamps(scene)
    loop = start_loop(scene)
    until(lambda: len(stamps.starts()) == SERVICES, PATIENCE)
    asked = time.monotonic()
    for each in stamps.starts():
        os.kill(each.pid, signal.SIGTERM)
    loop.wait(PATIENCE)
    stop = time.monotonic() - asked
    before = time.monotonic()
    loop = start_loop(scene)
    until(lambda: len(stamps.starts()) == 2 * SERVICES, PATIENCE)
    start = max(each.time for each in stamps.starts()) - before
    for each in stamps.living():
        os.kill(each.pid, signal.SIGTERM)
    loop.wait(PATIENCE)
    for kind in ("in place", "by rename"):
        lab.book.add(f"edit/{kind}", FLOOR, 1000 * (stop + start))


def start_loop(scene: Scene) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sh", "loop.sh"], cwd=scene.root, env=environment())
