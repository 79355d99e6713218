"""The tables and their creation. A real application would migrate instead."""

from datetime import datetime

from sqlalchemy import DateTime, func, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import NullPool

from app.settings import settings

# Any constant will do, as long as every process uses the same.
CREATION_LOCK = 0x6E6F746573


class Base(DeclarativeBase):
    """The root of all tables."""


class Note(Base):
    """A line of text, and when it was written."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    written: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


async def create_tables() -> None:
    """Create what is missing; any number of processes may do so at the same time.

    An engine of its own, so that a Celery parent can call this before it forks and leave no
    connection behind for its children to share.
    """
    engine = create_async_engine(settings.database_url, poolclass=NullPool)
    async with engine.begin() as connection:
        # `CREATE TABLE IF NOT EXISTS` alone loses a race against itself.
        await connection.execute(select(func.pg_advisory_xact_lock(CREATION_LOCK)))
        await connection.run_sync(Base.metadata.create_all)
