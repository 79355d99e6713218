"""A web application as small as can be: says who answers, and can keep a client waiting.

`/` answers with the process and its settings; `/stream` begins an answer that never ends.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Message = Mapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """An ASGI application."""
    if scope["type"] == "lifespan":
        for moment in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{moment}.complete"})
    elif scope["path"] == "/stream":
        await answer(send, b"text/event-stream", b"data: hello\n\n", more=True)
        await asyncio.Event().wait()
    else:
        await answer(send, b"application/json", json.dumps(who()).encode())


def who() -> dict[str, object]:
    """The process that answers, and what it runs on."""
    return {
        "pid": os.getpid(),
        "generation": os.environ.get("DEVSUP_GENERATION"),
        "value": os.environ.get("VALUE"),
    }


async def answer(send: Send, kind: bytes, body: bytes, *, more: bool = False) -> None:
    headers = [(b"content-type", kind)]
    if not more:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": more})
