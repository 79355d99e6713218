"""Bytes as they come to whole lines, and what stands before each; pure.

A terminal shows lines of many services between each other, so the unit here is the run of whole
lines: everything up to the last newline of one read. A run is prefixed by one `bytes.replace`,
however many lines it has, which is what makes a flood cheap.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from zlib import crc32

from devsup.pure.cleaning import folded

LIMIT = 64 * 1024
"""The longest line that is held back until its newline, in bytes without it."""

OWN = "devsup"
"""The name that devsup's own lines carry."""

# Of the 256 colours, which no theme changes, six with a contrast of 3.5 and more on black and on
# white, and none that looks like an alarm.
_PALETTE = ("38;5;30", "38;5;134", "38;5;64", "38;5;33", "38;5;166", "38;5;168")
_DIM = "2"


class Tone(Enum):
    """How loudly devsup says something on a terminal; the value is how it is rendered (SGR)."""

    PLAIN = "0"
    REPORT = "0;1"
    """What one looks for: bold."""
    ALARM = "0;1;31"
    """What one must not overlook: bold red."""


_CONTINUATION = range(0x80, 0xC0)  # bytes of UTF-8 that do not begin a character


class Lines:
    """Splits what a pipe delivers into runs of whole lines, however the reads fall.

    A line longer than the limit is passed on in pieces that end with a newline of their own;
    a piece never ends within a character of UTF-8. At most `limit` bytes are held back: of a line
    that is drawn over and over, what can be seen of it.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._rest = b""

    @property
    def rest(self) -> bytes:
        """What is held back."""
        return self._rest

    def feed(self, data: bytes) -> bytes:
        """The lines that `data` completes, as one run; empty when it completes none."""
        size = self._limit
        return b"".join([self._feed(data[at : at + size]) for at in range(0, len(data), size)])

    def end(self) -> bytes:
        """At the end of the bytes: the line that never got its newline, with one."""
        return self._rest and self._rest + b"\n"

    def _feed(self, data: bytes) -> bytes:
        """`data` is no longer than the limit: only the first line of the two can exceed it."""
        pieces, text = self._pieces(self._rest + data)
        end = text.rfind(b"\n") + 1
        self._rest = text[end:]
        return pieces + text[:end]

    def _pieces(self, text: bytes) -> tuple[bytes, bytes]:
        pieces: list[bytes] = []
        end = _first_line(text)
        if end > self._limit:
            text = folded(text[:end]) + text[end:]
        while _first_line(text) > self._limit:
            cut = _boundary(text, self._limit)
            pieces += text[:cut], b"\n"
            text = text[cut:]
        return b"".join(pieces), text


def _first_line(text: bytes) -> int:
    end = text.find(b"\n")
    return len(text) if end < 0 else end


def _boundary(text: bytes, limit: int) -> int:
    """Where to cut: before the character that does not fit, if this is UTF-8 (at most 4 bytes)."""
    for cut in range(limit, limit - 4, -1):
        if text[cut] not in _CONTINUATION:
            return cut
    return limit


def prefixed(run: bytes, prefix: bytes) -> bytes:
    """The run of whole lines with `prefix` before each."""
    return prefix + run[:-1].replace(b"\n", b"\n" + prefix) + b"\n"


class Prefix:
    """What stands before each line of one service: `HH:MM:SS web.1     | `."""

    def __init__(self, label: str, sgr: str | None, tone: Tone = Tone.PLAIN) -> None:
        # The reset comes first: a colour that another service left open must not leak into this.
        start, reset = ("", "") if sgr is None else (f"\x1b[0;{sgr}m", f"\x1b[{tone.value}m")
        self._start = start.encode()
        self._end = f"{label} |{reset} ".encode()
        # Columns, without the time.
        self.width = len(label) + len(" | ")

    def at(self, clock: bytes) -> bytes:
        """The prefix of lines that were read at `clock` (`b"12:00:00 "`, empty for no time)."""
        return self._start + clock + self._end


def prefixes(names: Sequence[str], *, colour: bool) -> Mapping[str, Prefix]:
    """A prefix for each service and for devsup itself, padded to the longest name."""
    width = max(map(len, [*names, OWN]))
    shades = {OWN: _DIM, **_shades(names)}
    return {
        name: Prefix(name.ljust(width), shades[_type(name)] if colour else None)
        for name in [*names, OWN]
    }


def own_prefixes(names: Sequence[str], *, colour: bool) -> Mapping[Tone, Prefix]:
    """The prefixes of devsup's own lines, which leave the rest of the line in its tone."""
    label = OWN.ljust(max(map(len, [*names, OWN])))
    return {tone: Prefix(label, _DIM if colour else None, tone) for tone in Tone}


def _shades(names: Sequence[str]) -> dict[str, str]:
    """A colour for each process type that depends on its name, and is its own while some are left.

    The name decides first, so that a type keeps its colour when others come and go.
    """
    shades: dict[str, str] = {}
    for kind in dict.fromkeys(map(_type, names)):
        start = crc32(kind.encode()) % len(_PALETTE)
        ring = _PALETTE[start:] + _PALETTE[:start]
        unused = [shade for shade in ring if shade not in shades.values()]
        shades[kind] = (unused or ring)[0]
    return shades


def _type(name: str) -> str:
    """The process type of a service: `worker` of `worker.2`."""
    return name.rpartition(".")[0] or name
