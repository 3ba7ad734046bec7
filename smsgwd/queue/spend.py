"""What was spent: segments and money by day (UTC), for each link and each API token.

A text is counted in the commit that accepts it, on the day of its acceptance; when it moves to another link its count
moves too, on that same day. A new text that is sent in place of an old one (``queue retry``) is counted as a new one.
"""

from __future__ import annotations

import sqlite3
from datetime import date

from smsgwd.prices import MICRO, micros
from smsgwd.queue.interface import Spending

_UPSERT = (
    "INSERT INTO spend (day, kind, name, segments, cost) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET segments = segments + excluded.segments, cost = cost + excluded.cost"
)


def write(conn: sqlite3.Connection, sums: dict[tuple[str, str, str], tuple[int, int]]) -> None:
    """Adds (day, kind, name) -> (segments, money in millionths) to what is there."""
    conn.executemany(_UPSERT, [(*key, segments, cost / MICRO) for key, (segments, cost) in sums.items()])


def spent_since(conn: sqlite3.Connection, day: str) -> list[Spending]:
    """See :meth:`smsgwd.queue.interface.Queue.spent_since`."""
    found = conn.execute("SELECT day, kind, name, segments, cost FROM spend WHERE day >= ? ORDER BY day, kind, name", (day,))
    return [
        Spending(day=_number(day), kind=kind, name=name, segments=segments, cost=micros(cost))
        for day, kind, name, segments, cost in found
    ]


def _number(day: str) -> int:
    return date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()


def open_threads(conn: sqlite3.Connection, numbers: tuple[str, ...]) -> dict[str, str]:
    """See :meth:`smsgwd.queue.interface.Queue.open_threads`. One seek in an index for each number."""
    seek = "SELECT link FROM conversation WHERE contact = ? AND state = 'open' ORDER BY updated DESC LIMIT 1"
    found = ((number, conn.execute(seek, (number,)).fetchone()) for number in numbers)
    return {number: row[0] for number, row in found if row is not None}


def automatic_since(conn: sqlite3.Connection, number: str, since: int) -> list[int]:
    """See :meth:`smsgwd.queue.interface.Queue.automatic_since`."""
    found = conn.execute(
        "SELECT created FROM message WHERE peer = ? AND id >= ? AND direction = 'out' AND origin IN ('rule', 'consent') "
        "AND created >= ?",
        (number, max(since, 0) << 20, since),
    )
    return [created for (created,) in found]
