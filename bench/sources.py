"""From the last write of a burst to the stop signal of the service that watches the files.

    python bench/sources.py [ROUNDS]

A save is one file, a branch switch 500 in 100 folders. Medians in milliseconds, and the worst. What
must pass before a burst counts as over is part of it (`QUIET`, `QUIET_AFTER_MANY` of pure/burst).
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from devsup.pure.burst import SOON

ROUNDS = 10
SERVICE = """
import signal, time
def stop(*_):
    print("stopped", time.monotonic_ns(), flush=True)
    raise SystemExit
signal.signal(signal.SIGTERM, stop)
print("started", flush=True)
signal.pause()
"""
DEVSUP = Path(sys.executable).parent / "devsup"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "service.py").write_text(SERVICE)
        (root / "Procfile").write_text(f"worker: {sys.executable} service.py\n")
        (root / "devsup.toml").write_text('[services.worker]\nwatch = ["app/**/*.py"]\n')
        files = [root / f"app/d{at % 100}/f{at}.py" for at in range(500)]
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        for name, burst in (("a save", files[:1]), ("500 files", files)):
            taken = measure(root, burst, rounds)
            print(f"{name:10} {statistics.median(taken):6.1f} ms, at most {max(taken):.1f} ms")


def measure(root: Path, files: list[Path], rounds: int) -> list[float]:
    """Milliseconds of each round."""
    taken = []
    command = [DEVSUP, "up", "--no-timestamps"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as devsup:
        assert devsup.stdout
        for _ in range(rounds):
            wait_for(devsup.stdout, " verified")
            time.sleep(SOON)  # sooner, the service is suspected of writing them itself
            for file in files:
                file.write_text("x = 1\n")
            written = time.monotonic_ns()
            stopped = int(wait_for(devsup.stdout, "stopped ").split()[-1])
            taken.append((stopped - written) / 1e6)
        devsup.terminate()
    return taken


def wait_for(lines: Iterator[str], text: str) -> str:
    """The next line that has it."""
    return next(line for line in lines if text in line)


if __name__ == "__main__":
    main()
