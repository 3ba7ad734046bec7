"""Events as they happen: server-sent events (WHATWG HTML, section 9.2).

Each event carries its number as ``id``; a client that comes back with ``Last-Event-ID`` goes on exactly behind it. The
position is in the table, not in memory: a slow reader costs one row set at a time and misses nothing.

A stream ends when the reader leaves or lies stuck, when the daemon stops, and when the token that opened it is revoked
(looked at with each heartbeat).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from smsgwd.clock import came
from smsgwd.errors import RequestRefused, StoreUnavailable
from smsgwd.gateway import Gateway
from smsgwd.model import Event
from smsgwd.web import views
from smsgwd.web.operations import Call
from smsgwd.web.plant import event_kind

#: on every answer: nothing is to be kept, guessed at, or told of the software
HEADERS = {"Server": "smsgwd", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
#: seconds between two comments that keep proxies and readers awake
HEARTBEAT = 15.0
#: seconds that a reader may leave its bytes lying
PATIENCE = 30.0
BATCH = 500
#: streams at once through one door
MOST_STREAMS = 64

#: raises RequestRefused when the caller may not read on
Allowed = Callable[[], Awaitable[object]]


class Streams:
    """All open event streams of one door; they end when ``stop`` is set."""

    def __init__(self, gateway: Gateway, stop: asyncio.Event) -> None:
        self.gateway, self.stop = gateway, stop
        self._hints: list[asyncio.Event] = []

    def wake(self) -> None:
        """Makes every stream look at once whether it should end."""
        for hint in self._hints:
            hint.set()

    async def serve(self, request: web.Request, call: Call, allowed: Allowed) -> web.StreamResponse:
        """Writes events until the reader leaves or the daemon stops. RequestRefused before the first byte."""
        kind, after = event_kind(call), await self._start(call)
        if len(self._hints) >= MOST_STREAMS:
            raise RequestRefused("too-many-requests", f"there are {MOST_STREAMS} event streams already")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **HEADERS})
        hint = self.gateway.queue.hint("events")
        self._hints.append(hint)
        try:
            async with asyncio.timeout(PATIENCE):
                await response.prepare(request)
            await self._follow(response, hint, after, kind, allowed)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()  # the reader left, or is stuck; it comes back with Last-Event-ID
        except (StoreUnavailable, RequestRefused):
            pass  # the headers are out: the end of the stream says it, and the next try is told why
        finally:
            self._hints[:] = [other for other in self._hints if other is not hint]
        return response

    async def _start(self, call: Call) -> int:
        """The event behind which to begin: that of Last-Event-ID or ``after``; a negative one is the newest so many,
        whose place must not move while they are read; without any, what happens from now on."""
        after = call.number("after", 0, -1000, 1 << 62)
        queue = self.gateway.queue
        if not call.query.get("after"):
            return max((e.id for e in await queue.events_after(-1, 1)), default=0)
        if after >= 0:
            return after
        newest = await queue.events_after(after, -after, call.query.get("kind", ""))
        return newest[0].id - 1 if newest else 0

    async def _follow(
        self, response: web.StreamResponse, hint: asyncio.Event, position: int, kind: str, allowed: Allowed
    ) -> None:
        clock = self.gateway.clock
        await _write(response, b"retry: 2000\n\n")
        beat = clock.monotonic() + HEARTBEAT
        while not self.stop.is_set():
            hint.clear()
            found = await self.gateway.queue.events_after(position, BATCH, kind)
            if found:
                position = found[-1].id
                await _write(response, b"".join(map(_lines, found)))
            else:
                await came(hint, max(0.0, beat - clock.monotonic()))
            if clock.monotonic() >= beat:
                await allowed()
                await _write(response, b": still here\n\n")
                beat = clock.monotonic() + HEARTBEAT


def _lines(event: Event) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (event.id, msgspec.json.encode(views.event(event)))


async def _write(response: web.StreamResponse, octets: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        await response.write(octets)
