"""Server-sent events: a page follows something for as long as it is open.

    event: NAME
    data: JSON

Source of the form: the HTML standard, server-sent events.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import msgspec
from aiohttp import web

HEARTBEAT_WALL_S = 10.0
"""A line goes out at least this often, so that either side notices when the other is gone."""

WRITE_WALL_S_MAX = 5.0
"""Who has not taken a line within this time is gone."""

FOLLOWERS_MAX = 100
RETRY_MS = 1000

Event = tuple[str, object]
"""Name and document of one event."""


class Followers:
    """Counts the pages that follow, so that there are never more than FOLLOWERS_MAX."""

    def __init__(self) -> None:
        self.count = 0

    async def stream(self, request: web.Request, events: AsyncIterator[Event]) -> web.StreamResponse:
        """Send *events* until they end or the page is closed; 503 when too many pages follow already."""
        if self.count >= FOLLOWERS_MAX:
            raise web.HTTPServiceUnavailable(text="Too many pages are open. Close some and load this one again.\n")
        self.count += 1
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        try:
            await response.prepare(request)
            await write(response, f"retry: {RETRY_MS}\n\n".encode())
            await _pass_on(response, events)
        except (ConnectionError, TimeoutError):
            # The page is closed, or does not read: there is nobody to tell.
            return response
        finally:
            self.count -= 1
        return response


async def _pass_on(response: web.StreamResponse, events: AsyncIterator[Event]) -> None:
    coming = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=HEARTBEAT_WALL_S)
            if not done:
                await write(response, b": still here\n\n")
                continue
            event = coming.result()
            if event is None:
                await write(response, written("end", {}))
                return
            await write(response, written(*event))
            coming = asyncio.ensure_future(anext(events, None))
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        if isinstance(events, AsyncGenerator):
            # What it follows itself is let go at once, not when somebody collects it.
            await events.aclose()


def written(name: str, document: object) -> bytes:
    """One event as the wire has it.

    >>> written("gone", {})
    b'event: gone\\ndata: {}\\n\\n'
    """
    return f"event: {name}\ndata: ".encode() + msgspec.json.encode(document) + b"\n\n"


async def write(response: web.StreamResponse, data: bytes) -> None:
    """Send *data*; TimeoutError when the page does not take it."""
    async with asyncio.timeout(WRITE_WALL_S_MAX):
        await response.write(data)
