"""Draws examples/session.svg: a real session of `devsup up` with the example stack, as it looked.

Run it from the root of the repository, with the example installed, when the output looks different:

    python examples/picture.py

It copies the example to a temporary folder, starts it in a terminal of its own, edits `.env`,
breaks it, opens the prompt of `r`, and draws what is on the screen then, from the first report on.
Nothing but Python is needed; the window is dark on any page.
"""

import os
import pty
import re
import select
import shutil
import sys
import tempfile
from fcntl import ioctl
from html import escape
from itertools import groupby
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ

ROOT = Path(__file__).parent.parent
COLUMNS, ROWS = 106, 40
SECONDS = 60.0
CELL, LINE, EDGE = 8.4, 18, 16
"""Pixels: of a character, of a line, around all."""

GROUND, TEXT, DIM, RED = "#12161b", "#d6dde4", "#8b95a0", "#ff6b6b"
TOKEN = re.compile(r"\x1b\[([\d;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]")
REPORT = re.compile(r"devsup .*\(port ")
LEVELS = (0, 95, 135, 175, 215, 255)

Cell = tuple[str, str]
"""A character, and how it is rendered (SGR)."""


class Session:
    """A running `devsup up`, and all that it wrote."""

    def __init__(self, folder: Path) -> None:
        self.written = ""
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.chdir(folder)
            # The services' programs lie beside this Python, in an environment not active.
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            # As root celery warns at length; most people are not.
            changed = {"PATH": path, "PYTHONWARNINGS": "ignore", "TERM": "xterm-256color"}
            command = [sys.executable, "-m", "devsup", "up"]
            os.execve(sys.executable, command, os.environ | changed)
        ioctl(self.terminal, TIOCSWINSZ, pack("HHHH", ROWS, COLUMNS, 0, 0))

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until it was written so many times."""
        while self.written.count(text) < times:
            if not select.select([self.terminal], [], [], SECONDS)[0]:
                sys.exit(f"no {text!r} in:\n{self.written}")
            self.written += os.read(self.terminal, 1 << 16).decode()

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self.terminal, keys.encode())

    def end(self) -> None:
        """Read until it has hung up, and bury it."""
        try:
            while os.read(self.terminal, 1 << 16):
                pass
        except OSError:
            os.waitpid(self.pid, 0)


def play() -> str:
    """What a launch, an edit, a broken one and `r` write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "examples", folder / "examples")
        for file in ("Procfile", "pyproject.toml"):
            shutil.copy(ROOT / file, folder)
        session = Session(folder)
        session.wait_for("processes verified")
        (folder / ".env").write_text("SQLALCHEMY_DISABLE_POOL=1\n", encoding="utf-8")
        session.wait_for("processes verified", 2)
        (folder / ".env").write_text("SQLALCHEMY_DISABLE_POOL=1\nOOPS\n", encoding="utf-8")
        session.wait_for("save the file")
        session.type("r")
        session.wait_for("(Esc: none)")
        written = session.written
        session.type("\x1b")
        session.wait_for("\x1b[J", written.count("\x1b[J") + 1)
        session.type("q")
        session.end()
    return written


def screen(written: str) -> list[list[Cell]]:
    """The rows of a terminal that has shown this; nothing scrolls away."""
    rows: list[list[Cell]] = [[]]
    column, style = 0, "0"
    for token in TOKEN.finditer(written):
        character, code, kind = token[0], token[1], token[2]
        if kind == "m":
            style = code
        elif kind == "J":
            del rows[-1][column:]
        elif character == "\r":
            column = 0
        elif character == "\n" or column == COLUMNS:
            rows.append([])
            column = 0
        if kind is None and character not in "\r\n":
            rows[-1][column:] = [(character, style), *rows[-1][column + 1 :]]
            column += 1
    return rows


def fill(style: str) -> str:
    """The attributes of an SVG text for an SGR."""
    codes = style.split(";")
    if "38" in codes:
        number = int(codes[-1]) - 16
        rgb = (LEVELS[each] for each in (number // 36, number // 6 % 6, number % 6))
        return f'fill="#{"".join(f"{each:02x}" for each in rgb)}"'
    colour = RED if "31" in codes else DIM if "2" in codes else TEXT
    return f'fill="{colour}"' + (' font-weight="700"' if "1" in codes else "")


def texts(rows: list[list[Cell]]) -> str:
    """An SVG text for each run of one style; its length is stated, for fonts differ."""
    found = []
    for line, row in enumerate(rows):
        column = 0
        for style, run in groupby(row, key=lambda cell: cell[1]):
            text = "".join(character for character, _ in run)
            if text.strip():
                x, y = EDGE + column * CELL, EDGE + (line + 0.8) * LINE
                place = f'x="{x:.1f}" y="{y:.1f}" textLength="{len(text) * CELL:.1f}"'
                found.append(f"<text {place} {fill(style)}>{escape(text)}</text>")
            column += len(text)
    return "\n".join(found)


def draw(rows: list[list[Cell]]) -> str:
    """The whole picture."""
    width, height = 2 * EDGE + COLUMNS * CELL, 2 * EDGE + len(rows) * LINE
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" font-size="14"
 font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace">
<style>text {{ white-space: pre }}</style>
<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>
{texts(rows)}
</svg>
"""


def main() -> None:
    """Play, and draw from the first report on."""
    rows = screen(play())
    lines = ["".join(character for character, _ in row) for row in rows]
    first = next((at for at, line in enumerate(lines) if REPORT.search(line)), None)
    if first is None:
        sys.exit("\n".join(["the stack did not come up:", *lines]))
    (ROOT / "examples" / "session.svg").write_text(draw(rows[first:]), encoding="utf-8")


if __name__ == "__main__":
    main()
