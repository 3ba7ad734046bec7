"""Segments and money of a day and a month, by link and by API token.

A text is counted when it is accepted, on the day of its acceptance (UTC), for the link that it is accepted for; when it
moves to another link its segments and their price move too, on that same day. The queue writes the counts down in the
commit of the text (``spend``); the :class:`Ledger` is their copy in memory, with what has been promised and is not on
disk yet. A promise is made for the very draft that is handed to the queue: what was committed is told to
:meth:`Ledger.spent` and ends its promise in the same breath, and :meth:`Ledger.release` ends those that came to nothing.
So no order of accepting, failing and moving exceeds a cap, and none refuses a text that would have fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from smsgwd.prices import MICRO, micros
from smsgwd.routing.answers import NotBefore

DAY = 86_400_000
LINK, TOKEN = "link", "token"
#: shares of a cap, in percent, of which an operator hears once in each period
SHARES = (50, 80, 100)


class Caps(msgspec.Struct, frozen=True):
    """0 = no limit. Money in millionths."""

    segments_per_day: int = 0
    segments_per_month: int = 0
    cost_per_day: int = 0
    cost_per_month: int = 0

    def __bool__(self) -> bool:
        return bool(self.segments_per_day or self.segments_per_month or self.cost_per_day or self.cost_per_month)


NO_CAPS = Caps()


def caps_of(table: Mapping[str, float]) -> Caps:
    """From amounts as people write them."""
    return Caps(
        int(table.get("segments_per_day", 0)), int(table.get("segments_per_month", 0)),
        micros(table.get("cost_per_day", 0)), micros(table.get("cost_per_month", 0)),
    )  # fmt: skip


class Spent(NamedTuple):
    """One count. ``promise`` names what it was promised to, if it was."""

    at: int
    link: str
    token: str
    segments: int
    cost: int
    promise: object = None


class Alarm(NamedTuple):
    """A cap came near, or was reached. ``cap`` is the key of the configuration."""

    kind: str
    name: str
    cap: str
    share: int
    period: str


#: day, or month counted from the year 0 as a negative number, so that both fit one table
Period = int
Owner = tuple[str, str]


@lru_cache(maxsize=16)
def month_of(day: int) -> Period:
    """The period of the month that a day (since 1970) lies in."""
    date = datetime.fromtimestamp(day * 86_400, UTC)
    return -(date.year * 12 + date.month)


def ends(period: Period) -> int:
    """When a period is over, in ms."""
    if period >= 0:
        return (period + 1) * DAY
    year, month = divmod(-period, 12)  # the month is 0..11 here, and one behind: the first of the next one
    return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp() * 1000)


def _named(period: Period) -> str:
    if period >= 0:
        return datetime.fromtimestamp(period * 86_400, UTC).strftime("%Y-%m-%d")
    year, month = divmod(-period - 1, 12)
    return f"{year:04}-{month + 1:02}"


class Ledger:
    """What was spent and promised, by owner and period. ``caps`` are those of the links; a token brings its own."""

    def __init__(self, caps: Mapping[str, Caps]) -> None:
        self._caps: dict[Owner, Caps] = {(LINK, name): caps for name, caps in caps.items() if caps}
        self._sums: dict[tuple[Owner, Period], list[int]] = {}
        #: by the identity of what it was promised to, which is kept here so that the identity stays its own
        self._promised: dict[int, tuple[object, tuple[Owner, ...], int, int, int]] = {}
        self._told: set[tuple[Owner, str, Period, int]] = set()
        self._alarms: list[Alarm] = []
        self._newest = 0

    def load(self, rows: Iterable[tuple[int, str, str, int, int]], tokens: Mapping[str, Caps] = {}) -> None:
        """Begins with what is on disk: (day since 1970, kind, name, segments, cost). Shares that are passed already
        were told."""
        for name, caps in tokens.items():
            self.know(name, caps)
        for day, kind, name, segments, cost in rows:
            self._add(((kind, name),), day, segments, cost)
        self._alarms.clear()

    def know(self, token: str, caps: Caps) -> None:
        """A token has these caps."""
        if caps:
            self._caps[TOKEN, token] = caps

    @property
    def capped(self) -> bool:
        return bool(self._caps)

    def full(self, now: int, price: Callable[[str], int] = lambda link: 0, segments: int = 1) -> dict[str, NotBefore]:
        """The links that have no room for so many segments more. ``price``: of one segment on a link."""
        found = {}
        for kind, name in self._caps:
            if kind == LINK and (answer := self.room(LINK, name, now, segments, segments * price(name))):
                found[name] = answer
        return found

    def room(self, kind: str, name: str, now: int, segments: int, cost: int) -> NotBefore | None:
        """None when so much fits under every cap; else which one it does not fit under, and when it may again."""
        owner = (kind, name)
        caps = self._caps.get(owner)
        if caps is None:
            return None
        worst: NotBefore | None = None
        for cap, most, period, column, more in self._limits(caps, now // DAY, segments, cost):
            sums = self._sums.get((owner, period))
            if (sums[column] if sums else 0) + more > most:
                at = ends(period)
                if worst is None or at > worst.at:
                    link = name if kind == LINK else ""
                    worst = NotBefore(at, "cap-reached", f"{cap} of {kind} {name} is used up", link)
        return worst

    @staticmethod
    def _limits(caps: Caps, day: int, segments: int, cost: int) -> list[tuple[str, int, Period, int, int]]:
        """(key, cap, period, column of the sums, what comes on top) of the caps that are set."""
        rows = []
        if caps.segments_per_day:
            rows.append(("segments_per_day", caps.segments_per_day, day, 0, segments))
        if caps.segments_per_month:
            rows.append(("segments_per_month", caps.segments_per_month, month_of(day), 0, segments))
        if caps.cost_per_day:
            rows.append(("cost_per_day", caps.cost_per_day, day, 1, cost))
        if caps.cost_per_month:
            rows.append(("cost_per_month", caps.cost_per_month, month_of(day), 1, cost))
        return rows

    # ---- promises --------------------------------------------------------------------------------------------------

    def promise(
        self, key: object, link: str, token: str, segments: int, cost: int, now: int, *, exempt: bool = False
    ) -> NotBefore | None:
        """Promises room to ``key`` (an object: it is known by its identity); or says why not, and promises nothing.
        ``exempt`` is counted, never refused."""
        owners: tuple[Owner, ...] = ((LINK, link), (TOKEN, token)) if token else ((LINK, link),)
        if not exempt and self._caps:
            for kind, name in owners:
                if answer := self.room(kind, name, now, segments, cost):
                    return answer
        self._promised[id(key)] = (key, owners, now // DAY, segments, cost)
        self._add(owners, now // DAY, segments, cost, tell=False)
        return None

    def release(self, key: object) -> None:
        """What was promised came to nothing; no matter when it came to something, or was never promised."""
        promised = self._promised.get(id(key))
        if promised is not None and promised[0] is key:
            del self._promised[id(key)]
            _, owners, day, segments, cost = promised
            self._add(owners, day, -segments, -cost, tell=False)

    def spent(self, counts: Iterable[Spent]) -> None:
        """What the queue has committed."""
        for at, link, token, segments, cost, promise in counts:
            if promise is not None:
                self.release(promise)
            owners: tuple[Owner, ...] = ((LINK, link), (TOKEN, token)) if token else ((LINK, link),)
            self._add(owners, at // DAY, segments, cost)

    def used(self, kind: str, name: str, period: Period) -> tuple[int, int]:
        """(segments, money) of a period, promises among it."""
        sums = self._sums.get(((kind, name), period))
        return (sums[0], sums[1]) if sums else (0, 0)

    # ---- alarms ----------------------------------------------------------------------------------------------------

    def alarms(self) -> list[Alarm]:
        """What came near a cap since the last call."""
        told, self._alarms = self._alarms, []
        return told

    @property
    def alarmed(self) -> bool:
        return bool(self._alarms)

    def refused(self, kind: str, name: str, now: int, segments: int, cost: int) -> None:
        """A text was refused for want of room: then the cap counts as reached, though a shorter text might still fit."""
        caps = self._caps.get((kind, name), NO_CAPS)
        for cap, most, period, column, more in self._limits(caps, now // DAY, segments, cost):
            if self.used(kind, name, period)[column] + more > most:
                self._reached((kind, name), cap, period, 100)

    def _reached(self, owner: Owner, cap: str, period: Period, share: int) -> None:
        told = (owner, cap, period, share)
        if told not in self._told:
            self._told.add(told)
            self._alarms.append(Alarm(*owner, cap, share, _named(period)))

    def _add(self, owners: tuple[Owner, ...], day: int, segments: int, cost: int, *, tell: bool = True) -> None:
        if day > self._newest:
            self._turn(day)
        month = month_of(day)
        for owner in owners:
            for period in (day, month):
                sums = self._sums.get((owner, period))
                if sums is None:
                    sums = self._sums[owner, period] = [0, 0]
                sums[0] += segments
                sums[1] += cost
            caps = self._caps.get(owner)
            if tell and caps is not None:
                for cap, most, period, column, _ in self._limits(caps, day, 0, 0):
                    used = self._sums[owner, period][column] * 100
                    for share in SHARES:
                        if used >= most * share:
                            self._reached(owner, cap, period, share)

    def _turn(self, day: int) -> None:
        """A new day: what is older than two months is forgotten."""
        self._newest = day
        oldest = day - 62
        keep = {month_of(d) for d in (day, day - 31, oldest)}
        self._sums = {key: v for key, v in self._sums.items() if (key[1] >= oldest if key[1] >= 0 else key[1] in keep)}
        self._told = {t for t in self._told if (t[2] >= oldest if t[2] >= 0 else t[2] in keep)}


def shown(cost: int) -> float:
    """Millionths as an amount."""
    return cost / MICRO
