"""What a verb gets: the writer's connection, and what goes along with its rows in the same commit.

Many verbs share one commit, and a statement for many rows costs a fraction of one for each. So

* events, daily counts and what was spent are gathered while a batch of verbs runs and written just before its commit. A
  verb must not read them; those are for readers;
* writes of a few fixed kinds, those that each text causes, are put off by :meth:`Transaction.defer`: rows of the same
  kind go together. Whatever looks by :meth:`Transaction.execute` or ``conn`` sees them: they are written first, and so
  are they when a second write to the same row is put off. ``Transaction.apart`` is for tables that they do not touch: it
  runs a statement and lets them wait.

A deferred write that fails cannot be laid at one verb's door: it raises :class:`Spoilt`, and the writer runs the batch
again, each verb in a commit of its own.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from smsgwd.events import KINDS
from smsgwd.model import EventData
from smsgwd.prices import Prices
from smsgwd.queue import calls, spend
from smsgwd.queue.ahead import Ahead
from smsgwd.queue.capacity import SpaceLimits
from smsgwd.queue.ids import Ids
from smsgwd.queue.interface import Counted
from smsgwd.queue.known import Known, reach
from smsgwd.queue.recent import Committed
from smsgwd.queue.together import Each, Line, Together, insert

#: how far the gathering of a batch has come
Mark = tuple[int, int, int, int]
START: Mark = (0, 0, 0, 0)
_EVENTS = insert("event", "id, at, kind, message, link, data")
_ROLLUP = insert(
    "rollup", "day, link, direction, class, state, messages, parts",
    tail=" ON CONFLICT DO UPDATE SET messages = messages + excluded.messages, parts = parts + excluded.parts",
)  # fmt: skip

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
    #: the room of the database
    space: SpaceLimits = SpaceLimits()


@lru_cache(maxsize=8)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86400, UTC).date().isoformat()


class Spoilt(Exception):
    """Writes of several verbs that were put off failed together; ``__cause__`` is SQLite's error."""


class Transaction:
    """One batch on the writer's connection."""

    __slots__ = (
        "_conn",
        "_counts",
        "_deferred",
        "_event_id",
        "_events",
        "_spent",
        "_touched",
        "_turned",
        "_written",
        "after",
        "ahead",
        "apart",
        "committed",
        "desks",
        "doubted",
        "erased",
        "events",
        "facts",
        "ids",
        "keys",
        "known",
        "limits",
        "topics",
    )  # fmt: skip

    def __init__(self, conn: sqlite3.Connection, ids: Ids, limits: Limits) -> None:
        self._conn, self.ids, self.limits = conn, ids, limits
        #: runs a statement that has nothing to do with what was deferred
        self.apart = conn.execute
        self._deferred: list[tuple[Together | Each, int, Line]] = []
        #: ids of the rows that they write
        self._touched: set[int] = set()
        #: what was looked up for several verbs of the batch
        self.ahead = Ahead(conn)
        #: rows that need not be read
        self.known = Known()
        #: idempotency keys of texts of this batch
        self.keys: set[str] = set()
        #: small things that seldom change, by name (:meth:`fact`); who changes one takes it out
        self.facts: dict[str, Any] = {}
        #: all events are turned into calls
        self._turned = False
        self.topics: set[str] = set()
        #: the wall clock is doubted: nothing expires by it (:mod:`smsgwd.queue.stepping`)
        self.doubted = False
        #: done on the connection right after the commit, before callers are told; it raises nothing that is expected
        self.after: list[Callable[[sqlite3.Connection], None]] = []
        #: somebody was erased who opted out (:mod:`smsgwd.queue.privacy.persons`)
        self.erased = conn.execute("SELECT 1 FROM erased LIMIT 1").fetchone() is not None
        #: desks that are owed calls by events; None while nobody has said which there are
        self.desks: calls.Desks | None = None
        self._events: list[Committed] = []
        #: the number of the newest event, and what :meth:`flush` wrote in this transaction
        self._event_id: int = conn.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
        self._written: list[Committed] = []
        #: events of commits that are done
        self.events: list[Committed] = []
        self._counts: list[tuple[int, str, str, str, str, int]] = []
        self._spent: list[Counted] = []
        #: what was spent by commits that are done
        self.committed: list[Counted] = []

    @property
    def conn(self) -> sqlite3.Connection:
        """The connection, as all verbs before have left it."""
        if self._deferred:
            self._settle()
        return self._conn

    def execute(self, sql: str, args: Sequence[Any] = ()) -> sqlite3.Cursor:
        """One statement, after all that was put off."""
        if self._deferred:
            self._settle()
        if reached := reach(sql):
            self.known.ran(reached, args)
        return self._conn.execute(sql, args)

    def defer(self, kind: Together | Each, id_: int, line: Line) -> None:
        """Puts the write of a row off. ``id_`` is the row's; ids are of one series, whatever the table."""
        if id_ in self._touched:
            self._settle()
        self._touched.add(id_)
        self._deferred.append((kind, id_, line))

    def _settle(self) -> None:
        """Writes what was put off. Each row is there once, so that the order of the kinds does not matter."""
        deferred, self._deferred = self._deferred, []
        self._touched.clear()
        lines: dict[Together | Each, list[Line]] = {}
        for kind, _, line in deferred:
            lines.setdefault(kind, []).append(line)
        before = self._conn.total_changes
        try:
            for kind, many in lines.items():
                kind.write(self._conn, many)
        except sqlite3.Error as e:
            raise Spoilt from e
        self.ahead.deferred(self._conn.total_changes - before)

    def event(self, kind: str, at: int, message: int | None = None, link: str = "", **data: Any) -> None:
        """Adds an event to this commit. ``data`` holds ids, counts and states, never a text or a whole number."""
        self.happened(kind, at, message, link, data)

    def happened(self, kind: str, at: int, message: int | None, link: str, data: EventData) -> None:
        """As :meth:`event`, with data that are one already."""
        if kind not in KINDS:
            raise AssertionError(f"{kind!r} is not an event kind")
        self._events.append(Committed(self._event_id + len(self._events) + 1, at, kind, message, link, data))

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

    def fact(self, name: str, sql: str, *args: Any) -> Any:
        """The first column of the row that a statement finds, or None; looked up once, in a table that deferred writes do not
        touch."""
        if name not in self.facts:
            found = self.apart(sql, args).fetchone()
            self.facts[name] = None if found is None else found[0]
        return self.facts[name]

    def mark(self) -> Mark:
        return len(self._events), len(self._counts), len(self._spent), len(self._deferred)

    def rewind(self, mark: Mark) -> None:
        """Forgets what was gathered since :meth:`mark`."""
        del self._events[mark[0] :]
        del self._counts[mark[1] :]
        del self._spent[mark[2] :]
        for _, id_, _ in self._deferred[mark[3] :]:
            self._touched.discard(id_)
        del self._deferred[mark[3] :]
        if mark == START:
            self.after.clear()
            self.ahead.clear()
            self.keys.clear()

    def forget(self) -> None:
        """A verb failed, or the transaction was taken back: what is kept of rows may not be so."""
        self.facts.clear()
        self._turned = False
        self.known.clear()

    def confirm(self) -> None:
        """The commit is done: what it spent is spent, what it told has happened."""
        self.committed += self._spent
        self._event_id += len(self._written)
        self.events += self._written
        for work in self.after:
            work(self._conn)

    def flush(self) -> None:
        """Writes what was gathered; the commit comes next."""
        if self._deferred:
            self._settle()
        self._written = self._events[:]
        if self._written:
            _EVENTS.write(self._conn, [_line(event) for event in self._written])
            self.topics.add("events")
            self.topics.update([f"events:{kind}" for kind in {event.kind for event in self._written}])
            if self.desks is not None:
                self._turned = self._turned or calls.cursor(self._conn) >= self._event_id
                if self._turned and calls.turn(self._conn, self.ids, self.desks, self._written):
                    self.topics.add("outbox")
        if self._counts:
            counted = Counter(self._counts).items()
            _ROLLUP.write(self._conn, [(_day(day), *key, n, n * parts) for (day, *key, parts), n in counted])
        if self._spent:
            spend.write(self._conn, _sums(self._spent))


def _line(event: Committed) -> Line:
    data = _encode(event.data).decode() if event.data else _NO_DATA
    return event.id, event.at, event.kind, event.message, event.link, data


def _sums(spent: list[Counted]) -> dict[tuple[str, str, str], tuple[int, int]]:
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for at, link, token, segments, cost, _ in spent:
        day = _day(at // 86_400_000)
        for kind, name in (("link", link), ("token", token)) if token else (("link", link),):
            before = sums.get((day, kind, name), (0, 0))
            sums[day, kind, name] = before[0] + segments, before[1] + cost
    return sums
