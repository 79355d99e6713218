"""The tasks. Two of them do the same work, once wrong and once right."""

import asyncio
import os
import time
from dataclasses import asdict
from typing import Any

from app import notes, worker_loop
from app.db.session import pool_report
from app.worker import celery


@celery.task
def add_note_with_asyncio_run(text: str) -> int:
    """The form that is written first, and fails with the pool on.

    Each call makes a new event loop, and finds connections of an earlier one in the pool:
    "attached to a different loop". It is right with SQLALCHEMY_DISABLE_POOL=1 only. One such task
    spoils the pool for all others of its process, so there is no mixing.
    """
    return asyncio.run(notes.add(text)).id


@celery.task
def add_note(text: str) -> int:
    """The form for production, right with the pool on or off."""
    return worker_loop.run(notes.add(text)).id


@celery.task
def sleep(seconds: float) -> dict[str, Any]:
    """Take a while, and tell which process has done so."""
    time.sleep(seconds)
    return {"pid": os.getpid(), "generation": pool_report().generation}


@celery.task
def report_pool() -> dict[str, Any]:
    """Tell which pool, size, process and generation work on tasks."""
    return asdict(pool_report())
