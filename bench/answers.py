"""How long a command takes to answer, next to a typer application that does nothing.

    python bench/answers.py [ROUNDS]

Whole processes, from the start to the exit, taken in turns, so that whatever else the machine does
hits all of them alike. Medians in milliseconds, and the ratio to the empty command.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 40
EMPTY = """
import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main() -> None:
    pass


app()
"""
PROCFILE = "web: echo hello; exec sleep 3600\nworker: exec sleep 3600\n"
DEVSUP = (str(Path(sys.executable).parent / "devsup"),)
COMMANDS = {
    "--version": ("--version",),
    "status": ("status",),
    "env": ("env",),
    "logs": ("logs",),
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "Procfile").write_text(PROCFILE)
        (root / ".env").write_text("".join(f"KEY_{number}=value\n" for number in range(30)))
        (root / "empty.py").write_text(EMPTY)
        run(root, *DEVSUP, "up", "--detach")
        try:
            report(measure(root, rounds))
        finally:
            run(root, *DEVSUP, "down")


def measure(root: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each command in each round."""
    lines = {"empty": (sys.executable, "empty.py")}
    lines |= {name: (*DEVSUP, *arguments) for name, arguments in COMMANDS.items()}
    for line in lines.values():
        run(root, *line)  # warms the caches
    times: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(rounds):
        for name, line in lines.items():
            times[name].append(1000 * run(root, *line))
    return times


def run(root: Path, *line: str) -> float:
    """Seconds."""
    began = time.perf_counter()
    subprocess.run(line, cwd=root, check=True, stdout=subprocess.DEVNULL, env=os.environ)
    return time.perf_counter() - began


def report(times: dict[str, list[float]]) -> None:
    empty = statistics.median(times["empty"])
    for name, each in times.items():
        median = statistics.median(each)
        print(f"{name:10} {median:6.1f} ms  {median / empty:.2f}")


if __name__ == "__main__":
    main()
