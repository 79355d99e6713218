"""Asks the shell whether it understands a line, without running anything of it."""

import re
import subprocess
from functools import lru_cache

_WHERE = re.compile(r"^.*?(?:line )?\d+: (?:Syntax error: )?")


@lru_cache(maxsize=256)  # the lines are read again at every edit of any file, and seldom differ
def complaint(line: str) -> str | None:
    """What `/bin/sh`, which starts every service, says against a line; None when nothing."""
    asked = subprocess.run(
        ["/bin/sh", "-n", "-c", line],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if not asked.returncode:
        return None
    said, _, _ = asked.stderr.strip().partition("\n")
    return _WHERE.sub("", said) or "syntax error"
