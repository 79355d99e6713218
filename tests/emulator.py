"""What a person sees: the little of a terminal's behaviour that devsup uses, and no more."""

from __future__ import annotations

import re

ROWS = 1000  # more than any test fills: nothing scrolls away
TOKEN = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])|\r|\n|[^\x1b\r\n]")


class Emulator:
    """A screen of so many columns; characters beyond the last one wrap."""

    def __init__(self, columns: int = 80) -> None:
        self.columns = columns
        self.rows: list[str] = [""]
        self.row = self.column = 0
        self.colour = "0"

    def feed(self, text: str) -> Emulator:
        """Show this; what is not known here is an error."""
        end = 0
        for token in TOKEN.finditer(text):
            assert token.start() == end, f"not understood: {text[end:][:20]!r}"
            end = token.end()
            self._take(token)
        assert end == len(text)
        return self

    def _take(self, token: re.Match[str]) -> None:
        match token.group(), token[2]:
            case "\r", _:
                self.column = 0
            case "\n", _:
                self._down()
            case _, "m":
                self.colour = token[1]
            case _, "J":
                self.rows[self.row] = self.rows[self.row][: self.column]
                del self.rows[self.row + 1 :]
            case character, None:
                self._put(character)
            case _:
                raise AssertionError(f"not understood: {token.group()!r}")

    def _put(self, character: str) -> None:
        if self.column == self.columns:
            self._down()
            self.column = 0
        line = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = line[: self.column] + character + line[self.column + 1 :]
        self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append("")

    @property
    def lines(self) -> list[str]:
        """What stands there, without the empty row of the cursor."""
        return self.rows if self.rows[-1] else self.rows[:-1]
