"""What a key means to `devsup up`; pure: a state and a key to the next state and an effect.

A key is one character, or the bytes that a terminal sends for a key that has none (an arrow).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

ESCAPE = "\x1b"
_ENTER = frozenset("\r\n")
_BACKSPACE = frozenset("\x7f\b")
_KEY = re.compile(r"\x1b[\[O][0-?]*[ -/]*[@-~]|\x1b[^\x1b]|.", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_.-]")
_ALL = "r"


class Act(Enum):
    """What is asked for without a name."""

    STATUS = "status"
    HELP = "help"
    EMPTY_LINE = "empty line"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart the service of this name, as it was typed; all of them when it is empty."""

    name: str


Effect = Act | Restart


@dataclass(frozen=True, slots=True)
class Idle:
    """Each key stands for something, or for nothing."""


@dataclass(frozen=True, slots=True)
class Asking:
    """`r` was pressed: which service? `text` is what was typed of the answer.

    `services` are the names that are shown: a number means one of them, whatever an edit of the
    Procfile makes of the services meanwhile.
    """

    services: tuple[str, ...]
    text: str = ""


State = Idle | Asking

_ACTS = {"s": Act.STATUS, "?": Act.HELP, "q": Act.QUIT} | dict.fromkeys(_ENTER, Act.EMPTY_LINE)

SHORT_HELP = "keys: r restart, s status, q end, ? help"
HELP = """\
r      restart: r again for all, a number or a name for one
s      status
q      end gracefully; Ctrl-C then kills
?      this
Enter  an empty line"""


def split(data: bytes) -> Iterator[str]:
    """The keys of what was read."""
    return (match.group() for match in _KEY.finditer(data.decode(errors="ignore")))


def press(state: State, key: str, services: Sequence[str]) -> tuple[State, Effect | None]:
    """What a key leads to; `services` are the names of all instances now, numbered from 1."""
    match state:
        case Asking():
            return _answer(state, key)
        case Idle() if key == "r":
            return Asking((*services,)), None
        case Idle():
            return Idle(), _ACTS.get(key)


def _answer(asking: Asking, key: str) -> tuple[State, Effect | None]:
    text, short = asking.text, _short(asking.services)
    if key == ESCAPE or (key in _BACKSPACE and not text):
        return Idle(), None
    if key in _ENTER:
        return Idle(), Restart(short.get(text, text))
    if key in _BACKSPACE:
        return replace(asking, text=text[:-1]), None
    if not _NAME.fullmatch(key):
        return asking, None
    text += key
    if text in short and not _goes_on(text, asking.services):
        return Idle(), Restart(short[text])
    return replace(asking, text=text), None


def _short(services: Sequence[str]) -> dict[str, str]:
    """Answers that need no Enter while nothing else begins like them."""
    return {str(number): name for number, name in enumerate(services, 1)} | {_ALL: ""}


def _goes_on(text: str, services: Sequence[str]) -> bool:
    """Whether a longer answer begins with this one."""
    answers = {*_short(services), *services}
    return any(answer.startswith(text) for answer in answers - {text})


def prompt(state: State) -> str:
    """The line that asks which service, what was typed first: the line may be cut at its end."""
    match state:
        case Asking(services, text):
            numbered = "  ".join(f"{at} {name}" for at, name in enumerate(services, 1))
            return f"restart: {text}_   r all  {numbered}  (Esc: none)"
        case Idle():
            return ""
