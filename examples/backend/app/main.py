"""The web application: `uvicorn app.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from celery.exceptions import TimeoutError as NoWorkerError
from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app import notes, tasks
from app.db.session import PoolReport, engine, get_session_context, pool_report
from app.db.tables import Note, create_tables

WORKER_PATIENCE_SECONDS = 5


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The table before the first request; the connections closed after the last."""
    await create_tables()
    yield
    await engine.dispose()


app = FastAPI(title="Notes", lifespan=lifespan)


class NewNote(BaseModel):
    """What a client writes."""

    text: str


class WrittenNote(NewNote):
    """What a client reads."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    written: datetime


@app.post("/notes", status_code=201, response_model=WrittenNote)
async def add_note(note: NewNote) -> Note:
    """Write a note."""
    return await notes.add(note.text)


@app.get("/notes", response_model=list[WrittenNote])
async def latest_notes(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Any:
    """Read the newest notes first."""
    return await notes.latest(limit)


@app.get("/pool")
async def pool() -> PoolReport:
    """Tell which pool, size, process and generation answer."""
    return pool_report()


# No `async def`: waiting for a task blocks, so it belongs in a thread and not on the event loop.
@app.get("/worker/pool")
def worker_pool() -> dict[str, Any]:
    """Tell the same of the worker process that takes the task."""
    # Expires, because nobody will be waiting for it any longer.
    task = tasks.report_pool.apply_async(expires=WORKER_PATIENCE_SECONDS)
    try:
        answer: dict[str, Any] = task.get(timeout=WORKER_PATIENCE_SECONDS)
    except NoWorkerError:
        raise HTTPException(504, "no worker has answered") from None
    return answer


@app.get("/health")
async def health() -> dict[str, str]:
    """Tell whether the database answers."""
    try:
        async with get_session_context() as session:
            await session.execute(select(1))
    except (OSError, SQLAlchemyError):
        raise HTTPException(503, "the database does not answer") from None
    return {"status": "ok"}
