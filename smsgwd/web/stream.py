"""Events as they happen: server-sent events (WHATWG HTML, section 9.2).

Each event carries its number as ``id``; a client that comes back with ``Last-Event-ID`` goes on exactly behind it. The
position is in the table, not in memory: a slow reader costs one row set at a time and misses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
from aiohttp import web

from smsgwd.errors import RequestRefused, StoreUnavailable
from smsgwd.gateway import Gateway
from smsgwd.web import views

#: seconds between two comments that keep proxies and readers awake
HEARTBEAT = 15.0
#: seconds that a reader may leave its bytes lying
PATIENCE = 30.0
BATCH = 500
#: streams at once
MOST_STREAMS = 64


class Streams:
    """All open event streams; they end when ``stop`` is set."""

    def __init__(self, gateway: Gateway, stop: asyncio.Event) -> None:
        self.gateway, self.stop, self.count = gateway, stop, 0

    async def serve(self, request: web.Request, after: int, kind: str) -> web.StreamResponse:
        """Writes events behind ``after`` until the reader leaves or the daemon stops."""
        if self.count >= MOST_STREAMS:
            raise RequestRefused("too-many-requests", f"there are {MOST_STREAMS} event streams already")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        self.count += 1
        try:
            await response.prepare(request)
            await self._follow(response, after, kind)
        except (ConnectionError, TimeoutError):
            pass  # the reader left, or is stuck; it comes back with Last-Event-ID
        finally:
            self.count -= 1
        return response

    async def _follow(self, response: web.StreamResponse, after: int, kind: str) -> None:
        queue = self.gateway.queue
        hint, position = queue.hint("events"), after
        await self._write(response, b": smsgwd\n\n")
        while not self.stop.is_set():
            hint.clear()
            try:
                found = await queue.events_after(position, BATCH, kind)
            except StoreUnavailable:
                return
            lines = [b"id: %d\ndata: %s\n\n" % (e.id, msgspec.json.encode(views.event(e))) for e in found]
            if lines:
                position = found[-1].id
                await self._write(response, b"".join(lines))
            elif not await self._wait(hint):
                await self._write(response, b": still here\n\n")

    async def _write(self, response: web.StreamResponse, octets: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            await response.write(octets)

    async def _wait(self, hint: asyncio.Event) -> bool:
        """False when nothing happened for a heartbeat. The daemon pokes ``events`` when it stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(hint.wait(), HEARTBEAT)
        return hint.is_set()
