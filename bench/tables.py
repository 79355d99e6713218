"""The measured figures as Markdown tables."""

from collections.abc import Collection, Iterable, Sequence

from bench.book import Book, Summary
from bench.catalogue import CATALOGUE
from bench.tools import DEVSUP, FLOOR

COUNTS = {
    "all": "edits",
    "wrong": "ended wrong",
    "stale": "stale processes a second after",
    "mixed": "mixed",
}


def everything(book: Book, kinds: Collection[str]) -> str:
    """Of these kinds of measures."""
    return "\n".join(
        measure_table(book, name)
        for name in CATALOGUE
        if name in book.measures and name.split("/")[0] in kinds
    )


def measure_table(book: Book, name: str) -> str:
    """Tools from best to worst, each beside the best peer and the floor."""
    measure = CATALOGUE[name]
    rows = ranked(book, name)
    peer, floor = best_peer(book, name), book.median(name, FLOOR)
    lines = [row(tool, summary, peer, floor) for tool, summary in rows]
    notes = [(tool, text) for tool, text in book.notes.get(name, {}).items()]
    head = ("tool", f"median {measure.unit}", "least to most", "to the best peer", "to the floor")
    parts = [f"### {measure.title}\n", table(head, lines)]
    parts += [f"\n{tool}: {text}." for tool, text in notes]
    return "\n".join(parts) + "\n"


def ranked(book: Book, name: str) -> list[tuple[str, Summary]]:
    series = book.measures.get(name, {})
    found = [(tool, Summary.of(samples)) for tool, samples in series.items() if samples]
    sign = -1 if CATALOGUE[name].more_is_better else 1
    return sorted(found, key=lambda each: sign * each[1].median)


def best_peer(book: Book, name: str) -> float | None:
    peers = [each.median for tool, each in ranked(book, name) if is_peer(tool)]
    return peers[0] if peers else None


def is_peer(tool: str) -> bool:
    return tool != FLOOR and not tool.startswith(DEVSUP)


def row(tool: str, summary: Summary, peer: float | None, floor: float | None) -> tuple[str, ...]:
    return (
        f"**{tool}**" if not is_peer(tool) else tool,
        figure(summary.median),
        f"{figure(summary.least)} to {figure(summary.most)}",
        ratio(summary.median, peer),
        ratio(summary.median, floor),
    )


def figure(number: float) -> str:
    """Three digits that say something."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 1 else f"{number:.2f}"


def ratio(number: float, to: float | None) -> str:
    return "" if not to else f"{number / to:.2f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def counts(book: Book, kind: str) -> str:
    """How the edits of each arrangement ended."""
    names = {name: words for name, words in COUNTS.items() if f"{kind}/{name}" in book.measures}
    tools = [tool for tool, edits in book.measures.get(f"{kind}/all", {}).items() if any(edits)]
    rows = [
        (tool, *(f"{book.median(f'{kind}/{name}', tool) or 0:.0f}" for name in names))
        for tool in tools
    ]
    return table(("tool", *names.values()), rows)


def peers(book: Book) -> str:
    """Which version was measured, or why none was."""
    rows = [
        *book.versions.items(),
        *((name, f"not measured: {why}") for name, why in book.missing.items()),
    ]
    return table(("command", "version"), rows)
