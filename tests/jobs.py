"""A Celery application as small as can be: says who works, and can keep a worker busy for ever."""

from __future__ import annotations

import os
import time

from celery import Celery
from served import who

URL = f"redis://127.0.0.1:{os.environ['BROKER_PORT']}/0"

app = Celery("jobs", broker=URL, backend=URL)
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
)


@app.task
def answer() -> dict[str, object]:
    """Tell who works."""
    return who()


@app.task
def answer_on(value: str) -> dict[str, object]:
    """Tell who works, but never on other settings than these."""
    while os.environ["VALUE"] != value:
        time.sleep(1)
    return who()
