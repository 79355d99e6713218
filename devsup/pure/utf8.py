"""The bytes of a file to text, or the line that is none."""

from devsup.pure.errors import Problem

_BOM = "\ufeff"


def decoded(data: bytes, file: str) -> str | Problem:
    """The text without a byte order mark, every end of a line a single newline."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # Only the place is said: the error itself carries the bytes, which may be a secret.
        return Problem(file, data.count(b"\n", 0, error.start) + 1, "is not UTF-8 text")
    return text.removeprefix(_BOM).replace("\r\n", "\n").replace("\r", "\n")
