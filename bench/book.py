"""What was measured: of each measure and tool all samples, and why one has none."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Self


@dataclass(frozen=True, slots=True)
class Summary:
    """Of some samples."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, samples: Iterable[float]) -> Self:
        ordered = sorted(samples)
        return cls(median(ordered), ordered[0], ordered[-1])


Series = dict[str, list[float]]
"""Tool to samples."""


@dataclass(slots=True)
class Book:
    """Measures by name, such as `launch/20`."""

    about: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    measures: dict[str, Series] = field(default_factory=dict)
    notes: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, measure: str, tool: str, sample: float) -> None:
        self.measures.setdefault(measure, {}).setdefault(tool, []).append(round(sample, 4))

    def note(self, measure: str, tool: str, text: str) -> None:
        """The latest counts."""
        self.notes.setdefault(measure, {})[tool] = text

    def forget(self, kind: str) -> None:
        """All measures of a kind, before they are taken anew."""
        for page in (self.measures, self.notes):
            for name in [name for name in page if name.split("/")[0] == kind]:
                del page[name]

    def summary(self, measure: str, tool: str) -> Summary | None:
        samples = self.measures.get(measure, {}).get(tool)
        return Summary.of(samples) if samples else None

    def median(self, measure: str, tool: str) -> float | None:
        summary = self.summary(measure, tool)
        return summary.median if summary else None

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        pages = {name: getattr(self, name) for name in self.__slots__}
        path.write_text(f"{json.dumps(pages, indent=1)}\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_text())) if path.exists() else cls()
