"""Calls that events cause, owed in the commit of the event itself.

The queue is told once which desks there are and which kinds each wants (:func:`smsgwd.queue.owing.owe_events`). From then
on each commit that brings events brings the calls too, and moves the cursor ``webhooks`` to its newest event: nobody has
to read events to owe calls, and nothing lies between the two that could be lost.

The cursor is the truth about what was turned into calls. A commit does so only when the cursor stands at the newest event
before it, and once it does, each commit keeps it there; while it does not, there are older events that were not turned yet:
those of a daemon that ended before it was told, or of an earlier version that read them behind their commit. Then the commit
leaves its own as well, and they are turned in their order by ``owe_events``, a bounded number in each commit. So whatever ends
when, each event is turned once. A desk that is added later hears of nothing before the cursor.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from smsgwd.events import WEBHOOK_KINDS
from smsgwd.model import CONVERSATION, row_id
from smsgwd.queue.recent import Committed
from smsgwd.queue.together import insert

#: desk -> kinds that it wants
Desks = Mapping[str, frozenset[str]]

CURSOR = "webhooks"
_CURSOR = "SELECT event FROM cursor WHERE name = ?"
_MOVE = (
    "INSERT INTO cursor (name, event) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET event = excluded.event "
    "WHERE excluded.event > cursor.event"
)
#: the conversation gives the calls' order; where the event names none, it is that of its text
_INSERT = insert(
    "outbox", "id, endpoint, kind, message, conversation, at, due, attempts, state, reason, data",
    "(?, ?, ?, ?, coalesce(?, (SELECT conversation FROM message WHERE id = ?)), ?, 0, 0, 'pending', '', ?)",
)  # fmt: skip
_encode = msgspec.json.Encoder().encode


class Ids(Protocol):
    def next(self, now: int) -> int: ...


def cursor(conn: sqlite3.Connection) -> int:
    """The newest event that was turned into calls."""
    found = conn.execute(_CURSOR, (CURSOR,)).fetchone()
    return 0 if found is None else int(found[0])


def turn(conn: sqlite3.Connection, ids: Ids, desks: Desks, events: Sequence[Committed]) -> bool:
    """Owes the calls of events that follow the cursor, and moves it behind them."""
    calls = [_row(ids, desk, event) for event in events for desk in _told(desks, event)]
    if calls:
        _INSERT.write(conn, calls)
    conn.execute(_MOVE, (CURSOR, events[-1].id))
    return bool(calls)


def _told(desks: Desks, event: Committed) -> Iterable[str]:
    """The desks that hear of an event: those that want its kind, and the one that its text names."""
    if event.kind not in WEBHOOK_KINDS:
        return ()
    callback = event.data.get("callback")
    return [name for name, kinds in desks.items() if event.kind in kinds or name == callback]


def _row(ids: Ids, desk: str, event: Committed) -> tuple[Any, ...]:
    thread = event.data.get("conversation")
    data = {**event.data, "event": event.id, **({"link": event.link} if event.link else {})}
    return (
        ids.next(event.at), desk, event.kind, event.message, row_id(CONVERSATION, str(thread)) if thread else None,
        event.message, event.at, _encode(data).decode(),
    )  # fmt: skip
