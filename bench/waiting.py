"""Waiting for something to become true, with a limit."""

import time
from collections.abc import Callable

STEP = 0.004
"""Seconds between looks. What is measured carries its own time: a late look spoils nothing."""


def until(condition: Callable[[], object], limit: float) -> bool:
    """False when it did not come true within `limit` seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(STEP)
    return True
