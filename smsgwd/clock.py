"""Time as an argument. This is the only module of smsgwd that imports :mod:`time`.

Wall-clock times are integers, milliseconds since 1970 UTC: they order nothing and expire nothing by themselves (order is
by id). Waits use the monotonic clock of the event loop, so that a step of the wall clock changes no wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, Protocol


class Clock(Protocol):
    """What the rest of the program may ask about time."""

    def now(self) -> int:
        """Wall clock, milliseconds since 1970-01-01 UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits on the monotonic clock."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def came(event: asyncio.Event, seconds: float) -> bool:
    """Waits for an event, so long at most; False when the time was over first.

    Not by ``asyncio.wait_for``: up to Python 3.11 that one loses a cancellation that comes together with the event, and
    who was told to end goes on.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def any_came(events: Iterable[asyncio.Event], seconds: float | None) -> None:
    """Until one of the events is set, or the time is over; None = no limit. None of them set costs a task each."""
    events = tuple(events)
    if any(event.is_set() for event in events):
        return
    waits = [asyncio.create_task(event.wait(), name="waits for an event") for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


@lru_cache(maxsize=64)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def isoformat(ms: int) -> str:
    """ISO 8601 in UTC with milliseconds: ``2026-11-23T14:00:05.000Z``."""
    return f"{_to_the_second(ms // 1000)}.{ms % 1000:03d}Z"


# ---- whether the wall clock may be believed ----------------------------------------------------------------------------

#: no clock is right before it (2025-01-01): this program is younger
SANE = 1_735_689_600_000
#: milliseconds by which a clock may differ from what was seen before: zones and small corrections are no reason to doubt
TOLERANCE = 86_400_000


class ClockState(NamedTuple):
    """Whether the wall clock is believed, for people; ``seconds`` until it is taken as it is."""

    state: str = "set"  # set | waiting
    why: str = ""
    seconds: int = 0


def doubt(now: int, known: int, *, running: bool, synchronised: bool) -> str:
    """Why the wall clock is not believed; empty = it is. Pure.

    ``known`` is the time that was believed last: while this process is ``running`` what it must be now, else the newest that
    the store has seen. A clock before :data:`SANE` is wrong whoever says otherwise. Beyond that the system is believed when
    it says that the clock is set. Else a clock that says less than what was seen is doubted, and, while running, one that
    jumps ahead: after a start nobody can tell a long rest from a wrong clock.
    """
    if now < SANE:
        return f"it says {isoformat(now)}, which is before this program was made"
    if synchronised or known < SANE:
        return ""
    if now < known - TOLERANCE:
        return f"it says {isoformat(now)}, which is before what was seen already ({isoformat(known)})"
    if running and now > known + TOLERANCE:
        return f"it jumped ahead by {(now - known) // 86_400_000} days, and nothing says that it is set"
    return ""
