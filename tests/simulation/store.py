"""The real queue on SQLite, in step with the simulation: verbs run on the loop, and the disk takes its time.

Writer and reader are those of the program with their thread taken away: what the thread would do is done on the loop
after a pause that the disk asks for. So a commit, and the moment at which its callers hear of it, are two moments, and a
crash may come between them, before them or after.

What is committed is durable here (power cuts have tests of their own), so the files lie in memory where there is such a
place, and nothing is synced. A full disk is SQLite's own: the database may not grow by a page.
"""

from __future__ import annotations

import asyncio
import functools
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from smsgwd.clock import Clock
from smsgwd.queue import opening, outbound
from smsgwd.queue.capacity import Capacity, SpaceLimits
from smsgwd.queue.ids import Ids
from smsgwd.queue.reader import Reader
from smsgwd.queue.space import Space
from smsgwd.queue.sqlite import LOOKS, SqliteQueue
from smsgwd.queue.transaction import Limits, Transaction
from smsgwd.queue.writer import BATCH, Writer

#: pages of a database that may grow as it likes
_NO_BOUND = 1 << 30
#: pages that a reserve gives
RESERVE = 200
#: every change of a state, kept beside the database; the check of the program's own tables
_WATCH = """
CREATE TEMP TABLE lived (noun TEXT, id INTEGER, before TEXT, after TEXT);
CREATE TEMP TRIGGER watch_message AFTER UPDATE OF state ON main.message WHEN old.state <> new.state
  BEGIN INSERT INTO lived VALUES ('message', new.id, old.state, new.state); END;
CREATE TEMP TRIGGER watch_submission AFTER UPDATE OF state ON main.submission WHEN old.state <> new.state
  BEGIN INSERT INTO lived VALUES ('submission', new.id, old.state, new.state); END;
CREATE TEMP TRIGGER watch_gone AFTER DELETE ON main.message
  BEGIN INSERT INTO lived VALUES ('message', old.id, old.state, 'deleted'); END;
"""


def place() -> str | None:
    """A folder in memory, if the machine has one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@functools.cache
def _empty() -> bytes:
    """A database of the newest schema, made once."""
    with tempfile.TemporaryDirectory(dir=place()) as folder:
        path = os.path.join(folder, "empty.db")
        opening.close_writer(opening.open_writer(path))
        return Path(path).read_bytes()


def make(path: str) -> None:
    """An empty database at a new path."""
    Path(path).write_bytes(_empty())


def remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)


class Disk:
    """How long it takes, and whether it is full."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.full = chance, False
        #: pages that a full disk has for the database
        self.room = 0

    def pause(self) -> float:
        """Seconds; now and then it is slow."""
        return self.chance.choice((0.0, 0.001, 0.003, 0.01, 0.01, 0.3))

    def fill(self, conn: sqlite3.Connection) -> None:
        """From now on the database may not grow."""
        self.full, self.room = True, conn.execute("PRAGMA page_count").fetchone()[0]

    def bound(self, conn: sqlite3.Connection) -> None:
        conn.execute(f"PRAGMA max_page_count = {self.room if self.full else _NO_BOUND}").fetchone()


class SpaceInStep(Space):
    """The room of the simulated disk, with a reserve of :data:`RESERVE` pages. The machine's own disk is not looked at."""

    def __init__(self, path: str, disk: Disk) -> None:
        self.disk, self.reserve = disk, RESERVE
        super().__init__(path, SpaceLimits(), outbound.accept)

    def look(self) -> Capacity:
        if not self.disk.full:
            self.hit, self.reserve = False, RESERVE
        self.seen = Capacity(low="the disk is full" if self.hit else "", free=0 if self.disk.full else 1 << 30, reserve=self.reserve)
        return self.seen

    def give_up(self, verb: Callable[..., Any]) -> bool:
        if not self.may_have(verb) or not self.reserve:
            return False
        self.disk.room, self.reserve = self.disk.room + self.reserve, 0
        self.disk.bound(self.conn)
        return True

    def begin(self, conn: sqlite3.Connection) -> None:
        self.conn = conn
        super().begin(conn)


class WriterInStep(Writer):
    """The writer without its thread."""

    def __init__(self, conn: sqlite3.Connection, tx: Transaction, path: str, disk: Disk) -> None:
        self.disk, self.dead, self.commits = disk, False, 0
        self._here: list[Any] = []
        self._at_work = False
        #: every change of a state, when the connection is closed
        self.kept: list[tuple[str, int, str, str]] = []
        super().__init__(conn, tx, path, SpaceInStep(path, disk))
        self.looks = LOOKS

    def _run(self) -> None:
        """The thread has nothing to do."""

    def _hand_over(self) -> None:
        self._here += [*self._first, *self._gathered]
        self._first.clear()
        self._gathered.clear()
        if self._here and not self._at_work:
            self._at_work = True
            self._loop.call_later(self.disk.pause(), self._next)

    def _next(self) -> None:
        """One commit, as the thread would do it."""
        if self.dead:
            return
        self.disk.bound(self._conn)
        self._batch, self._here = self._here[:BATCH], self._here[BATCH:]
        self._waiting -= len(self._batch)
        self.commits += 1
        self._serve(self._batch)
        self._see_room()
        self._batch = []

    def _on_loop(self, call: Callable[..., None], *args: Any) -> None:
        """The callers hear of it later; then comes the next commit."""
        self._loop.call_later(self.disk.pause(), self._tell, call, args)

    def _tell(self, call: Callable[..., None], args: tuple[Any, ...]) -> None:
        if self.dead:
            return
        call(*args)
        if call == self._resolve:
            self._at_work = bool(self._here)
            if self._at_work:
                self._loop.call_later(self.disk.pause(), self._next)

    def fill(self) -> None:
        """The disk is full from now on."""
        self.disk.fill(self._conn)

    async def close(self, timeout: float = 60.0) -> None:
        """The end of a clean stop."""
        self._closing = True
        self._hand_over()
        while self._at_work and not self.dead:
            await asyncio.sleep(0.01)
        if not self.dead:
            self.dead = True
            self.kept = self._lived()
            opening.close_writer(self._conn, clean=self.failure is None)

    def crash(self) -> None:
        """The process is gone: what is not committed never was, and nobody is told of anything any more."""
        self.dead = True
        self.kept = self._lived()
        self._conn.close()

    def _lived(self) -> list[tuple[str, int, str, str]]:
        """Every change of a state since the connection was opened."""
        return self._conn.execute("SELECT noun, id, before, after FROM lived").fetchall()


class ReaderInStep(Reader):
    """The reader without its thread."""

    def __init__(self, conn: sqlite3.Connection, path: str, clock: Clock, disk: Disk) -> None:
        self.disk, self.dead = disk, False
        super().__init__(conn, path, clock)

    async def look(self, verb: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
        await asyncio.sleep(self.disk.pause())
        if self.dead:
            await asyncio.get_running_loop().create_future()
        return self._run(verb, *args, **named)

    def crash(self) -> None:
        self.dead = True
        self.close()


class QueueInStep(SqliteQueue):
    """The queue of the program; hints are set in one order."""

    def __init__(self, path: str, writer: WriterInStep, reader: ReaderInStep) -> None:
        self._listeners: dict[str, list[asyncio.Event]] = {}
        super().__init__(path, writer, reader)
        self.writer, self.reader = writer, reader

    def hint(self, *topics: str) -> asyncio.Event:
        event = asyncio.Event()
        for topic in topics:
            self._listeners.setdefault(topic, []).append(event)
        return event

    def poke(self, topic: str) -> None:
        for event in self._listeners.get(topic, ()):
            event.set()

    def _wake(self, topics: Iterable[str]) -> None:
        super()._wake(sorted(topics))

    def crash(self) -> None:
        self.writer.crash()
        self.reader.crash()

    async def close(self) -> None:
        self.reader.crash()
        await self.writer.close()


def opened(path: str, clock: Clock, limits: Limits, disk: Disk) -> QueueInStep:
    """Opens a database as the program does, inside a running loop."""
    conn = opening.open_writer(path)
    conn.execute("PRAGMA synchronous = OFF")  # nothing but the process dies here
    conn.executescript(_WATCH)
    writer = WriterInStep(conn, Transaction(conn, Ids.of(conn), limits), path, disk)
    return QueueInStep(path, writer, ReaderInStep(opening.open_reader(path), path, clock, disk))
