"""Finds out when a service is ready, by asking it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ssl import SSLContext

FIRST_PAUSE = 0.01
LAST_PAUSE = 0.25
"""Seconds between two questions: often at first, since most services are quick, then less so."""
LATE_PAUSE = 1.0
"""Seconds between two questions to a service that is late, whatever hints there are: it may stay so
for hours, and to see what it listens on is to look at every process of the machine."""
BREATH = 0.02
"""Seconds between two questions at least, however many hints there are."""
PATIENCE = 2.0
"""Seconds that one question may take."""
REDIRECTED_OR_LESS = 400

Answer = Awaitable[bool]
Question = Callable[[], Answer]


async def until(question: Question, hint: asyncio.Event, patience: float) -> None:
    """Ask until the answer is yes; only seldom after so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await _soon(question, hint)
            return
    while not await question():  # noqa: ASYNC110  nothing tells of it
        await asyncio.sleep(LATE_PAUSE)


async def _soon(question: Question, hint: asyncio.Event) -> None:
    """Ask until the answer is yes, and soon again after each hint that it may be yes by now.

    There is no event for "now it listens" to wait for; but most programs that do say so.
    """
    pause = FIRST_PAUSE
    while not await question():
        await asyncio.sleep(BREATH)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(hint.wait(), pause)
        hint.clear()
        pause = min(pause * 1.5, LAST_PAUSE)


async def accepts(port: int) -> bool:
    """Whether something on this machine accepts TCP connections on this port."""
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection("localhost", port)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


async def answers(url: str) -> bool:
    """Whether a GET of this URL is answered with a status below 400 (certificates unchecked)."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(PATIENCE):
            status = await _status(parts.hostname or "localhost", port, request, secure=secure)
    except (OSError, TimeoutError, ValueError):
        return False
    return status < REDIRECTED_OR_LESS


async def _status(host: str, port: int, request: str, *, secure: bool) -> int:
    reader, writer = await asyncio.open_connection(
        host, port, ssl=_unverified() if secure else None
    )
    try:
        writer.write(request.encode())
        first = await reader.readline()
        return int(first.split(None, 2)[1]) if first.startswith(b"HTTP/") else REDIRECTED_OR_LESS
    except IndexError:
        return REDIRECTED_OR_LESS
    finally:
        writer.transport.abort()


def _unverified() -> "SSLContext":
    """Certificates of development are self-signed, and nothing secret is asked or told."""
    import ssl  # noqa: PLC0415  slow to import, and seldom needed

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
