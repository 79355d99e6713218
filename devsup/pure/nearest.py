"""What somebody may have meant by a name that is not known."""

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a refusal: `; did you mean "web"?`, or nothing when no known name is near."""
    # Imported late: 3 ms that only a refusal needs.
    from difflib import get_close_matches  # noqa: PLC0415 - see above

    near = get_close_matches(name, known, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
