"""The tools that run services, and the arrangements of tools that restart them on an edit.

A tool's words are run in the folder of a scene. All say the same: run the services of this folder.
"""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.peers import Peers
from bench.running import CTRL_C

DEVSUP = "devsup"
FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    words: tuple[str, ...]
    quits_by: bytes = CTRL_C
    """What its user types to end it."""
    environment: Mapping[str, str] = field(default_factory=dict)


def devsup() -> Tool:
    return Tool(DEVSUP, (str(Path(sys.executable).parent / "devsup"), "up"))


def floor() -> Tool:
    return Tool(FLOOR, ("sh", "loop.sh"))


RUNNERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "hivemind": ("hivemind", ()),
    "overmind": ("overmind", ("start", "-N")),
    "goreman": ("goreman", ("-rpc-server=false", "start")),
    "process-compose": ("process-compose", ("up", "-t=false", "--no-server", "--keep-project")),
    "honcho": ("honcho", ("start",)),
    "foreman (Ruby)": ("foreman", ("start",)),
    "foreman (Node)": ("nf", ("start",)),
    "circus": ("circusd", ("circus.ini",)),
    "supervisor": ("supervisord", ("-n", "-c", "supervisord.conf")),
    "mprocs": ("mprocs", ("--config", "mprocs.yaml")),
    "pm2-runtime": ("pm2-runtime", ("start", "ecosystem.config.js")),
}
"""Name in the tables to the command and its arguments."""
QUITS = {"mprocs": b"q"}  # its Ctrl-C goes to the service
PROCFILE_RUNNERS = ("hivemind", "goreman", "honcho", "foreman (Ruby)", "foreman (Node)")
"""Those that load .env themselves."""

AROUND = "honcho"
"""What the watchers run."""
PM2 = "pm2-runtime"
"""Watches by itself."""

DEBOUNCE = ("--debounce-interval", "0.05")
"""Or watchmedo restarts once for every event of a save."""


def runners(peers: Peers) -> list[Tool]:
    """Everything that can be had, devsup and the floor first."""
    tools = [floor(), devsup()]
    for name, (command, arguments) in RUNNERS.items():
        if command in peers.found:
            words = (*peers.found[command], *arguments)
            tools.append(Tool(name, words, QUITS.get(name, CTRL_C)))
    return tools


def missing(peers: Peers) -> dict[str, str]:
    commands = {name: command for name, (command, _) in RUNNERS.items()}
    commands |= {name: name for name in ("entr", "nodemon", "watchfiles", "watchmedo")}
    return {
        name: peers.missing[command]
        for name, command in commands.items()
        if command in peers.missing
    }


def arrangements(peers: Peers, watched: str = ".env") -> list[Tool]:
    """What restarts the services when a file changes: `.env`, or all of the folder `src`."""
    by_name = {tool.name: tool for tool in runners(peers)}
    tools = [by_name[DEVSUP]]
    if "entr" in peers.found:
        able = [name for name in PROCFILE_RUNNERS if name in by_name]
        tools += [entr(peers, name, by_name[name].words, watched) for name in able]
    if AROUND in by_name:
        tools += watchers(peers, AROUND, by_name[AROUND].words, watched)
    if watched == ".env" and PM2 in by_name:
        tools.append(by_name[PM2])
    return tools


def entr(peers: Peers, name: str, runner: tuple[str, ...], watched: str) -> Tool:
    words = shlex.join([*peers.found["entr"], "-n", "-r", *runner])
    return Tool(f"entr -r {name}", ("sh", "-c", f"find {watched} -type f | {words}"))


def watchers(peers: Peers, name: str, runner: tuple[str, ...], watched: str) -> list[Tool]:
    """Around a Procfile runner that loads .env. All are told to send SIGTERM or SIGINT."""
    folder, pattern, kinds = (".", ".env", "*") if watched == ".env" else (watched, "**/*.py", "py")
    line = shlex.join(runner)
    around = {
        "nodemon": ("--watch", watched, "--ext", kinds, "--signal", "SIGTERM", "--exec", line),
        "watchfiles": ("--filter", "all", "--target-type", "command", line, folder),
        "watchmedo": ("auto-restart", "-d", folder, "-R", "-p", pattern, *DEBOUNCE, "--", *runner),
    }
    return [
        Tool(f"{watcher} {name}", (*peers.found[watcher], *arguments))
        for watcher, arguments in around.items()
        if watcher in peers.found
    ]
