"""Links as the store knows them, and events and cursors that stand for themselves."""

from __future__ import annotations

import sqlite3

from smsgwd.errors import NotFound
from smsgwd.model import MESSAGE, EventData, LinkState, LinkStatus, row_id
from smsgwd.queue import rows
from smsgwd.queue.transaction import Transaction


def record_link(tx: Transaction, link: str, type: str, number: str, state: LinkState, why: str, now: int) -> None:
    """Writes the state of a link; an event where it, or the reason, is new."""
    tx.facts.pop(f"number {link}", None)
    old = tx.execute("SELECT state, reason, since FROM link WHERE name = ?", (link,)).fetchone()
    since = old[2] if old is not None and old[0] == state else now
    tx.execute(
        "INSERT INTO link (name, type, number, state, reason, since, paused) VALUES (?, ?, ?, ?, ?, ?, 0) "
        "ON CONFLICT (name) DO UPDATE SET type = excluded.type, number = excluded.number, state = excluded.state, "
        "reason = excluded.reason, since = excluded.since",
        (link, type, number, state.value, why, since),
    )
    if old is None or old[0] != state or old[1] != why:
        tx.event(f"link.{state.value}", now, None, link, why=why)
    if state is LinkState.UP:
        tx.hint(f"link:{link}")


def pause_link(tx: Transaction, link: str, paused: bool, now: int) -> LinkStatus:
    """An operator pauses or resumes a link; claims give nothing while it is paused. NotFound for an unknown link."""
    old = tx.execute("SELECT paused FROM link WHERE name = ?", (link,)).fetchone()
    if old is None:
        raise NotFound(f"there is no link {link}")
    if old[0] != paused:
        tx.execute("UPDATE link SET paused = ? WHERE name = ?", (int(paused), link))
        tx.facts.pop(f"paused {link}", None)
        tx.event("link.paused" if paused else "link.resumed", now, None, link)
        tx.hint(f"link:{link}")
    found = tx.execute(f"SELECT {rows.LINK_COLUMNS} FROM link l WHERE l.name = ?", (link,)).fetchone()
    return rows.to_link(found)


#: what links keep lies beside the store's own facts, under names of its own
_KEPT = "kept "


def remember(tx: Transaction, name: str, value: str) -> None:
    """Keeps a small fact over restarts; an empty value forgets it."""
    if value:
        tx.execute("INSERT OR REPLACE INTO store (name, value) VALUES (?, ?)", (_KEPT + name, value))
    else:
        tx.execute("DELETE FROM store WHERE name = ?", (_KEPT + name,))


def recall(conn: sqlite3.Connection, name: str) -> str:
    """What was kept under a name; "" for nothing."""
    found = conn.execute("SELECT value FROM store WHERE name = ?", (_KEPT + name,)).fetchone()
    return found[0] if found else ""


def accept_device(tx: Transaction, link: str, now: int) -> LinkStatus:
    """See :meth:`smsgwd.queue.interface.Queue.accept_device`."""
    found = tx.execute(f"SELECT {rows.LINK_COLUMNS} FROM link l WHERE l.name = ?", (link,)).fetchone()
    if found is None:
        raise NotFound(f"there is no link {link}")
    tx.execute("DELETE FROM store WHERE name IN (?, ?)", (f"{_KEPT}sim {link}", f"{_KEPT}imei {link}"))
    tx.execute("DELETE FROM store WHERE name LIKE ? AND value = ?", (f"{_KEPT}pin %", link))
    tx.event("link.accepted", now, None, link)
    tx.hint(f"restart:{link}")
    return rows.to_link(found)


def record_event(
    tx: Transaction, kind: str, now: int, data: EventData | None = None, *, link: str = "", message: str = ""
) -> None:
    """An event without rows: daemon, storage, PIN, calls."""
    tx.event(kind, now, row_id(MESSAGE, message) if message else None, link, **(data or {}))


def skip(tx: Transaction, name: str, event: int) -> None:
    """Moves a reader's cursor forward, never back."""
    tx.execute(
        "INSERT INTO cursor (name, event) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET event = excluded.event "
        "WHERE excluded.event > cursor.event",
        (name, event),
    )
