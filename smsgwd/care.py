"""Reading the database through while the gateway runs, so that damage is found before its page is needed.

Once in a while (``check`` of [store], a week) everything is read: all pages, every index against its table, and whether rows
fit together. It happens in a thread, with low priority, on a connection that cannot write; nothing waits for it. How long ago
the last one was stands in the store, so that restarts do not put it off.

A damaged database must not be used any more: which texts were sent is what it holds. The gateway ends with the reason, so
that nothing is sent and inbound texts stay where they are; a mark beside the database (``PATH.damaged``) keeps the next
start from using it before it was read through whole, or replaced by ``smsgwd db restore``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable

from smsgwd.clock import Clock, came
from smsgwd.errors import StoreUnavailable, StoreUnusable
from smsgwd.log import get_logger
from smsgwd.model import EventData
from smsgwd.queue.care.health import Ended, Health, look_through
from smsgwd.queue.interface import Queue
from smsgwd.queue.opening import damaged, mark_damaged

#: seconds from the start to the first look at whether it is time, and between two
FIRST, LOOK = 600.0, 3600.0
#: the name under which the store remembers when it was read through, in ms
KEPT = "store checked"
#: niceness of the thread that reads
NICE = 10

log = get_logger("store")


class Care:
    """Reads the store of a gateway through, every so many seconds; 0 = never."""

    def __init__(self, queue: Queue, path: str, every: int, clock: Clock, look: Callable[..., Health] = look_through) -> None:
        self.queue, self.path, self.every, self.clock, self._look = queue, path, every, clock, look

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``. StoreUnusable when the database is damaged."""
        if not self.every or await came(stop, FIRST):
            return
        while not stop.is_set():
            with contextlib.suppress(StoreUnavailable):
                if await self.due():
                    await self.check(stop)
            await came(stop, LOOK)

    async def due(self) -> bool:
        """Whether it is time; a store that was never read through is from now on. A clock that went back makes it due."""
        last, now = await self.queue.recall(KEPT), self.clock.now()
        if not last:
            await self.queue.remember(KEPT, str(now))
        return bool(last) and not 0 <= now - int(last) < self.every * 1000

    async def check(self, stop: asyncio.Event) -> None:
        """Reads it through now."""
        try:
            health = await self._apart(stop)
        except Ended:
            return
        if health.damaged:
            await self._end(health)
        for problem in health.problems:
            log.error("something in the database does not fit together", found=problem, mend="smsgwd db check --full")
        data: EventData = {"seconds": health.seconds, "bytes": health.bytes, "problems": len(health.problems)}
        await self.queue.record_event("store.checked", self.clock.now(), data)
        await self.queue.remember(KEPT, str(self.clock.now()))

    async def _apart(self, stop: asyncio.Event) -> Health:
        """In a thread, which ends when the gateway does."""
        over = threading.Event()

        def read() -> Health:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)  # of this thread alone (Linux)
            return self._look(self.path, full=True, clock=self.clock, ended=lambda: over.is_set() or stop.is_set())

        try:
            return await asyncio.to_thread(read)
        finally:
            over.set()

    async def _end(self, health: Health) -> None:
        """Nothing is sent from now on; what can still be told is told."""
        await asyncio.to_thread(mark_damaged, self.path, health.problems[0])
        with contextlib.suppress(StoreUnavailable, StoreUnusable):
            await self.queue.record_event("store.damaged", self.clock.now(), {"problems": len(health.problems)})
        raise damaged(self.path, health.problems[0])
