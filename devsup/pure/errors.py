"""What can be wrong, said so that a person knows what to do about it."""

from dataclasses import dataclass

FAILED = 1
USAGE = 2
RUNNING = 3
BUG = 70


@dataclass(frozen=True, slots=True)
class Problem:
    """Something unreadable in a file; `line` counts from 1, None stands for the whole file.

    The message never contains a value of a setting: those are secrets.
    """

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        """`file:line: message`, the form editors and terminals make clickable."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"


class DevsupError(Exception):
    """A refusal: what is wrong and where, what to type next, and how devsup exits."""

    def __init__(self, message: str, *, hint: str = "", exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


class UnreadableError(DevsupError):
    """One or more files cannot be understood; nothing was changed because of them."""

    def __init__(self, problems: tuple[Problem, ...], *, hint: str = "") -> None:
        super().__init__("\n".join(map(str, problems)), hint=hint, exit_code=USAGE)
        self.problems = problems
