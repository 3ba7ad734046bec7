"""The parts of the store below its face: verbs without threads, a writer alone, SQL that looks beside it."""

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager, contextmanager

from smsgwd.queue.ids import Ids
from smsgwd.queue.opening import Lock, close_writer, open_writer
from smsgwd.queue.transaction import START, Limits, Transaction
from smsgwd.queue.writer import Writer


class Store:
    """Runs each verb in a transaction of its own, on the writer's connection, in the caller's thread."""

    def __init__(self, path, limits: Limits | None = None) -> None:
        self.conn = open_writer(str(path))
        self.tx = Transaction(self.conn, Ids.of(self.conn), limits or Limits())

    def run(self, verb, *args, **named):
        self.conn.execute("BEGIN IMMEDIATE")
        try:
            result = verb(self.tx, *args, **named)
            self.tx.flush()
            self.conn.execute("COMMIT")
            self.tx.confirm()
            return result
        finally:
            if self.conn.in_transaction:
                self.conn.execute("ROLLBACK")
                self.tx.forget()
            self.tx.rewind(START)

    def rows(self, sql: str, *args):
        return self.conn.execute(sql, args).fetchall()

    def value(self, sql: str, *args):
        return self.conn.execute(sql, args).fetchone()[0]

    def close(self) -> None:
        close_writer(self.conn)


@contextmanager
def storing(path, limits: Limits | None = None):
    store = Store(path, limits)
    try:
        yield store
    finally:
        store.close()


@asynccontextmanager
async def writing(path, prepare=lambda conn: None):
    """A writer alone. ``prepare`` gets its connection before the thread does."""
    lock = Lock(str(path))
    conn = open_writer(str(path))
    prepare(conn)
    writer = Writer(conn, Transaction(conn, Ids.of(conn), Limits()), str(path))
    try:
        yield writer
    finally:
        await writer.close(10)
        lock.release()


@contextmanager
def sql(path, mode: str = "ro"):
    """A connection of somebody else."""
    conn = sqlite3.connect(f"file:{path}?mode={mode}", uri=True, timeout=0, isolation_level=None)
    try:
        yield conn
    finally:
        conn.close()


def names(path) -> list[str]:
    """The kinds of events that are stored, oldest first."""
    with sql(path) as conn:
        return [kind for (kind,) in conn.execute("SELECT kind FROM event ORDER BY id")]


class Gate:
    """A verb that keeps the thread until the test opens it, so that what is put meanwhile is one batch."""

    def __init__(self) -> None:
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, tx) -> None:
        self.begun.set()
        assert self.open.wait(10)

    async def close(self, writer):
        """The future of the verb that waits at the gate."""
        future = writer.put(self)
        assert await asyncio.to_thread(self.begun.wait, 10)
        return future
