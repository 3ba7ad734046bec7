"""So many texts in so long.

*To a prefix of a link* (``prefix_rates``): each text gets a place in a row, and is due no sooner than its place. That is
said once, when the text is accepted, rather than asked again and again by the lane: texts to a slow prefix lie in the
queue with a later ``due``, and others pass them by. Texts that were put off to another hour stand in the row of that
hour, so that a campaign of tomorrow keeps nobody waiting today. A text that moves to another link keeps its place.

*To one person*, for automatic texts (``per_number``): counted in the store, so a restart forgives nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smsgwd.prices import longest_first
from smsgwd.routing.answers import NotBefore

_HOUR = 3_600_000


class Paces:
    """The rows of all links. ``rates``: link -> prefix -> segments a second."""

    def __init__(self, rates: Mapping[str, Mapping[str, float]]) -> None:
        self._rates = {
            link: tuple((prefix, 1000.0 / rate) for prefix, rate in longest_first(table))
            for link, table in rates.items()
            if table
        }
        #: (link, prefix, hour) -> when the next place is free; the hour is 0 for texts that are due now
        self._free: dict[tuple[str, str, int], float] = {}
        self._swept = 0

    def place(self, link: str, to: str, due: int, now: int) -> tuple[int, tuple[str, str, int] | None, float]:
        """(when this text may go, its row, what one segment takes there); ``due`` itself where no rate is set."""
        for prefix, interval in self._rates.get(link, ()):
            if to.startswith(prefix):
                row = (link, prefix, due // _HOUR if due > now else 0)
                return max(due, int(self._free.get(row, 0.0))), row, interval
        return due, None, 0.0

    def take(self, row: tuple[str, str, int], due: int, segments: int, interval: float, now: int) -> None:
        """The place is taken: the next one is free when these segments are through."""
        self._free[row] = max(float(due), self._free.get(row, 0.0)) + segments * interval
        if now - self._swept > _HOUR:
            self._swept = now
            for old in [old for old, free in self._free.items() if free < now]:
                del self._free[old]


def too_many(times: Sequence[int], now: int, limits: Sequence[tuple[int, int]]) -> NotBefore | None:
    """The refusal of one more automatic text to a person who got some at ``times`` (ms, in any order).

    ``limits``: (so many, in so many seconds). Times in the future (the clock was put back) do not count.
    """
    past = sorted(t for t in times if t <= now)
    worst: NotBefore | None = None
    for most, seconds in limits:
        within = [t for t in past if t > now - seconds * 1000]
        if len(within) >= most:
            at = within[-most] + seconds * 1000
            if worst is None or at > worst.at:
                worst = NotBefore(at, "per-number", f"limits.per_number: {most} automatic texts in {_written(seconds)}")
    return worst


def _written(seconds: int) -> str:
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
