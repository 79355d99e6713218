"""Plots as SVG text: a dot for each tool's median, a line from its least to its most.

The axis is logarithmic: what is compared are ratios. Greys in the middle and no background are
legible on a light and on a dark page.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

TEXT, LINE, PEER, OURS = "#7a838d", "#8b949e55", "#8b949e", "#2f81f7"
WIDTH, LEFT, RIGHT = 720, 170, 90
TOP, STEP, BOTTOM = 44, 22, 30


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    median: float
    least: float
    most: float
    is_ours: bool = False
    is_floor: bool = False


def plot(title: str, unit: str, rows: Sequence[Row]) -> str:
    """The rows in their order, from the top."""
    axis = Axis.over(rows)
    height = TOP + STEP * len(rows) + BOTTOM
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="system-ui, sans-serif" font-size="13" fill="{TEXT}">'
        ),
        f"<title>{escape(title)}</title>",
        f'<text x="12" y="22" font-size="15" font-weight="600">{escape(title)}</text>',
        *grid(axis, height, unit),
    ]
    for number, row in enumerate(rows):
        parts += mark(row, axis, TOP + STEP * number + STEP // 2)
    return "\n".join([*parts, "</svg>"]) + "\n"


@dataclass(frozen=True, slots=True)
class Axis:
    """Whole decades."""

    low: int
    high: int

    @classmethod
    def over(cls, rows: Sequence[Row]) -> "Axis":
        least = min(row.least for row in rows if row.least > 0)
        low = math.floor(math.log10(least))
        high = math.ceil(math.log10(max(row.most for row in rows)))
        return cls(low, max(high, low + 1))

    def x(self, number: float) -> float:
        share = (math.log10(max(number, 10.0**self.low)) - self.low) / (self.high - self.low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def decades(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def grid(axis: Axis, height: int, unit: str) -> Iterator[str]:
    for number in axis.decades():
        x = axis.x(number)
        yield (
            f'<line x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{height - BOTTOM}" stroke="{LINE}"/>'
            f'<text x="{x}" y="{height - 12}" text-anchor="middle" font-size="11">'
            f"{number:,g}</text>"
        )
    yield f'<text x="{WIDTH - 12}" y="{height - 12}" text-anchor="end" font-size="11">{unit}</text>'


def mark(row: Row, axis: Axis, y: int) -> Iterator[str]:
    colour = OURS if row.is_ours else PEER
    fill = "none" if row.is_floor else colour
    weight = ' font-weight="700"' if row.is_ours else ""
    yield f'<text x="{LEFT - 14}" y="{y + 4}" text-anchor="end"{weight}>{escape(row.name)}</text>'
    yield (
        f'<line x1="{axis.x(row.least)}" y1="{y}" x2="{axis.x(row.most)}" y2="{y}" '
        f'stroke="{colour}" stroke-width="3" stroke-linecap="round" opacity="0.5"/>'
        f'<circle cx="{axis.x(row.median)}" cy="{y}" r="5" fill="{fill}" stroke="{colour}" '
        f'stroke-width="1.5"/>'
    )
    yield f'<text x="{axis.x(row.most) + 10}" y="{y + 4}"{weight}>{label(row.median)}</text>'


def label(number: float) -> str:
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 1 else f"{number:.2f}"
