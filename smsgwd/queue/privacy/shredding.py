"""The write-ahead log, emptied: what was erased from the database may still stand in old pages of the log.

``secure_delete`` fills what is freed with zeros. The log however keeps the pages as they were when they were written, until
its file is used again from the start or cut to nothing, which only a checkpoint of the kind TRUNCATE does. It cannot while
somebody reads an older state; so it is tried without waiting, and the caller is told.
"""

from __future__ import annotations

import sqlite3

from smsgwd.queue.transaction import Transaction


class Shredding:
    """What came of it, once the verb that returned this is committed."""

    def __init__(self) -> None:
        self.done = False

    def __call__(self, conn: sqlite3.Connection) -> None:
        (waited,) = conn.execute("PRAGMA busy_timeout").fetchone()
        conn.execute("PRAGMA busy_timeout = 0")
        try:
            self.done = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        except sqlite3.OperationalError as e:
            if e.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL):
                raise
        finally:
            conn.execute(f"PRAGMA busy_timeout = {waited}")


def shred(tx: Transaction) -> Shredding:
    """After this commit."""
    shredding = Shredding()
    tx.after.append(shredding)
    return shredding
