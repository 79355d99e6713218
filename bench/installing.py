"""Installs the peers into a folder of our own; nothing of the system is changed.

What cannot be had costs no more than the reason for it.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent / ".peers"
PYTHON = FOLDER / "python" / "bin"
NODE = FOLDER / "node" / "node_modules"
DEBIAN = FOLDER / "debian"
ARCHIVES = FOLDER / "archives"
PATIENCE = 300.0
"""Seconds for one step."""
FROM_PIP = {
    "honcho": "honcho",
    "circusd": "circus",
    "supervisord": "supervisor",
    "watchfiles": "watchfiles",
    "watchmedo": "watchdog[watchmedo]",
}
"""Command to requirement."""
FROM_NPM = {"nf": "foreman", "pm2-runtime": "pm2", "mprocs": "mprocs", "nodemon": "nodemon"}
FROM_DEBIAN = {"entr": "entr", "foreman": "ruby-foreman"}
UNPACK = """
cd "$1" && shift
apt-get download -qq "$@"
for each in *.deb; do dpkg -x "$each" ../debian.new; done
mv ../debian.new ../debian
"""


def install() -> dict[str, str]:
    """What is missing of each source; the reasons of those that cannot be installed."""
    ARCHIVES.mkdir(parents=True, exist_ok=True)
    return {
        "pip": "" if has_all(PYTHON, FROM_PIP) else succeed(pip_steps()),
        "npm": "" if has_all(NODE / ".bin", FROM_NPM) else succeed(npm_steps()),
        "Debian": "" if DEBIAN.exists() else succeed(debian_steps()),
    }


def has_all(folder: Path, names: Iterable[str]) -> bool:
    return all((folder / name).exists() for name in names)


def pip_steps() -> list[list[str]]:
    """By the pip of the Python that ours was made from: ours may have none."""
    python = str(Path(sys.base_prefix) / "bin" / "python3")
    pip = [python, "-m", "pip", "--python", str(PYTHON / "python"), "install", "-q"]
    return [
        [python, "-m", "venv", "--without-pip", str(PYTHON.parent)],
        [*pip, *FROM_PIP.values()],
    ]


def npm_steps() -> list[list[str]]:
    options = ["--prefix", str(NODE.parent), "--no-audit", "--no-fund", "--silent"]
    return [["npm", "install", *options, *FROM_NPM.values()]]


def debian_steps() -> list[list[str]]:
    """With all of Ruby's packages, for its foreman."""
    if not shutil.which("apt-cache"):
        return [["apt-get"]]
    words = ["apt-cache", "depends", "--recurse", "--no-suggests", "--no-recommends"]
    listing = said(*words, FROM_DEBIAN["foreman"])
    ruby = sorted(set(re.findall(r"^((?:lib)?ruby[\w.-]*)$", listing, re.MULTILINE)))
    return [["sh", "-ec", UNPACK, "sh", str(ARCHIVES), FROM_DEBIAN["entr"], *ruby]]


def succeed(steps: list[list[str]]) -> str:
    """Take steps until one fails, and tell how; nothing when all went well."""
    for step in steps:
        try:
            done = subprocess.run(
                step, check=False, capture_output=True, text=True, timeout=PATIENCE
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{step[0]}: {error}"
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            return f"{step[0]}: {lines[-1] if lines else 'failed'}"
    return ""


def said(*words: str) -> str:
    """What a command prints, on either stream; nothing when it cannot."""
    try:
        done = subprocess.run(
            words,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
