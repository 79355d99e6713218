"""The engine of this process, and `get_session_context()`, the one way to use it.

`SQLALCHEMY_DISABLE_POOL=1` opens a connection for each use: slower, and never shared between event
loops. `0` keeps a pool. An asyncpg connection belongs to the event loop that opened it, so with the
pool on the engine must be used on *one* loop a process. A web server has just one; how a Celery
worker gets its one is in `app.worker_loop`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import AsyncAdaptedQueuePool, NullPool
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from app.settings import settings


def _build_engine() -> AsyncEngine:
    """The engine that the settings ask for; no connection is opened yet."""
    if settings.disable_pool:
        return create_async_engine(settings.database_url, poolclass=NullPool)
    return create_async_engine(
        settings.database_url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=settings.pool_size,
        max_overflow=settings.max_overflow,
        pool_pre_ping=True,
    )


engine = _build_engine()

# Without this, reading an attribute after the commit would query again, outside of any `await`:
# "greenlet_spawn has not been called".
_sessions = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def get_session_context() -> AsyncIterator[AsyncSession]:
    """A session in a transaction: committed at the end of the block, rolled back on an error."""
    async with _sessions.begin() as session:
        yield session


@dataclass(frozen=True, slots=True)
class PoolReport:
    """What this very process runs on; without a pool there is no size."""

    pool: str
    size: int | None
    checked_out: int | None
    pid: int
    generation: int | None


def pool_report() -> PoolReport:
    """Ask the live pool, not the settings; the generation is the one devsup started us with."""
    pool = engine.pool
    generation = os.environ.get("DEVSUP_GENERATION")
    return PoolReport(
        pool=type(pool).__name__,
        size=pool.size() if isinstance(pool, AsyncAdaptedQueuePool) else None,
        checked_out=pool.checkedout() if isinstance(pool, AsyncAdaptedQueuePool) else None,
        pid=os.getpid(),
        generation=int(generation) if generation else None,
    )
