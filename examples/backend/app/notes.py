"""What the application does, for routes and tasks alike."""

from collections.abc import Sequence

from sqlalchemy import select

from app.db.session import get_session_context
from app.db.tables import Note


async def add(text: str) -> Note:
    """Write a note."""
    async with get_session_context() as session:
        note = Note(text=text)
        session.add(note)
    return note


async def latest(limit: int) -> Sequence[Note]:
    """Read the newest notes first."""
    async with get_session_context() as session:
        return (await session.scalars(select(Note).order_by(Note.id.desc()).limit(limit))).all()
