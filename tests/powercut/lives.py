"""The real queue on a disk that keeps a journal, and what every cut of its power would have left.

A *life* is one run of the gateway's store: it opens (with the settings of :mod:`smsgwd.queue.opening`), recovers, and does
steps one after the other. A step is one commit of one write path: one verb, or several that the writer takes together.
The real :class:`~smsgwd.queue.sqlite.SqliteQueue`, writer thread and verbs do it, on apsw's SQLite. Before and after each
step all rows are noted.

Then the cuts. For a step that is looked at, some of its operations (writes, truncations, syncs, also those of a checkpoint
that its commit set off) are drawn, and for each mode (:data:`~tests.powercut.powervfs.MODES`) the disk that a cut before
that operation leaves; and the disk of a cut just after the caller was told "done". Each is opened by the standard library's
SQLite, checked, and its rows compared. **Before the caller was told, all rows must be as before the step or as after it;
once it was told, as after it.** Anything else is a loss, and :class:`Losses` says of which kind.

Cuts are counted as disks: two cuts of one step that leave the same bytes count once.
"""

from __future__ import annotations

import hashlib
import random
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smsgwd.queue import migrations, opening
from smsgwd.queue.ids import Ids
from smsgwd.queue.sqlite import SqliteQueue
from smsgwd.queue.transaction import Limits, Transaction
from smsgwd.queue.writer import Writer
from tests.powercut.face import Connection
from tests.powercut.powervfs import MODES, PowerDisk, Replay, left

PATH = "/q.db"
#: table -> its rows
Rows = dict[str, list[Any]]
#: moments of a step that are tried, besides its end; of every one all modes
MOMENTS = 20
#: a mark that says that the network has the text: where it is lost, the text goes twice
SENT = frozenset({"sent", "delivered"})


def rows(conn: Any) -> Rows:
    """Everything that is stored, but for the notes of opening and closing."""
    found = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '*sqlite*'").fetchall()
    everything: Rows = {name: conn.execute(f"SELECT * FROM {name}").fetchall() for (name,) in found}
    everything["store"] = [row for row in everything["store"] if row[0] not in ("clean", "version")]
    return everything


def settings(synchronous: str, checkpoint: int) -> list[str]:
    """Those of the product, with a checkpoint every few commits, since it is a place where power goes as well."""
    text = re.sub(r"wal_autocheckpoint = \d+", f"wal_autocheckpoint = {checkpoint}", opening._SETTINGS)
    if synchronous:
        text = re.sub(r"synchronous = \w+", f"synchronous = {synchronous}", text)
    return ["PRAGMA locking_mode = EXCLUSIVE", *text.strip().splitlines()]


def empty(folder: Path) -> dict[str, bytes]:
    """A new database, as the product makes it, on a disk."""
    path = folder / "new.db"
    opening.close_writer(opening.open_writer(str(path)), clean=False)
    return {PATH: path.read_bytes()}


@dataclass
class Losses:
    """What cuts cost."""

    cuts: int = 0
    #: rows that were acknowledged and are not there
    lost: int = 0
    #: texts that were told to be sent and stand as not sent
    rolled_back: int = 0
    #: databases that SQLite finds damaged
    corrupt: int = 0
    #: disks whose rows are neither those before a commit nor those after it
    torn: int = 0

    @property
    def any(self) -> bool:
        return bool(self.lost or self.rolled_back or self.corrupt or self.torn)

    def __iadd__(self, other: Losses) -> Losses:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@dataclass
class Step:
    """One commit: which operations of the journal it was, and all rows before and after."""

    path: str
    begin: int
    end: int
    before: Rows
    after: Rows
    verbs: frozenset[str]


class _Here:
    """Looks on the writer's connection: there can be only one on this disk, and nobody writes meanwhile."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def look(self, verb: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
        return verb(self._conn, *args, **named)


@dataclass
class Life:
    """One run of the store on a disk, from these files."""

    disk: PowerDisk
    start: Mapping[str, bytes]
    folder: Path
    steps: list[Step] = field(default_factory=list)

    async def begin(self, synchronous: str, checkpoint: int, limits: Limits) -> None:
        self.disk.load(self.start)
        self.conn = Connection(self.disk.open(PATH))
        for setting in settings(synchronous, checkpoint):
            self.conn.execute(setting)
        assert migrations.check(self.conn, PATH) == []
        self.conn.execute("INSERT OR REPLACE INTO store (name, value) VALUES ('clean', '0')")
        path = str(self.folder / "life.db")  # for what looks at the room beside the database
        self.writer = Writer(self.conn, Transaction(self.conn, Ids.of(self.conn), limits), path)
        self.queue = SqliteQueue(path, self.writer, _Here(self.conn))
        self._ran: list[str] = []
        self._listen()
        self._rows = rows(self.conn)

    def _listen(self) -> None:
        """Notes which verbs the writer is given."""
        leave = self.writer._left

        def noted(jobs: Any, verb: Callable[..., Any], args: tuple[Any, ...], named: Any) -> Any:
            innermost = [f for f in (verb, *args) if callable(f)][-1]  # an act of an operator is wrapped
            self._ran.append(f"{innermost.__module__.rpartition('.')[2]}.{innermost.__name__}")
            return leave(jobs, verb, args, named)

        self.writer._left = noted

    async def step(self, path: str, work: Awaitable[Any]) -> Any:
        """Does one commit, and notes where it lies."""
        begin = len(self.disk.journal)
        self._ran.clear()
        result = await work
        before, self._rows = self._rows, rows(self.conn)
        self.steps.append(Step(path, begin, len(self.disk.journal), before, self._rows, frozenset(self._ran)))
        return result

    async def end(self) -> None:
        await self.writer.close()


class Bench:
    """Puts disks that a cut left back into a machine, and looks."""

    def __init__(self, folder: Path) -> None:
        self._db, self._wal, self._shm = (folder / f"cut.db{more}" for more in ("", "-wal", "-shm"))
        self._n = 0

    def look(self, files: Mapping[str, bytes]) -> tuple[str, Rows]:
        """(what SQLite says of it, its rows)."""
        self._shm.unlink(missing_ok=True)
        for path, name in ((self._db, PATH), (self._wal, f"{PATH}-wal")):
            if name in files:
                path.write_bytes(files[name])
            else:
                path.unlink(missing_ok=True)
        self._n += 1
        check = "integrity_check" if self._n % 8 == 0 else "quick_check"
        conn = sqlite3.connect(self._db, isolation_level=None)
        try:
            (verdict,) = conn.execute(f"PRAGMA {check}(1)").fetchone()
            return verdict, rows(conn)
        except (sqlite3.DatabaseError, KeyError) as e:
            return str(e), {}
        finally:
            conn.close()

    def cuts(self, life: Life, step: Step, replay: Replay, rng: random.Random) -> Losses:
        """Cuts the power at moments of a step and just after it."""
        found, known = Losses(), set()
        inside = range(step.begin, step.end)
        moments = sorted(rng.sample(inside, min(MOMENTS, len(inside))))
        for moment, told in [*((m, False) for m in moments), (step.end, True)]:
            replay.to(moment)
            for mode in MODES:
                files = left(replay.files, rng, mode)
                print_ = hashlib.blake2b(repr(told).encode() + b"|".join(files[name] for name in sorted(files))).digest()
                if print_ not in known:
                    known.add(print_)
                    found += self._judged(files, step, told)
        return found

    def _judged(self, files: Mapping[str, bytes], step: Step, told: bool) -> Losses:
        verdict, have = self.look(files)
        found = Losses(cuts=1, corrupt=int(verdict != "ok"))
        if have == step.after or (have == step.before and not told):
            return found
        owed = step.after if told else step.before
        found.lost = sum(len(_ids(owed[name]) - _ids(have.get(name, []))) for name in owed)
        found.rolled_back = sum(_is_sent(owed, id_) and not _is_sent(have, id_) for id_ in _ids(have.get("message", [])))
        found.torn = int(not (found.lost or found.rolled_back or found.corrupt))
        return found


def _ids(some: list[Any]) -> set[Any]:
    return {row[0] for row in some}


def _is_sent(everything: Rows, message: int) -> bool:
    """``state`` is the third column of ``message``."""
    return any(row[0] == message and row[2] in SENT for row in everything.get("message", ()))


def next_start(life: Life, rng: random.Random) -> dict[str, bytes]:
    """The disk after a cut somewhere in the last steps of a life."""
    replay = Replay(life.start, life.disk.journal)
    replay.to(rng.randrange(life.steps[-min(3, len(life.steps))].begin, len(life.disk.journal) + 1))
    return left(replay.files, rng, rng.choice(MODES))
