"""The watch over the store: is there room for it, does its log get shorter, how much waits.

New texts are refused by what the last commit has seen (:mod:`smsgwd.room`); this worker looks when nothing is committed, so
that they are taken again, and tells operators: one event for each change, or a line of the log where even that cannot be
stored.
"""

from __future__ import annotations

import asyncio

from smsgwd.clock import Clock, any_came
from smsgwd.errors import StoreUnavailable
from smsgwd.log import get_logger
from smsgwd.model import EventData
from smsgwd.queue.capacity import Capacity
from smsgwd.queue.interface import Queue
from smsgwd.room import Room

#: seconds between two looks, and looks between two counts of what waits
LOOK, COUNT = 5.0, 3
#: events that may wait for a store that is away; of more the oldest are left out
MOST_OWED = 16
#: what is done about a write-ahead log that does not get shorter
ADVICE = "end the program that keeps reading the database (fuser -v names it); the log is reused then"

log = get_logger("store")


class StoreWatch:
    """Looks at the store of a gateway."""

    def __init__(self, queue: Queue, room: Room, clock: Clock) -> None:
        self.queue, self.room, self.clock = queue, room, clock
        self._low = self._long = False
        self._looks = 0
        self._owed: list[tuple[str, EventData]] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        changed = self.queue.hint("store")
        while not stop.is_set():
            changed.clear()
            await self.look()
            await any_came((changed, stop), LOOK)

    async def look(self) -> None:
        """One look."""
        self._judge(await self.queue.look_at_space())
        try:
            while self._owed:
                kind, data = self._owed[0]
                await self.queue.record_event(kind, self.clock.now(), data)
                self._owed = self._owed[1:]
            if self._looks % COUNT == 0:
                await self.room.count(self.clock.now())
            self._looks += 1
        except StoreUnavailable as e:
            for kind, data in self._owed:
                log.error("an event of the store waits for the store", kind=kind, why=str(e), what=str(data.get("why", "")))

    def _judge(self, seen: Capacity) -> None:
        """What has changed since the last look."""
        if bool(seen.low) != self._low:
            self._low = bool(seen.low)
            data: EventData = {"free": seen.free, "used": seen.used, "reserve": seen.reserve}
            self._tell("store.low" if self._low else "store.ok", {**data, "why": seen.low} if self._low else data)
        if seen.long_log != self._long:
            self._long = seen.long_log
            if self._long:
                self._tell("store.log", {"log": seen.log, "why": ADVICE})

    def _tell(self, kind: str, data: EventData) -> None:
        self._owed = [*self._owed, (kind, data)][-MOST_OWED:]
