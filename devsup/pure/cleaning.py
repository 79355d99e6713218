r"""What a program draws in its own terminal to lines that may stand between those of others; pure.

A terminal obeys: a carriage return overwrites the line, a sequence moves the cursor, clears the
screen, sets the title. Between the lines of other services that wrecks theirs. So each line becomes
what a terminal would show of it in the end, and only colours (SGR) stay.

The unit is the run of whole lines (`lines`): one that has nothing of all this, and nearly all have
not but for `\r\n`, costs a few searches for a byte.
"""

import re
from collections.abc import Iterable
from itertools import groupby

MOST_COLUMNS = 1000
"""How far to the right of a line's text the cursor can be moved: blanks are remembered, too."""
WIDEST = 4 * MOST_COLUMNS
"""No terminal is as wide as that: a longer line is not erased or moved within, it only grows."""
LONGEST_STYLE = 64
"""Bytes of colour sequences that one character remembers; then the last one counts, if it is not
longer itself."""

RESET = "\x1b[0m"
_OBEYED = (b"\x1b", b"\r", b"\b", b"\x07", b"\x0b", b"\x0c", b"\x0e", b"\x0f")
_SEQUENCE = (
    r"\x1b(?:\[(?P<given>[0-?]*)[ -/]*(?P<act>[@-~])"  # CSI: cursor, erasing, colour, modes
    r"|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # title, link, and whatever else is a text
    r"|[ -/]*[0-~])?"
    r"|[\x07\x0b\x0c\x0e\x0f]"
)
_C1 = rb"\xc2[\x80-\x9f]"  # controls that terminals obey like the sequences they stand for
_SEQUENCES = re.compile(_SEQUENCE.encode() + b"|" + _C1)
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")  # not a private one, which may set the keyboard's mode
_DRAWS = re.compile(rb"[\r\b]|\x1b\[[0-?]*[@CDEFGHJKPf]")
_TOKENS = re.compile(rf"(?P<text>[^\x00-\x1f\x7f-\x9f]+)|{_SEQUENCE}|(?s:.)")
_INCOMPLETE = re.compile(  # a sequence, or a character of UTF-8, that goes on in the next read
    rb"(?:\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)|[\xc2-\xf4][\x80-\xbf]{0,2})\Z"
)
_NUMBER = re.compile(r"\d{1,6}")
_COLOURS = (b"\x1b[0m", b"\x1b[m")


def cleaned(run: bytes) -> bytes:
    """The run of lines, each as a terminal shows it in the end; the number of lines stays."""
    run = run.replace(b"\r\n", b"\n")
    if not _is_obeyed(run):
        return run
    return b"\n".join([_line(line) if _is_obeyed(line) else line for line in run.split(b"\n")])


def folded(line: bytes) -> bytes:
    """Something shorter that shows the same as this beginning of a line, however it goes on."""
    if not _DRAWS.search(line):
        return line
    incomplete = _INCOMPLETE.search(line)
    tail = incomplete[0] if incomplete else b""
    row = _Row(line[: len(line) - len(tail)])
    cursor = "" if row.column == len(row.cells) else f"\x1b[{row.column + 1}G"
    return _bytes(f"{row.shown()}{cursor}{row.style}") + tail


def draws(line: bytes) -> bool:
    """Whether this line is drawn more than once, as a progress bar is."""
    return _DRAWS.search(line) is not None


def without_colour(line: bytes) -> bytes:
    """The bare text of a cleaned line."""
    return _SEQUENCES.sub(b"", line)


def _is_obeyed(text: bytes) -> bool:
    if any(each in text for each in _OBEYED):
        return True
    return b"\xc2" in text and re.search(_C1, text) is not None


def _line(line: bytes) -> bytes:
    line = line.rstrip(b"\r")
    if _DRAWS.search(line):
        return _bytes(_Row(line).shown())
    return _closed(_SEQUENCES.sub(_colour_only, line))


def _colour_only(sequence: re.Match[bytes]) -> bytes:
    return sequence[0] if _COLOUR.fullmatch(sequence[0]) else b""


def _closed(line: bytes) -> bytes:
    """A colour that is still open must not leak into what comes next."""
    start = line.rfind(b"\x1b[")
    is_open = start >= 0 and not line.startswith(_COLOURS, start)
    return line + RESET.encode() if is_open else line


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


class _Row:
    """One line of a terminal, each cell a character and the colours it was written in.

    Every character counts as one column, also those that take two: what overwrites a line is mostly
    laid out like what it overwrites.
    """

    def __init__(self, line: bytes) -> None:
        self.cells: list[tuple[str, str]] = []
        self.column = 0
        self.style = ""
        for token in _TOKENS.finditer(line.decode(errors="surrogateescape")):
            self._take(token)

    def shown(self) -> str:
        """The line as it stands now."""
        return "".join(_styled(style, cells) for style, cells in groupby(self.cells, _style))

    def _take(self, token: re.Match[str]) -> None:
        if text := token["text"]:
            self._put(text)
        elif token[0] == "\t":
            self._put("\t")
        elif token[0] == "\r":
            self.column = 0
        elif token[0] == "\b":
            self._move(self.column - 1)
        elif token["act"]:
            self._obey(token["act"], token["given"], [int(n) for n in _NUMBER.findall(token[0])])

    def _put(self, text: str) -> None:
        self._blank(self.column)
        end = self.column + len(text)
        self.cells[self.column : end] = [(self.style, character) for character in text]
        self.column = end

    def _blank(self, columns: int) -> None:
        self.cells += [("", " ")] * (columns - len(self.cells))

    def _move(self, column: int) -> None:
        self.column = max(0, min(column, max(len(self.cells), MOST_COLUMNS)))

    def _obey(self, act: str, given: str, numbers: list[int]) -> None:
        first = numbers[0] if numbers else 0
        match act:
            case "m":
                self._colour(given)
            case "C":
                self._move(self.column + max(first, 1))
            case "D":
                self._move(self.column - max(first, 1))
            case "G":
                self._move(first - 1)
            case "H" | "f":
                self._move(numbers[1] - 1 if len(numbers) > 1 else 0)
            case "E" | "F":
                self.column = 0
            case _ if max(self.column, len(self.cells)) <= WIDEST:
                self._edit(act, first)

    def _edit(self, act: str, first: int) -> None:
        """Take out, put in, erase; each time all that follows is moved, so not in a long line."""
        match act:
            case "P":
                del self.cells[self.column : self.column + max(first, 1)]
            case "@":
                blanks = [("", " ")] * min(max(first, 1), MOST_COLUMNS)
                self.cells[self.column : self.column] = blanks
            case "J" | "K":
                self._erase(first)
        self._move(self.column)  # what is left may be shorter than where it can stand

    def _erase(self, part: int) -> None:
        """To the end of the line (0), from its beginning (1), or all of it."""
        if part == 1:
            self._blank(self.column)
            self.cells[: self.column] = [("", " ")] * self.column
        else:
            del self.cells[0 if part else self.column :]

    def _colour(self, given: str) -> None:
        sequence = f"\x1b[{given}m"
        if given.startswith(("<", "=", ">", "?")):
            return  # no colour, but a mode of the keyboard or of the terminal
        if given in {"", "0"} or len(sequence) > LONGEST_STYLE:
            self.style = ""
        elif not self.style.endswith(sequence):
            self.style = (self.style if len(self.style) < LONGEST_STYLE else "") + sequence


def _style(cell: tuple[str, str]) -> str:
    return cell[0]


def _styled(style: str, cells: Iterable[tuple[str, str]]) -> str:
    text = "".join(character for _, character in cells)
    return f"{style}{text}{RESET}" if style else text
