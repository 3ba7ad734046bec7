"""P1: accepted is durable. What a caller is told was accepted has been committed and synced before.

Power cuts and kills are elsewhere (tests/powercut, tests/queue/test_kill.py); here is the order of things.
"""

import sqlite3
from contextlib import closing

from smsgwd.queue.opening import close_writer, open_writer
from tests.queue.storing import Gate, writing
from tests.web.served import served


async def test_p01_answer_comes_after_the_commit(tmp_path):
    """Fifty calls: at the moment of each 202, another program that opens the database finds the text in it."""
    async with served(tmp_path) as api:
        for n in range(50):
            status, taken = await api.ask("POST", "/v1/messages", {"to": "+15550100777", "text": f"text {n}"})
            with closing(sqlite3.connect(f"file:{tmp_path}/smsgwd.db?mode=ro", uri=True)) as other:
                texts = [text for (text,) in other.execute("SELECT text FROM message ORDER BY id DESC LIMIT 1")]
            assert (status, texts, taken["state"]) == (202, [f"text {n}"], "queued")


async def test_p01_nobody_is_told_before_the_sync(tmp_path):
    """A verb whose batch has not been committed has no result; and what is not committed, nobody else sees."""

    def put(tx):
        tx.execute("INSERT INTO store (name, value) VALUES ('p01', 'x')")

    async with writing(tmp_path / "q.db") as writer:
        first, gate = writer.put(put), Gate()
        await first
        at_gate = await gate.close(writer)
        behind = writer.put(lambda tx: tx.execute("UPDATE store SET value = 'y' WHERE name = 'p01'").rowcount)
        with closing(sqlite3.connect(f"file:{tmp_path}/q.db?mode=ro", uri=True)) as other:
            seen = other.execute("SELECT value FROM store WHERE name = 'p01'").fetchone()
        assert (at_gate.done(), behind.done(), seen) == (False, False, ("x",))
        gate.open.set()
        assert await behind == 1


def test_p01_every_commit_is_synced(tmp_path):
    """synchronous=FULL on the one connection that writes, in WAL mode; it is no setting."""
    conn = open_writer(str(tmp_path / "q.db"))
    try:
        assert conn.execute("PRAGMA synchronous").fetchone() == (2,)
        assert conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    finally:
        close_writer(conn)
