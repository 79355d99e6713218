"""What devsup aims at, and whether the figures of a run reach it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.book import Book
from bench.tables import best_peer, figure, is_peer, table
from bench.tools import DEVSUP, FLOOR

HONCHO = "honcho"
OUTLETS = ("file", "pipe", "terminal")
SERVICES = (1, 4)


@dataclass(frozen=True, slots=True)
class Verdict:
    aim: str
    measured: str
    is_met: bool


Judge = Callable[[Book], Iterator[Verdict]]


def verdicts(book: Book) -> list[Verdict]:
    """Of every aim whose figures are there."""
    return [verdict for judge in JUDGES for verdict in judge(book)]


def summary(book: Book) -> str:
    """As a table."""
    rows = [
        (each.aim, each.measured, "yes" if each.is_met else "**no**") for each in verdicts(book)
    ]
    return table(("aim", "measured", "met"), rows)


def edits(book: Book) -> Iterator[Verdict]:
    for kind in ("in place", "by rename"):
        name = f"edit/{kind}"
        ours, floor, peer = (
            book.median(name, DEVSUP),
            book.median(name, FLOOR),
            best_peer(book, name),
        )
        if ours and floor:
            yield Verdict(
                f"`.env` saved {kind}, trivial services: at most 25 ms above the floor",
                f"{figure(ours)} ms, floor {figure(floor)} ms",
                ours - floor <= 25,
            )
        if ours and peer:
            yield Verdict(
                f"`.env` saved {kind}, trivial services: at most a third of the best peer",
                f"{ours / peer:.2f} of {figure(peer)} ms",
                ours <= peer / 3,
            )


def stack(book: Book) -> Iterator[Verdict]:
    ours, floor = book.median("stack/edit", DEVSUP), book.median("stack/edit", FLOOR)
    if ours and floor:
        yield Verdict(
            "`.env` saved to ready, uvicorn and Celery: at most 3 % above the floor",
            f"{figure(ours)} s, floor {figure(floor)} s",
            ours <= 1.03 * floor,
        )


def right(book: Book) -> Iterator[Verdict]:
    count = book.median("edit/all", DEVSUP)
    wrong, stale = book.median("edit/wrong", DEVSUP), book.median("edit/stale", DEVSUP)
    if count is not None and wrong is not None and stale is not None:
        yield Verdict(
            "Edits that ended wrong, stale processes a second after: none",
            f"{wrong:.0f} and {stale:.0f} in {count:,.0f} edits",
            wrong == stale == 0,
        )


def launch(book: Book) -> Iterator[Verdict]:
    for size, share, words in ((2, 1.0, "not slower than"), (20, 1 / 3, "at most a third of")):
        ours, theirs = (book.median(f"launch/{size}", name) for name in (DEVSUP, HONCHO))
        if ours and theirs:
            yield Verdict(
                f"Launch to {size} services started: {words} honcho's",
                f"{figure(ours)} ms, {ours / theirs:.2f} of honcho's",
                ours <= share * theirs,
            )


def leaving(book: Book) -> Iterator[Verdict]:
    for size in (2, 20):
        ours = book.median(f"exit since last/{size}", DEVSUP)
        if ours:
            yield Verdict(
                f"Ctrl-C to exit, {size} services: at most 30 ms after the last service ended",
                f"{figure(ours)} ms",
                ours <= 30,
            )


def output(book: Book) -> Iterator[Verdict]:
    """Against the fastest of those that lose and tear nothing, whatever the way."""
    ways = [f"{outlet} {services}" for outlet in OUTLETS for services in SERVICES]
    whole = [tool for tool in book.measures.get("output/pipe 1", {}) if is_whole(book, tool, ways)]
    for way in ways:
        speeds = {tool: book.median(f"output/{way}", tool) or 0.0 for tool in whole}
        ours, cpu = book.median(f"output/{way}", DEVSUP), book.median(f"output/cpu {way}", DEVSUP)
        if not (speeds and ours and cpu):
            continue
        best = max(speeds, key=lambda tool: speeds[tool])
        price = book.median(f"output/cpu {way}", best) or 0.0
        yield Verdict(
            f"Output, {way}: as fast as the fastest peer that harms no line, at no more CPU a line",
            f"{ours / speeds[best]:.1f} of {best}'s lines/s, {cpu / price:.2f} of its CPU",
            ours >= speeds[best] and cpu <= price,
        )


def is_whole(book: Book, tool: str, ways: list[str]) -> bool:
    harms = [book.measures.get(f"output/harm {way}", {}).get(tool) for way in ways]
    return is_peer(tool) and all(harm is not None and not any(harm) for harm in harms)


def idle(book: Book) -> Iterator[Verdict]:
    cpu = book.median("footprint/idle cpu", DEVSUP)
    wakeups = book.median("footprint/idle wake-ups", DEVSUP)
    if cpu is not None and wakeups is not None:
        yield Verdict(
            "Idle, 20 services: under 0.1 % of a core and under 5 wake-ups a second",
            f"{cpu:.2f} %, {wakeups:.1f} a second",
            cpu < 0.1 and wakeups < 5,
        )


def memory(book: Book) -> Iterator[Verdict]:
    ours, theirs = (book.median("footprint/memory 20", name) for name in (DEVSUP, HONCHO))
    if ours and theirs:
        yield Verdict(
            "Memory with 20 services: at most a third of honcho's",
            f"{figure(ours)} MiB, {ours / theirs:.2f} of honcho's",
            ours <= theirs / 3,
        )


def answers(book: Book) -> Iterator[Verdict]:
    empty = book.median("answers", "empty typer command")
    for command in ("status", "logs", "env"):
        ours = book.median("answers", f"devsup {command}")
        if ours and empty:
            yield Verdict(
                f"`devsup {command}`: at most 1.5 of an empty typer command",
                f"{ours / empty:.2f} of {figure(empty)} ms",
                ours <= 1.5 * empty,
            )


JUDGES: tuple[Judge, ...] = (
    edits, stack, right, launch, leaving, output, idle, memory, answers,
)  # fmt: skip
