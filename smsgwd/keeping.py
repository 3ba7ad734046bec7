"""What the gateway forgets: by age while it runs, a person when somebody asks; and whether the audit chain is whole.

The queue does each in small commits (:mod:`smsgwd.queue.privacy.keeping`); here they follow one another, so texts that wait for the
disk come in between.

**The clock is not believed at once.** A clock that jumps ten years ahead must not take everything with it. So by itself the
gateway forgets nothing until the wall clock has gone on as it should for a day, where it differs by more than two days from
where it was last seen (in the store, over restarts). ``smsgwd db purge`` is a person's word, and needs no such day.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable

from smsgwd.clock import Clock, came
from smsgwd.config import Retention
from smsgwd.errors import Conflict, StoreUnavailable
from smsgwd.log import get_logger
from smsgwd.queue.interface import Queue
from smsgwd.queue.privacy.acting import CLOCK, acting
from smsgwd.queue.privacy.chain import Followed, Head, ended, follow
from smsgwd.queue.privacy.keeping import DAY, Batch, Erased, Keep, Place

#: seconds from the start of the gateway to its first round, and between rounds
FIRST, EVERY = 300.0, 3600.0
#: seconds between two commits of a round, so that it takes a share of the disk alone
PAUSE = 0.05
#: the wall clock may differ so much from where it was seen last without being doubted, in ms
JUMP = 2 * DAY
#: what the store remembers it under
SEEN, REVISITED = "retention:seen", "retention:revisited"
#: entries of the audit chain in one look
ENTRIES = 5000
#: tries of the last commit of an erasure while texts of the person come in, and to empty the log while others read
TRIES, LOG_TRIES, LOG_PAUSE = 20, 20, 0.1

log = get_logger("retention")


def kept(retention: Retention) -> Keep:
    """What the configuration says."""
    return Keep(text=retention.text * 1000, metadata=retention.metadata * 1000, events=retention.events * 1000)


async def purge(
    queue: Queue, keep: Keep, now: int, *, revisit: bool = True, pause: float = 0.0, stop: asyncio.Event | None = None
) -> dict[str, int]:
    """Forgets what is older than it is kept; counts by kind. ``stop`` ends it early."""

    busy = False

    async def batch(at: Place) -> Batch:
        nonlocal busy
        if pause and busy:
            await came(stop or asyncio.Event(), pause)
        done = await queue.purge(keep, at, now, revisit)
        busy = bool(done.counts)
        return done

    sums = await _all(batch, stop)
    if sums:
        await queue.purged(sums, keep, now)
        await shredded(queue)
    return sums


async def purgeable(queue: Queue, keep: Keep, now: int) -> dict[str, int]:
    """What :func:`purge` would do."""
    return await _all(lambda at: queue.purgeable(keep, at, now))


async def _all(batch: Callable[[Place], Awaitable[Batch]], stop: asyncio.Event | None = None) -> dict[str, int]:
    sums: Counter[str] = Counter()
    at: Place | None = Place()
    while at is not None and not (stop is not None and stop.is_set()):
        done = await batch(at)
        sums.update(done.counts)
        at = done.next
    return {name: n for name, n in sums.items() if n}


async def erase(queue: Queue, number: str, clock: Clock) -> tuple[Erased, bool]:
    """Erases a person: the proof, and whether the write-ahead log was emptied too. NotFound; Conflict while a text is on its
    way to them."""
    sums: Counter[str] = Counter()
    begin = Place()
    for left in reversed(range(TRIES)):
        at: Place | None = begin
        while at is not None:
            done = await queue.erase(number, at, clock.now())
            sums.update(done.counts)
            at = done.next
        try:
            proof = await queue.erased(number, sums, clock.now())
        except Conflict:
            if not left:
                raise
            begin = Place(1)
        else:
            return proof, await shredded(queue)
    raise AssertionError("unreachable")


async def shredded(queue: Queue) -> bool:
    """Empties the write-ahead log, as soon as nobody reads an older state; False when somebody went on reading."""
    for _ in range(LOG_TRIES):
        if await queue.shred():
            return True
        await asyncio.sleep(LOG_PAUSE)
    return False


async def verify(queue: Queue, anchor: Head | None = None) -> Followed:
    """Follows the audit chain from its beginning to its end, or to the first entry that does not fit."""
    followed = Followed()
    while entries := await queue.audit_entries(followed.head.seq, ENTRIES):
        followed = await asyncio.to_thread(follow, entries, followed, anchor)
        if followed.broken:
            return followed
    return ended(followed, anchor)


class Forgetting:
    """Purges once an hour what is older than it is kept, as the configuration says now."""

    def __init__(
        self, queue: Queue, clock: Clock, retention: Callable[[], Retention], believed: Callable[[], bool] = lambda: True
    ) -> None:
        """``believed``: whether the wall clock is (:mod:`smsgwd.timekeeper`)."""
        self._set = believed
        self._queue, self._clock, self._retention = queue, clock, retention
        #: wall minus monotonic clock when the wall clock was doubted first, and since when (monotonic); None = it is not
        self._doubt: tuple[int, float] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        await came(stop, FIRST)
        while not stop.is_set():
            with contextlib.suppress(StoreUnavailable, Conflict), acting(CLOCK):  # away, or the clock is doubted
                await self.round(stop)
            await came(stop, EVERY)

    async def round(self, stop: asyncio.Event | None = None) -> dict[str, int]:
        """One round; counts by kind."""
        if not await self._is_believed():
            return {}
        now = self._clock.now()
        await self._queue.remember(SEEN, str(now))
        last = await self._queue.recall(REVISITED)
        revisit = abs(now - int(last or 0)) >= DAY
        gone = await purge(self._queue, kept(self._retention()), now, revisit=revisit, pause=PAUSE, stop=stop)
        if revisit and not (stop is not None and stop.is_set()):
            await self._queue.remember(REVISITED, str(now))
        return gone

    async def _is_believed(self) -> bool:
        if not self._set():
            return False
        now, base = self._clock.now(), self._clock.now() - int(self._clock.monotonic() * 1000)
        seen = await self._queue.recall(SEEN)
        if self._doubt is not None and abs(base - self._doubt[0]) > JUMP // 2:
            self._doubt = None  # it jumped again: that one is looked at anew
        if not seen or abs(now - int(seen)) <= JUMP:
            self._doubt = None
            return True
        if self._doubt is None:
            self._doubt = base, self._clock.monotonic()
            log.warning("the clock is far from where it was; nothing is forgotten until it has stood for a day")
        return self._clock.monotonic() - self._doubt[1] >= DAY / 1000
