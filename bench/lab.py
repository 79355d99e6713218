"""What every measure needs: the tools, the programs, a folder, how often, and the book."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.book import Book
from bench.compiled import Programs
from bench.peers import Peers
from bench.running import Running
from bench.scene import Scene
from bench.stamps import Stamps
from bench.tools import Tool, runners
from bench.waiting import until

PATIENCE = 30.0
"""Seconds for a tool to do what it is asked; then it is told that it did not."""


@dataclass(frozen=True, slots=True)
class Lab:
    book: Book
    peers: Peers
    programs: Programs
    folder: Path
    rounds: int
    edits: int
    wanted: Sequence[str] = ()
    """Words that the name of a tool must contain one of; none wants all."""
    quick: bool = False

    def choose(self, tools: Sequence[Tool]) -> list[Tool]:
        return [
            tool
            for tool in tools
            if not self.wanted or any(word in tool.name for word in self.wanted)
        ]

    def scene(self, services: int) -> Scene:
        """With as many trivial services."""
        scene = Scene.below(self.folder)
        line = " ".join([*self.programs.stamp, str(scene.stamps)])
        scene.lay({f"s{number}": f"{line} s{number}" for number in range(1, services + 1)})
        return scene

    def stamps(self, scene: Scene) -> Stamps:
        return Stamps(scene.stamps, self.programs.offset)

    def start(
        self, tool: Tool, scene: Scene, hear: Callable[[bytes], None] = lambda _: None
    ) -> Running:
        own = {"PM2_HOME": str(scene.root.parent / "pm2")}
        return Running(tool.words, scene.root, {**environment(), **own, **tool.environment}, hear)

    def tell(self, text: str) -> None:
        print(text, flush=True)


def environment() -> dict[str, str]:
    """Ours, with the programs of our Python first; nothing that the scenes set."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("DEVSUP_")}
    own.pop("VALUE", None)
    path = f"{Path(sys.executable).parent}:{own.get('PATH', os.defpath)}"
    return own | {"PATH": path, "TERM": "xterm-256color"}


@contextmanager
def nothing_left() -> Iterator[None]:
    """Whatever is started inside is dead outside."""
    spared = processes.children(os.getpid())
    try:
        yield
    finally:
        processes.end_children(spared)


def all_started(stamps: Stamps, count: int, program: Running, value: str | None = None) -> bool:
    """Whether they did in time; the tool may have ended before."""
    until(lambda: len(stamps.starts(value)) >= count or program.has_ended, PATIENCE)
    return len(stamps.starts(value)) >= count


def take_turns(
    lab: Lab, measure: str, sizes: Mapping[int, float], once: Callable[[Lab, Tool, int], None]
) -> None:
    """Every runner once with so many services, one after the other, in a share of the rounds."""
    tools = lab.choose(runners(lab.peers))
    for size, share in sizes.items():
        for turn in range(max(1, round(share * lab.rounds))):
            lab.tell(f"{measure}: {size} services, round {turn + 1}")
            for tool in tools:
                with nothing_left():
                    once(lab, tool, size)
