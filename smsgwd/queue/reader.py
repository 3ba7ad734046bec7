"""Looking, on a connection of its own that cannot write, in a thread of its own.

Reads are short: an open snapshot keeps the WAL from being reused, and it then grows without bound. A read that takes
longer than ``LONGEST`` seconds is broken off with StoreUnavailable.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from smsgwd.clock import Clock
from smsgwd.errors import StoreUnavailable, StoreUnusable
from smsgwd.queue.opening import explained

P = ParamSpec("P")
R = TypeVar("R")

#: seconds that one read may take, and reads that may wait
LONGEST, WAITING = 5.0, 1000


class Reader:
    """Runs looking verbs one after the other."""

    def __init__(self, conn: sqlite3.Connection, path: str, clock: Clock) -> None:
        self._conn, self._path, self._clock = conn, path, clock
        self._until = 0.0
        self._waiting = 0
        #: called on the loop when a read finds that the store is damaged
        self.broke: Callable[[StoreUnusable], None] = lambda failure: None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="smsgwd-reader")
        conn.set_progress_handler(lambda: clock.monotonic() > self._until, 50_000)

    async def look(self, verb: Callable[Concatenate[sqlite3.Connection, P], R], /, *args: P.args, **named: P.kwargs) -> R:
        """The verb's result, from what is committed now."""
        if self._waiting >= WAITING:
            raise StoreUnavailable(f"{self._path}: {WAITING} reads wait already")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: self._run(verb, *args, **named))
        except StoreUnusable as e:
            self.broke(e)
            raise
        finally:
            self._waiting -= 1

    def _run(self, verb: Callable[Concatenate[sqlite3.Connection, P], R], /, *args: P.args, **named: P.kwargs) -> R:
        """One snapshot for the whole verb, so that a page and its segments fit together."""
        self._until = self._clock.monotonic() + LONGEST
        with explained(self._path):
            self._conn.execute("BEGIN")
            try:
                return verb(self._conn, *args, **named)
            finally:
                if self._conn.in_transaction:
                    self._conn.execute("ROLLBACK")

    def close(self) -> None:
        """Waits for the read that runs, if any (at most ``LONGEST`` seconds)."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._conn.close()
