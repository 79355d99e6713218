"""What to show of a line that has not got its newline, and when; pure.

Such a line is held back, for it may go on. But a progress bar gets its newline in minutes, and a
prompt gets it when somebody answers.
"""

import re
from dataclasses import dataclass

from devsup.pure.cleaning import cleaned, draws, without_colour

QUIET = 1.0
"""Seconds in which nothing came: whoever prompts waits now, and a bar stands still."""
EVERY = 5.0
"""Seconds between two states of a progress bar that goes on."""

_PROMPT = re.compile(rb"[]:>?$)#] ?$")
_DRAWN_PROMPT = re.compile(rb"[]:>?$)#] $")  # a bar ends like this, too, but hardly with a blank


@dataclass(frozen=True, slots=True)
class Shown:
    """A state of the line to be shown; `is_prompt` when it seems to wait for an answer."""

    text: bytes
    is_prompt: bool


@dataclass(slots=True)
class Unfinished:
    """The line that a service is at: which state of it was shown last, and when."""

    since: float = 0.0
    shown: bytes = b""

    def look(self, rest: bytes, now: float, *, quiet: bool, asks: bool) -> Shown | None:
        """What to show of `rest` now; `asks` when its writer could be answered."""
        text = cleaned(rest)
        bare = without_colour(text)
        if not bare.strip() or text == self.shown:
            return None
        is_drawn = draws(rest)
        pattern = _DRAWN_PROMPT if is_drawn else _PROMPT
        is_prompt = quiet and asks and pattern.search(bare) is not None
        if not is_prompt and not (is_drawn and (quiet or now - self.since >= EVERY)):
            return None
        self.since, self.shown = now, text
        return Shown(text, is_prompt)

    def completed(self, run: bytes) -> bytes:
        """The run of lines without the first, if that was shown just as it stands."""
        shown, self.shown = self.shown, b""
        return run[len(shown) + 1 :] if shown and run.startswith(shown + b"\n") else run
