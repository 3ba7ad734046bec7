"""Looking: messages, threads, links, calls, depths, counts. Keyset pages, newest first; nothing here writes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection
from typing import Any

import msgspec

from smsgwd.errors import NotFound, RequestRefused
from smsgwd.model import (
    CONVERSATION,
    MESSAGE,
    OUTBOX,
    Contact,
    Conversation,
    Event,
    LinkStatus,
    Message,
    MessageState,
    OutboxItem,
    Submission,
    row_id,
)
from smsgwd.queue import rows, tally
from smsgwd.queue.interface import Depth, MessageFilter, Owed, Page
from smsgwd.queue.schema import ASIDE
from smsgwd.queue.together import array, lines

#: most items of one page
LIMIT = 1000
#: states with an index of their own; the index's WHERE term must be repeated literally


def message(conn: sqlite3.Connection, message: str) -> Message:
    return rows.message(conn, row_id(MESSAGE, message))


def submissions(conn: sqlite3.Connection, message: str) -> list[Submission]:
    """All attempts of a text, oldest first."""
    row = row_id(MESSAGE, message)
    found = conn.execute(f"SELECT {rows.SUBMISSION_COLUMNS} FROM submission WHERE message = ? ORDER BY id", (row,)).fetchall()
    if not found and not conn.execute("SELECT 1 FROM message WHERE id = ?", (row,)).fetchone():
        raise NotFound(f"there is no message {message}")
    return [rows.to_submission(r) for r in found]


def messages(conn: sqlite3.Connection, where: MessageFilter, after: str, limit: int) -> Page:
    """See :class:`smsgwd.queue.interface.MessageFilter`; ``after`` is the cursor of the page before."""
    terms, args = _terms(conn, where)
    if after:
        terms.append("m.id < ?")
        args.append(row_id(MESSAGE, after))
    count = bounded(limit)
    clause = f"WHERE {' AND '.join(terms)} " if terms else ""
    return _page(rows.messages(conn, f"{clause}ORDER BY m.id DESC LIMIT ?", (*args, count + 1)), count)


def _terms(conn: sqlite3.Connection, where: MessageFilter) -> tuple[list[str], list[Any]]:
    """SQL terms and their values. States are literals, so that the partial indexes are seen."""
    terms: list[str] = []
    args: list[Any] = []
    if where.direction:
        if where.direction not in ("in", "out"):
            raise RequestRefused("invalid-direction", f"{where.direction!r} is neither in nor out")
        terms.append(f"m.direction = '{where.direction}'")
    if where.state:
        if where.state not in MessageState.__members__.values():
            raise RequestRefused("invalid-state", f"{where.state!r} is no state of a message")
        terms.append(f"m.state = '{where.state}'")
    if where.to:
        terms.append("((m.direction = 'out' AND m.peer = ?) OR (m.direction = 'in' AND m.ours = ?))")
        args += [where.to, where.to]
    if where.from_:
        terms.append("((m.direction = 'in' AND m.peer = ?) OR (m.direction = 'out' AND l.number = ?))")
        args += [where.from_, where.from_]
    if where.link:
        terms.append("m.link = ?")
        args.append(where.link)
    if where.conversation:
        thread = rows.conversation(conn, row_id(CONVERSATION, where.conversation))
        terms.append("m.peer = ? AND m.conversation = ?")
        args += [thread.contact, row_id(CONVERSATION, where.conversation)]
    return terms, args


def bounded(limit: int) -> int:
    """The size of a page that was asked for."""
    return min(max(limit, 1), LIMIT)


def _page(found: list[Any], count: int) -> Page:
    """One item more than asked for says that there is a following page."""
    items = tuple(found[:count])
    return Page(items, items[-1].id if len(found) > count else None)


def conversation(conn: sqlite3.Connection, conversation: str) -> Conversation:
    return rows.conversation(conn, row_id(CONVERSATION, conversation))


def conversations(conn: sqlite3.Connection, state: str, after: str, limit: int) -> Page:
    """``state`` is open, closed, or empty for all."""
    if state not in ("", "open", "closed"):
        raise RequestRefused("invalid-state", f"{state!r} is neither open nor closed")
    count = bounded(limit)
    found = conn.execute(
        f"SELECT {rows.CONVERSATION_COLUMNS} FROM conversation WHERE id < ? AND (? = '' OR state = ?) "
        "ORDER BY id DESC LIMIT ?",
        (row_id(CONVERSATION, after) if after else 1 << 62, state, state, count + 1),
    ).fetchall()
    return _page([rows.to_conversation(conn, row) for row in found], count)


def contact(conn: sqlite3.Connection, number: str) -> Contact:
    row = conn.execute("SELECT number, consent, name, tags, first_seen FROM contact WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"nobody with the number {number} is known")
    return rows.to_contact(row)


def links(conn: sqlite3.Connection) -> list[LinkStatus]:
    """With what the store knows of their delivery reports."""
    found = [rows.to_link(row) for row in conn.execute(f"SELECT {rows.LINK_COLUMNS} FROM link l ORDER BY l.name")]
    facts = tally.facts(conn)
    return [msgspec.structs.replace(link, facts=facts[link.name]) if link.name in facts else link for link in found]


def outbox(conn: sqlite3.Connection, state: str, after: str, limit: int) -> Page:
    """``state`` is pending, done, dead, or empty for all."""
    if state not in ("", "pending", "done", "dead"):
        raise RequestRefused("invalid-state", f"{state!r} is none of pending, done, dead")
    count = bounded(limit)
    term = f"AND state = '{state}'" if state else ""
    found = conn.execute(
        f"SELECT {rows.OUTBOX_COLUMNS} FROM outbox WHERE id < ? {term} ORDER BY id DESC LIMIT ?",
        (row_id(OUTBOX, after) if after else 1 << 62, count + 1),
    ).fetchall()
    return _page([rows.to_outbox(row) for row in found], count)


def outbox_item(conn: sqlite3.Connection, item: str) -> OutboxItem:
    row = conn.execute(f"SELECT {rows.OUTBOX_COLUMNS} FROM outbox WHERE id = ?", (row_id(OUTBOX, item),)).fetchone()
    if row is None:
        raise NotFound(f"there is no outbox item {item}")
    return rows.to_outbox(row)


def outbox_depth(conn: sqlite3.Connection) -> dict[str, int]:
    """See :meth:`smsgwd.queue.interface.Queue.outbox_depth`; counts the partial indexes, not the table."""
    return {
        state: int(conn.execute(f"SELECT count(*) FROM outbox WHERE state = '{state}'").fetchone()[0])
        for state in ("pending", "dead")
    }


#: the calls of one conversation go one after another: none is due while an older one waits
_TURN = (
    "(conversation IS NULL OR NOT EXISTS (SELECT 1 FROM outbox o WHERE o.state = 'pending' AND o.conversation IS NOT NULL "
    "AND o.endpoint = outbox.endpoint AND o.conversation = outbox.conversation AND o.id < outbox.id))"
)


_OWED = array(
    rows.OUTBOX_COLUMNS,
    f"FROM (SELECT * FROM outbox WHERE state = 'pending' AND endpoint = ? AND due <= ? AND {_TURN} "
    "AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY due, id LIMIT ?)",
)


def owed(conn: sqlite3.Connection, endpoint: str, limit: int, now: int, without: Collection[str] = ()) -> list[Owed]:
    """See :meth:`smsgwd.queue.interface.Queue.owed`."""
    busy = f"[{','.join([str(row_id(OUTBOX, item)) for item in without])}]"
    waiting = lines(conn.execute(_OWED, (endpoint, now, busy, bounded(limit))))
    messages = rows.messages_alone(conn, {row[3] for row in waiting if row[3] is not None})
    threads: dict[str, tuple[Conversation | None, Contact | None]] = {"": (None, None)}
    calls = []
    for row in waiting:
        item, message = rows.to_outbox(row), messages.get(row[3])
        thread = item.conversation or (message.conversation if message is not None else "")
        if thread not in threads:
            threads[thread] = _thread(conn, thread)
        calls.append(Owed(item, message, *threads[thread]))
    return calls


def _thread(conn: sqlite3.Connection, thread: str) -> tuple[Conversation | None, Contact | None]:
    """A conversation and its person, as far as they are there."""
    with contextlib.suppress(NotFound):
        found = conversation(conn, thread)
        with contextlib.suppress(NotFound):
            return found, contact(conn, found.contact)
        return found, None
    return None, None


def owed_next(conn: sqlite3.Connection, endpoint: str) -> int | None:
    """When the next call of an endpoint is due; None when nothing is owed."""
    row = conn.execute(
        f"SELECT due FROM outbox WHERE state = 'pending' AND endpoint = ? AND {_TURN} ORDER BY due, id LIMIT 1", (endpoint,)
    ).fetchone()
    return None if row is None else int(row[0])


def next_due(conn: sqlite3.Connection, link: str) -> int | None:
    """See :meth:`smsgwd.queue.interface.Queue.next_due`; None for a paused link too."""
    if conn.execute("SELECT paused FROM link WHERE name = ?", (link,)).fetchone() == (1,):
        return None
    seek = "SELECT min(due) AS due FROM message WHERE state = 'queued' AND link = ?1 AND priority = "
    row = conn.execute(
        f"SELECT min(due) FROM ({seek}0 UNION ALL {seek}1 UNION ALL {seek}2)", (link,)
    ).fetchone()
    return None if row[0] is None else int(row[0])


def waiting(conn: sqlite3.Connection, link: str, limit: int) -> list[Message]:
    """See :meth:`smsgwd.queue.interface.Queue.waiting`."""
    return rows.messages(
        conn,
        "WHERE m.state = 'queued' AND m.link = ? AND m.done = 0 AND m.pinned = 0 ORDER BY m.id LIMIT ?",
        (link, bounded(limit)),
    )


def depth(conn: sqlite3.Connection, now: int) -> list[Depth]:
    """Texts that are not over, per link and state. The age counts from when a queued text was due."""
    found = conn.execute(
        "SELECT link, 'queued', count(*), min(CASE WHEN due > 0 THEN due ELSE id >> 20 END) FROM message "
        "WHERE state = 'queued' GROUP BY link UNION ALL "
        f"SELECT link, state, count(*), min(id >> 20) FROM message WHERE {ASIDE} "
        "AND state IN ('held', 'uncertain') GROUP BY link, state UNION ALL "
        "SELECT l.name, 'sending', count(*), min(s.at) FROM link l CROSS JOIN submission s "
        "ON s.link = l.name AND s.state = 'in_flight' AND s.open = 1 GROUP BY l.name ORDER BY 1, 2"
    )
    return [Depth(link=link, state=state, count=n, oldest_age=max(0, now - at)) for link, state, n, at in found]


def rollup(conn: sqlite3.Connection, days: int, now: int) -> list[dict[str, Any]]:
    """See :meth:`smsgwd.queue.interface.Queue.rollup`. ``accepted`` counts texts taken from callers; the other states
    count texts that came into them on that day."""
    found = conn.execute(
        "SELECT day, link, direction, class, state, messages, parts FROM rollup WHERE day > date(?, 'unixepoch', ?) "
        "AND direction <> 'report' ORDER BY day, link, direction, class, state",
        (now // 1000, f"-{max(0, days)} days"),
    )
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def events_after(conn: sqlite3.Connection, after: int, limit: int, kind: str = "") -> list[Event]:
    """See :meth:`smsgwd.queue.interface.Queue.events_after`."""
    term = "AND kind = ?" if kind else ""
    args = (kind,) if kind else ()
    if after < 0:
        found = conn.execute(
            f"SELECT {rows.EVENT_COLUMNS} FROM event WHERE id > 0 {term} ORDER BY id DESC LIMIT ?",
            (*args, min(bounded(-after), bounded(limit))),
        ).fetchall()[::-1]
    else:
        found = conn.execute(
            f"SELECT {rows.EVENT_COLUMNS} FROM event WHERE id > ? {term} ORDER BY id LIMIT ?",
            (after, *args, bounded(limit)),
        ).fetchall()
    return [rows.to_event(row) for row in found]


def cursor(conn: sqlite3.Connection, name: str) -> int:
    row = conn.execute("SELECT event FROM cursor WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])
