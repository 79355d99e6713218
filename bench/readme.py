"""What a full run puts into `bench/README.md`, between its markers, and the plots beside it."""

from collections.abc import Collection
from pathlib import Path

from bench import aims, plots, tables
from bench.book import Book
from bench.catalogue import CATALOGUE
from bench.tools import DEVSUP, FLOOR

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
PLOTTED = {
    "edit": "edit/in place",
    "stack": "stack/edit",
    "launch": "launch/20",
    "output": "output/pipe 4",
    "memory": "footprint/memory 20",
}
"""File to measure."""


def write(book: Book, kinds: Collection[str]) -> None:
    """All of it, from a book that may be of several runs."""
    text = README.read_text()
    for name, part in parts(book, kinds).items():
        text = between(text, name, part)
    README.write_text(text)
    folder = FOLDER / "plots"
    folder.mkdir(exist_ok=True)
    for name, measure in PLOTTED.items():
        if measure in book.measures:
            (folder / f"{name}.svg").write_text(plot(book, measure))


def parts(book: Book, kinds: Collection[str]) -> dict[str, str]:
    found = {
        "machine": "\n".join(f"- {key}: {text}" for key, text in book.about.items()),
        "aims": aims.summary(book),
        "peers": tables.peers(book),
        "edit counts": tables.counts(book, "edit"),
        "stack counts": tables.counts(book, "stack"),
    }
    return found | {kind: tables.everything(book, (kind,)) for kind in kinds}


def between(text: str, name: str, part: str) -> str:
    """The text with this part between its markers; unchanged where it has none."""
    opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    head, found, rest = text.partition(opening)
    _, closed, tail = rest.partition(closing)
    return f"{head}{opening}\n{part.strip()}\n\n{closing}{tail}" if found and closed else text


def plot(book: Book, measure: str) -> str:
    rows = [
        plots.Row(tool, each.median, each.least, each.most, tool == DEVSUP, tool == FLOOR)
        for tool, each in tables.ranked(book, measure)
    ]
    about = CATALOGUE[measure]
    return plots.plot(about.title.replace("`", ""), about.unit, rows)
