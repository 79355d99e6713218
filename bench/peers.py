"""The peers: installed in our folder, found on PATH, or named in `peers.toml`."""

import json
import re
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.installing import DEBIAN, FROM_NPM, FROM_PIP, NODE, PYTHON, install, said

PATHS = Path(__file__).parent / "peers.toml"
FROM_PATHS = ("hivemind", "overmind", "goreman", "process-compose")
VERSION_OPTION = {"goreman": "version", "process-compose": "version"}
VERSION = re.compile(r"\d+\.\d+[\w.]*")


@dataclass(slots=True)
class Peers:
    """Name of a command to the words that run it, or to the reason why it is missing."""

    found: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, words: tuple[str, ...] | None, reason: str) -> bool:
        """Whether it is there."""
        if words is None:
            self.missing[name] = reason
            return False
        self.found[name] = words
        return True


def gather(*, installing: bool) -> Peers:
    """Everything that can be had, and the reasons for the rest."""
    reasons = install() if installing else {}
    peers = Peers()
    take_pip(peers, reasons)
    take_npm(peers, reasons)
    take_debian(peers, reasons)
    take_paths(peers)
    return peers


def take_pip(peers: Peers, reasons: Mapping[str, str]) -> None:
    for name, requirement in FROM_PIP.items():
        if peers.add(name, command(PYTHON / name), reasons.get("pip") or "not installed"):
            package = requirement.partition("[")[0]
            script = f"from importlib.metadata import version; print(version('{package}'))"
            peers.versions[name] = said(str(PYTHON / "python"), "-c", script)


def take_npm(peers: Peers, reasons: Mapping[str, str]) -> None:
    for name, package in FROM_NPM.items():
        if peers.add(name, command(NODE / ".bin" / name), reasons.get("npm") or "not installed"):
            peers.versions[name] = json.loads((NODE / package / "package.json").read_text())[
                "version"
            ]


def take_debian(peers: Peers, reasons: Mapping[str, str]) -> None:
    reason = reasons.get("Debian") or "not installed"
    entr = command(DEBIAN / "usr/bin/entr") or command(shutil.which("entr"))
    if peers.add("entr", entr, f"{reason}; or: apt-get install entr"):
        peers.versions["entr"] = version(said(*peers.found["entr"]))
    foreman = ruby_foreman(DEBIAN) or command(shutil.which("foreman"))
    if peers.add("foreman", foreman, f"{reason}; or: apt-get install ruby-foreman"):
        peers.versions["foreman"] = version(said(*peers.found["foreman"], "version"))


def ruby_foreman(root: Path) -> tuple[str, ...] | None:
    """Ruby in a folder that it was not built for, told where everything is."""
    ruby = next(root.glob("usr/bin/ruby[0-9]*"), None)
    library = next(root.glob("usr/share/rubygems-integration/all/gems/foreman-*/lib"), None)
    shared = next(root.glob("usr/lib/*/libruby*.so*"), None)
    if not (ruby and library and shared):
        return None
    folders = [library, *root.glob("usr/lib/ruby/[0-9]*"), *root.glob("usr/lib/*/ruby/[0-9]*")]
    script = 'require "foreman/cli"; Foreman::CLI.start'
    return (
        *("env", f"LD_LIBRARY_PATH={shared.parent}", str(ruby), "--disable-gems"),
        *(f"-I{folder}" for folder in folders),
        *("-e", script, "--"),
    )


def take_paths(peers: Peers) -> None:
    paths = tomllib.loads(PATHS.read_text()) if PATHS.exists() else {}
    for name in FROM_PATHS:
        found = command(paths.get(name) or shutil.which(name))
        if peers.add(name, found, f"neither on PATH nor in {PATHS.name}"):
            option = VERSION_OPTION.get(name, "--version")
            peers.versions[name] = version(said(*peers.found[name], option))


def command(path: Path | str | None) -> tuple[str, ...] | None:
    return (str(path),) if path and Path(path).exists() else None


def version(text: str) -> str:
    found = VERSION.search(text)
    return found[0] if found else "?"
