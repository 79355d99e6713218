"""A folder with the same services for every tool, and an .env to edit."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench import configs


@dataclass(frozen=True, slots=True)
class Scene:
    """`root` is the tools'; stamps and what is half written lie beside it: nobody watches there."""

    root: Path
    stamps: Path
    draft: Path

    @classmethod
    def below(cls, folder: Path) -> Self:
        home = Path(tempfile.mkdtemp(dir=folder))
        root = home / "app"
        root.mkdir()
        return cls(root, home / "stamps", home / "draft")

    def lay(self, services: Mapping[str, str]) -> None:
        """Name to command line."""
        for name, text in configs.files(services, str(self.root)).items():
            (self.root / name).write_text(text)

    @property
    def env(self) -> Path:
        return self.root / ".env"

    def save_in_place(self, text: str) -> None:
        self.env.write_text(text)

    def save_by_rename(self, text: str) -> None:
        self.draft.write_text(text)
        self.draft.replace(self.env)
