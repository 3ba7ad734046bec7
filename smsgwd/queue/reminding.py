"""The verb of :mod:`smsgwd.queue.heard`."""

from __future__ import annotations

import sqlite3

from smsgwd.queue.ids import floor_id

#: newest events that are looked through for the end of a link
_LAST = 1000

_EVENTS = f"SELECT kind, link, at FROM event ORDER BY id DESC LIMIT {_LAST}"
_RAW = "SELECT raw FROM inbound_part WHERE id > ? AND link = ? AND raw IS NOT NULL ORDER BY id"


def unanswered(conn: sqlite3.Connection, link: str, within: int) -> list[bytes]:
    """See :meth:`smsgwd.queue.heard.HeardVerbs.unanswered`."""
    died = _died(conn, link)
    if died is None:
        return []
    return [raw for (raw,) in conn.execute(_RAW, (floor_id(died - within), link))]


def _died(conn: sqlite3.Connection, link: str) -> int | None:
    """When the gateway was last seen at work; None when nothing ever happened, or the link went down after the gateway was
    told to stop. What a start does with open attempts is no sign of life."""
    died, down, recovered = None, False, None
    for kind, name, at in conn.execute(_EVENTS):
        if kind == "daemon.recovered":
            died, recovered = None, at
        elif kind == "daemon.started":
            return died or int(at)
        elif kind == "daemon.stopping":
            return None if down else died or int(at)
        elif at != recovered:
            down = down or (kind == "link.down" and name == link)
            died = died or int(at)
    return died
