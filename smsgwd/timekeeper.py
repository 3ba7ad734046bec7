"""Whether the wall clock may be believed, and what happens when it steps.

A Raspberry Pi has no clock of its own: it boots in 1970, or where it was switched off, until the network tells the time.
The rule is :func:`smsgwd.clock.doubt`. While the clock is doubted

* texts go out and come in as always: their order is that of their ids, and waits are monotonic;
* nothing expires, no incomplete text is given up, nothing is forgotten by age;
* no webhook is sent (its signature tells a time, and desks refuse an old one) and no TLS is begun (every certificate
  would look as if it were not valid yet);
* operators see it: the event ``clock.waiting``, ``smsgwd status``, ``smsgwd doctor``.

It ends when the kernel says that the clock is set, when the clock says something plausible, or after :data:`LONGEST`: a
machine that nobody tells the time must work too. Each step of the clock, doubted or not, is an event, and the pauses that
the store keeps by the wall clock go with it (:mod:`smsgwd.queue.stepping`).
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from pathlib import Path

from smsgwd.clock import SANE, Clock, ClockState, came, doubt
from smsgwd.errors import StoreUnavailable
from smsgwd.log import get_logger
from smsgwd.queue.interface import Queue

#: seconds between two looks; seconds from which on a difference is a step and no slewing
LOOK, STEP = 1.0, 2.0
#: seconds after which a doubted clock is taken as it is
LONGEST = 3600.0
#: seconds between two notes of the time in the store, for the next start; and the name of the note
NOTE, SEEN = 3600.0, "clock seen"
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
#: adjtimex(2): the clock is not synchronised
_TIME_ERROR = 5

log = get_logger("clock")


def synchronised() -> bool:
    """systemd-timesyncd or the kernel says that the clock is set from outside."""
    if _TIMESYNCD.exists():
        return True
    asked = ctypes.create_string_buffer(512)  # struct timex with modes = 0: only asks
    try:
        return 0 <= int(ctypes.CDLL(None).adjtimex(asked)) < _TIME_ERROR
    except (OSError, AttributeError):
        return False


class Timekeeper:
    """``believed`` is set while the wall clock may be believed. ``told`` is asked whether the system says that it is set."""

    def __init__(self, queue: Queue, clock: Clock, told: Callable[[], bool] = synchronised) -> None:
        self.queue, self.clock, self.told = queue, clock, told
        self.believed = asyncio.Event()
        #: what the wall clock would say now if it had not stepped since the last look: its time, and when that was
        self._wall, self._at = clock.now(), clock.monotonic()
        #: the newest time that was believed, and when that was; None = by somebody before this start
        self._known: tuple[int, float | None] = (0, None)
        #: why it is doubted, since when by itself, and since when by the monotonic clock
        self._why, self._since, self._began = "", 0, 0.0
        self._noted: float | None = None

    def state(self) -> ClockState:
        """For people."""
        if self.believed.is_set() or not self._why:
            return ClockState()
        left = max(0, int(LONGEST - (self.clock.monotonic() - self._began)))
        return ClockState(state="waiting", why=self._why, seconds=left)

    async def begin(self) -> None:
        """Before anything may expire."""
        seen = await self.queue.recall(SEEN)
        newest = await self.queue.events_after(-1, 1)
        self._known = int(seen) if seen else (newest[-1].at if newest else 0), None
        self._wall, self._at = self.clock.now(), self.clock.monotonic()
        await self._judge(self._wall, self._at, self._wall)

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        while not stop.is_set():
            await self.look()
            await came(stop, LOOK)

    async def look(self) -> None:
        """One look. What the store does not take now is found again by the next one."""
        now, at = self.clock.now(), self.clock.monotonic()
        step = now - self._wall - int((at - self._at) * 1000)
        if self._doubt(now, at):
            self.believed.clear()  # whatever the store says to it
        try:
            if abs(step) >= STEP * 1000:
                await self._stepped(step, now)
            began = now - int((at - self._at) * 1000)  # it may have stepped right after the last look
            self._wall, self._at = now, at
            await self._judge(now, at, began)
        except StoreUnavailable as e:
            log.warning("the store is away, the clock is looked at again", why=str(e))

    async def _stepped(self, step: int, now: int) -> None:
        since: int | None = None
        if self._why or now - step < SANE:
            since = 0 if now - step < SANE else self._since
        await self.queue.clock_stepped(step, since, now)
        self._since += step

    def _doubt(self, now: int, at: float) -> str:
        """Why the clock is doubted now; empty = it is not, or not any more."""
        known, when = self._known
        if self._why and at - self._began >= LONGEST:
            return ""  # nobody has told the time for so long: it is taken as it is
        expected = known if when is None else known + int((at - when) * 1000)
        return doubt(now, expected, running=when is not None, synchronised=self.told())

    async def _judge(self, now: int, at: float, began: int) -> None:
        why = self._doubt(now, at)
        if not why:
            await self._believe(now, at)
        elif not self._why:
            await self.queue.doubt_clock(True)
            await self.queue.record_event("clock.waiting", now, {"why": why, "seconds": int(LONGEST)})
            self.believed.clear()
            self._why, self._since, self._began = why, began, at

    async def _believe(self, now: int, at: float) -> None:
        if self._why:
            await self.queue.doubt_clock(False)
            await self.queue.record_event("clock.set", now, {"waited": int(at - self._began)})
            self._why = ""
        self._known = now, at
        if not self.believed.is_set():
            self.believed.set()
            self.queue.poke("outbox")
        if self._noted is None or at - self._noted >= NOTE:
            await self.queue.remember(SEEN, str(now))
            self._noted = at
