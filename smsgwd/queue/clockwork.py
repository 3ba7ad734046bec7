"""What the store is told about the wall clock: the verbs of :mod:`smsgwd.queue.stepping`."""

from __future__ import annotations

from typing import Protocol


class ClockVerbs(Protocol):
    """What the store is told about the wall clock."""

    async def doubt_clock(self, doubted: bool) -> None:
        """From now on, until told otherwise, nothing expires and no incomplete text is given up; or both do again."""
        ...

    async def clock_stepped(self, step: int, since: int | None, now: int) -> int:
        """The wall clock stepped by so many milliseconds and says ``now``: pauses go with it. ``since``: by the old clock,
        when it began to be doubted; validity and time of texts that were accepted from then on go with it too. Returns how
        many rows changed; ``clock.stepped`` in the same commit."""
        ...
