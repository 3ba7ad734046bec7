"""What a verb gets: the writer's connection, and what goes along with its rows in the same commit.

Events, daily counts and what was spent are gathered while a batch of verbs runs and written together just before its commit: one
``executemany`` and one upsert a key are a third cheaper than a statement each. A verb must therefore not read events or
the rollup; those are for readers.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from smsgwd.events import KINDS
from smsgwd.model import EventData
from smsgwd.prices import Prices
from smsgwd.queue import spend
from smsgwd.queue.interface import Counted
from smsgwd.queue.recent import Committed

#: how far the gathering of a batch has come
Mark = tuple[int, int, int]
START: Mark = (0, 0, 0)

_encode = msgspec.json.Encoder().encode
_NO_DATA = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the queue decides by; from the configuration."""

    #: tries of a text that is refused for now
    attempts: int = 8
    #: seconds: first pause after a refusal for now, doubled each time up to the ceiling
    backoff: float = 30.0
    backoff_ceiling: float = 3600.0
    #: class -> what happens to a text whose attempt is in doubt: hold (also for one not named), retry or assume-sent
    policies: dict[str, str] = msgspec.field(default_factory=lambda: {"alarm": "retry"})
    #: link -> what a segment costs there; free for one not named
    prices: dict[str, Prices] = msgspec.field(default_factory=dict)
    #: link -> all links of its account at the carrier, itself first: a report may come over any of them
    accounts: dict[str, tuple[str, ...]] = {}


class Ids:
    """Time-ordered row ids: milliseconds in the upper bits, a counter below; they never go back, whatever the clock
    does. One series for all nouns, so ids of different nouns compare too."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def next(self, now: int) -> int:
        self.last = max(self.last + 1, floor_id(now))
        return self.last

    @classmethod
    def of(cls, conn: sqlite3.Connection) -> Ids:
        """Goes on after the newest id of a database."""
        tables = ("message", "submission", "conversation", "outbox", "token", "inbound_part", "report_orphan", "consent")
        newest = " UNION ALL ".join(f"SELECT max(id) AS id FROM {table}" for table in tables)
        return cls(conn.execute(f"SELECT coalesce(max(id), 0) FROM ({newest})").fetchone()[0])


def floor_id(now: int) -> int:
    """The smallest id of a millisecond; a clock before 1970 or after 2248 counts as the edge."""
    return min(max(now, 0), (1 << 43) - 1) << 20


@lru_cache(maxsize=8)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86400, UTC).date().isoformat()


class Transaction:
    """One batch on the writer's connection."""

    __slots__ = (
        "_counts", "_event_id", "_events", "_spent", "_written", "committed", "conn", "events", "execute", "ids", "limits",
        "topics",
    )  # fmt: skip

    def __init__(self, conn: sqlite3.Connection, ids: Ids, limits: Limits) -> None:
        self.conn, self.ids, self.limits = conn, ids, limits
        self.execute = conn.execute
        self.topics: set[str] = set()
        self._events: list[tuple[int, str, int | None, str, EventData]] = []
        #: the number of the newest event, and what :meth:`flush` wrote in this transaction
        self._event_id: int = conn.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
        self._written: list[Committed] = []
        #: events of commits that are done
        self.events: list[Committed] = []
        self._counts: list[tuple[int, str, str, str, str, int]] = []
        self._spent: list[Counted] = []
        #: what was spent by commits that are done
        self.committed: list[Counted] = []

    def event(self, kind: str, at: int, message: int | None = None, link: str = "", **data: Any) -> None:
        """Adds an event to this commit. ``data`` holds ids, counts and states, never a text or a whole number."""
        if kind not in KINDS:
            raise AssertionError(f"{kind!r} is not an event kind")
        self._events.append((at, kind, message, link, data))

    def count(self, at: int, link: str, direction: str, class_: str, state: str, parts: int) -> None:
        """Adds one message to the count of its day."""
        self._counts.append((at // 86_400_000, link, direction, class_, state, parts))

    def spend(self, at: int, link: str, token: str, to: str, segments: int, draft: object = None) -> None:
        """Counts segments to a number, and what they cost on this link, for the link and the token."""
        prices = self.limits.prices.get(link)
        cost = segments * prices.of(to) if prices is not None else 0
        self._spent.append(Counted(at, link, token, segments, cost, draft))

    def hint(self, topic: str) -> None:
        """Wakes who waits for a topic, after the commit."""
        self.topics.add(topic)

    def mark(self) -> Mark:
        return len(self._events), len(self._counts), len(self._spent)

    def rewind(self, mark: Mark) -> None:
        """Forgets what was gathered since :meth:`mark`."""
        del self._events[mark[0] :]
        del self._counts[mark[1] :]
        del self._spent[mark[2] :]

    def confirm(self) -> None:
        """The commit is done: what it spent is spent, what it told has happened."""
        self.committed += self._spent
        self._event_id += len(self._written)
        self.events += self._written

    def flush(self) -> None:
        """Writes what was gathered; the commit comes next."""
        self._written = [Committed(n, *event) for n, event in enumerate(self._events, self._event_id + 1)]
        if self._written:
            self.conn.executemany(
                "INSERT INTO event (id, at, kind, message, link, data) VALUES (?, ?, ?, ?, ?, ?)",
                [(*event[:-1], _encode(event.data).decode() if event.data else _NO_DATA) for event in self._written],
            )
            self.topics.add("events")
            self.topics.update({f"events:{event.kind}" for event in self._written})
        if self._counts:
            self.conn.executemany(
                "INSERT INTO rollup (day, link, direction, class, state, messages, parts) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET messages = messages + excluded.messages, parts = parts + excluded.parts",
                [(_day(day), *key, n, n * parts) for (day, *key, parts), n in Counter(self._counts).items()],
            )
        if self._spent:
            spend.write(self.conn, _sums(self._spent))


def _sums(spent: list[Counted]) -> dict[tuple[str, str, str], tuple[int, int]]:
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for at, link, token, segments, cost, _ in spent:
        day = _day(at // 86_400_000)
        for kind, name in (("link", link), ("token", token)) if token else (("link", link),):
            before = sums.get((day, kind, name), (0, 0))
            sums[day, kind, name] = before[0] + segments, before[1] + cost
    return sums
