"""What stays at the bottom of the terminal while lines go by above it."""

from devsup.edges import window
from devsup.edges.terminal import Terminal
from devsup.pure.bottom import ERASE, RESET, Layer, drawn

BEHIND = 16 * 1024
"""When more bytes wait for the terminal, nothing new is drawn: a terminal that was stopped for an
hour must not get an hour of it."""


class Live:
    """Writes to a terminal, and keeps at most one line below all that was written.

    Where there is no terminal, or a dumb one, and in the background of one, it only writes.
    """

    def __init__(self, terminal: Terminal, fd: int) -> None:
        self._terminal = terminal
        self._fd = fd
        self._texts: dict[Layer, str] = {}
        self._is_drawn = False
        self.is_clever = window.is_clever(fd)

    @property
    def is_possible(self) -> bool:
        """Whether anything can be shown at the bottom now: it may be a shell's prompt."""
        return self.is_clever and not window.is_behind(self._fd)

    def write(self, lines: bytes) -> None:
        """Whole lines, above what is at the bottom; all of it in one write."""
        if self._is_drawn or self._texts:
            lines = self._erased() + lines + self._drawn()
        self._terminal.write(lines)

    def show(self, layer: Layer, text: str) -> None:
        """Have `text` at the bottom from now on, or nothing of this layer when it is empty."""
        before = dict(self._texts)
        self._texts.pop(layer, None)
        if text and self.is_possible:
            self._texts[layer] = text
        # Every erasing belongs to a drawing, of which a terminal that stands still gets no more.
        if self._texts != before and (not self._texts or self._terminal.waiting <= BEHIND):
            self._terminal.write(self._erased() + self._drawn())

    def leave(self) -> None:
        """Nothing at the bottom any more, and no colour left open by the last line."""
        self._texts.clear()
        if self.is_clever:
            self._terminal.write(self._erased() + RESET)

    def _erased(self) -> bytes:
        was_drawn, self._is_drawn = self._is_drawn, False
        return ERASE if was_drawn else b""

    def _drawn(self) -> bytes:
        layer = next((layer for layer in Layer if layer in self._texts), None)
        self._is_drawn = layer is not None
        return drawn(layer, self._texts[layer], self.columns or window.USUAL) if layer else b""

    @property
    def columns(self) -> int:
        """The width of this moment; 0 when nobody knows."""
        return window.columns(self._fd) if self.is_clever else 0
