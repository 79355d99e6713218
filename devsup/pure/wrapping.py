"""Sentences to lines that a terminal need not break within a word."""

NARROW = 30
"""Columns that are too few to wrap in: a terminal that is so narrow may do it itself."""


def wrapped(text: str, width: int) -> str:
    """Lines of at most `width` columns, broken between words; what belongs together is indented."""
    if width < NARROW:
        return text
    return "\n".join("\n".join(_broken(line, width)) for line in text.split("\n"))


def _broken(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    from textwrap import wrap  # noqa: PLC0415  it compiles patterns, for few lines

    indent = line[: -len(line.lstrip())] or "  "
    return wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
