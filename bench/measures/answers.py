"""How long a command takes to answer, beside a typer application that does nothing.

Whole processes, from the start to the exit, with a stack of two services running.
"""

import subprocess
import sys
import time
from pathlib import Path

from bench.lab import Lab, all_started, environment, nothing_left
from bench.tools import devsup

TURNS = 6
"""For each round."""
EMPTY = """
import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main() -> None:
    pass


app()
"""
COMMANDS = ("--version", "status", "env", "logs")
SERVICES = 2


def run(lab: Lab) -> None:
    """Taken in turns, so that whatever else the machine does hits all of them alike."""
    tool = devsup()
    scene = lab.scene(SERVICES)
    scene.save_in_place("".join(f"KEY_{number}=value\n" for number in range(30)))
    script = scene.root / "empty.py"
    script.write_text(EMPTY)
    lines = {"empty typer command": (sys.executable, str(script))}
    lines |= {f"devsup {name}": (tool.words[0], name) for name in COMMANDS}
    with nothing_left():
        program = lab.start(tool, scene)
        try:
            all_started(lab.stamps(scene), SERVICES, program)
            time.sleep(1)
            lab.tell("answers")
            for turn in range(TURNS * lab.rounds + 1):
                for name, line in lines.items():
                    seconds = answer(scene.root, line)
                    if turn:  # the first warms the caches
                        lab.book.add("answers", name, 1000 * seconds)
        finally:
            program.close()


def answer(root: Path, line: tuple[str, ...]) -> float:
    began = time.monotonic()
    subprocess.run(line, cwd=root, check=True, stdout=subprocess.DEVNULL, env=environment())
    return time.monotonic() - began
