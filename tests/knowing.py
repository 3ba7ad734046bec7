"""The rows that the writer keeps in memory are the rows of the database: looked at after every commit of every test."""

from smsgwd.queue.known import ATTEMPT_COLUMNS, COLUMNS, ROW, WIRE, Attempt, Row
from smsgwd.queue.transaction import Transaction

#: rows of each kind that are compared after one commit, the newest
MOST = 100


def wrong(tx: Transaction, conn) -> list[str]:
    """What is kept and is not so."""
    found = []
    for id_ in list(tx.known.texts)[-MOST:]:
        kept = tx.known.texts[id_]
        row = conn.execute(f"-- a test\nSELECT {COLUMNS}, {WIRE} FROM message m WHERE m.id = ?", (id_,)).fetchone()
        is_ = row and Row(*row[:ROW], None if kept.wire is None else row[ROW:])
        if is_ != kept:
            found.append(f"{kept} is kept of {is_}")
    for id_ in list(tx.known.attempts)[-MOST:]:
        row = conn.execute(f"-- a test\nSELECT {ATTEMPT_COLUMNS} FROM submission s WHERE s.id = ?", (id_,)).fetchone()
        if (row and Attempt(*row)) != tx.known.attempts[id_]:
            found.append(f"{tx.known.attempts[id_]} is kept of {row}")
    return found


def watched(confirm):
    """``Transaction.confirm``, with the look."""

    def looks(tx: Transaction) -> None:
        confirm(tx)
        assert wrong(tx, tx.conn) == []

    return looks
