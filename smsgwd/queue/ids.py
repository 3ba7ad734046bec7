"""The numbers of rows."""

from __future__ import annotations

import sqlite3


class Ids:
    """Time-ordered row ids: milliseconds in the upper bits, a counter below; they never go back, whatever the clock
    does. One series for all nouns, so ids of different nouns compare too."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def next(self, now: int) -> int:
        following = self.last + 1
        self.last = following if following > now << 20 else max(following, floor_id(now))
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
