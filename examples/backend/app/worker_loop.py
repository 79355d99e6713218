"""One event loop for each worker process, so that its engine may keep a pool.

Celery calls a task as a plain function. `asyncio.run` in there makes a new event loop each time,
while pooled connections belong to the loop of the task that opened them: "attached to a different
loop". Here every coroutine of the process runs on the same loop, in a thread of its own.
"""

import asyncio
import functools
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop of this process and wait for it."""
    future = asyncio.run_coroutine_threadsafe(coroutine, _loop())
    try:
        return future.result()
    finally:
        # A soft time limit or an interrupt ends the waiting: end the work too. Done already, this
        # does nothing.
        future.cancel()


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    # The first use is in `worker_process_init`, after the fork: a thread would not survive one.
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="worker-loop", daemon=True).start()
    return loop
