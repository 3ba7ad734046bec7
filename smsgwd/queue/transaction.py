"""What a verb gets: the writer's connection, and what goes along with its rows in the same commit.

Events and daily counts are gathered while a batch of verbs runs and written together just before its commit: one
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

    __slots__ = ("_counts", "_events", "conn", "execute", "ids", "limits", "topics")

    def __init__(self, conn: sqlite3.Connection, ids: Ids, limits: Limits) -> None:
        self.conn, self.ids, self.limits = conn, ids, limits
        self.execute = conn.execute
        self.topics: set[str] = set()
        self._events: list[tuple[int, str, int | None, str, str]] = []
        self._counts: list[tuple[int, str, str, str, str, int]] = []

    def event(self, kind: str, at: int, message: int | None = None, link: str = "", **data: Any) -> None:
        """Adds an event to this commit. ``data`` holds ids, counts and states, never a text or a whole number."""
        if kind not in KINDS:
            raise AssertionError(f"{kind!r} is not an event kind")
        self._events.append((at, kind, message, link, _encode(data).decode() if data else _NO_DATA))

    def count(self, at: int, link: str, direction: str, class_: str, state: str, parts: int) -> None:
        """Adds one message to the count of its day."""
        self._counts.append((at // 86_400_000, link, direction, class_, state, parts))

    def hint(self, topic: str) -> None:
        """Wakes who waits for a topic, after the commit."""
        self.topics.add(topic)

    def mark(self) -> tuple[int, int]:
        return len(self._events), len(self._counts)

    def rewind(self, mark: tuple[int, int]) -> None:
        """Forgets what was gathered since :meth:`mark`."""
        del self._events[mark[0] :]
        del self._counts[mark[1] :]

    def flush(self) -> None:
        """Writes what was gathered; the commit comes next."""
        if self._events:
            self.conn.executemany(
                "INSERT INTO event (at, kind, message, link, data) VALUES (?, ?, ?, ?, ?)", self._events
            )
            self.topics.add("events")
            self.topics.update(f"events:{event[1]}" for event in self._events)
        if self._counts:
            self.conn.executemany(
                "INSERT INTO rollup (day, link, direction, class, state, messages, parts) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET messages = messages + excluded.messages, parts = parts + excluded.parts",
                [(_day(day), *key, n, n * parts) for (day, *key, parts), n in Counter(self._counts).items()],
            )
