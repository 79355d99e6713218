"""Small pieces of sentences; apart from `report`, which commands need not wait for."""

from collections.abc import Iterator, Sequence

from devsup.pure.errors import DevsupError

ENDED = "everything has ended"
"""Said last, and by whoever waited for it in another terminal."""

NAMED = 6
"""Services that are named in one sentence."""


def seconds(duration: float) -> str:
    """`12 s`, `1.9 s`, `7 ms`: more digits are more than a person reads."""
    if duration >= 9.95:  # noqa: PLR2004  what rounds to two digits
        return f"{duration:.0f} s"
    if duration >= 0.0995:  # noqa: PLR2004  likewise
        return f"{duration:.2g} s"
    return f"{1000 * duration:.0f} ms"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 process`, `2 processes`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def refusal(error: DevsupError) -> str:
    """What is wrong, and what to do about it."""
    return f"devsup: {error.message}" + (f"\n        {error.hint}" if error.hint else "")


def enumerated(names: Sequence[str]) -> str:
    """`web.1 worker.1`; of very many the first: a line has to be read at a glance."""
    more = len(names) - NAMED
    if more <= 1:
        return " ".join(names)
    return f"{' '.join(names[:NAMED])} and {more} more"


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of cells, each column as wide as its widest."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for each in rows:
        cells = (cell.ljust(width) for cell, width in zip(each, widths, strict=True))
        yield "  ".join(cells).rstrip()
