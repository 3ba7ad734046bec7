"""The room of the database: a mark below which no new text is taken, a quota, and a reserve for when it is full after all.

The reserve is a file beside the database (``PATH.reserve``) whose blocks are really allocated. When SQLite says that the
disk is full the file is cut to nothing, and what came of texts on their way, and what people write to us, is stored in its
place. New texts get none of it: from then on they are refused, until there is room again and the reserve is made anew.

The thread that writes looks at the file system after a commit, at most every 50 ms (after each one where it is
:attr:`Space.near` a bound): many quick commits would pay more for the look than for a text. It and whoever looks from outside
may come at the same time: a lock keeps the reserve to one of them.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

from smsgwd.queue.capacity import Capacity, SpaceLimits

#: there is room again when so much of the mark is free, so that the answer does not change with every text
ENOUGH = 1.25
#: a hard bound of the database above its quota: what is not a new text may use that
BEYOND = 1.1
#: while the write-ahead log is too long, commits between two checkpoints of our own, which tell why they fail
CHECKPOINT = 200


class Space:
    """Judges and keeps the room of one database. ``expendable`` is the verb that brings new texts."""

    def __init__(self, path: str, limits: SpaceLimits, expendable: Callable[..., Any] | None = None) -> None:
        self.path, self.limits, self.expendable = path, limits, expendable
        self._folder = os.path.dirname(os.path.abspath(path))
        self._reserve = f"{path}.reserve"
        self._lock = threading.Lock()
        #: SQLite said that it is full, and nobody has found room since; bytes in use, as the writer's connection counts them
        self.hit, self._pages = False, 0
        #: commits since the log was found too long
        self._behind = 0
        self.seen = Capacity()

    def begin(self, conn: sqlite3.Connection) -> None:
        """With the writer's connection, before it writes."""
        if self.limits.largest:
            (size,) = conn.execute("PRAGMA page_size").fetchone()
            most = (int(self.limits.largest * BEYOND) + self.limits.reserve) // size
            conn.execute(f"PRAGMA max_page_count = {most}")
        self.after(conn)

    # ---- when it is full -------------------------------------------------------------------------------------------

    def note(self, error: BaseException) -> bool:
        """True when this error says that there is no room."""
        full = isinstance(error, sqlite3.Error) and is_full(error)
        self.hit = self.hit or full
        return full

    @property
    def near(self) -> bool:
        """It is looked at after each commit: the disk was full, or the database has a quota that one may pass."""
        return self.hit or bool(self.limits.largest)

    def refuses(self, verb: Callable[..., Any]) -> bool:
        """A new text gets nothing of the reserve."""
        return self.hit and verb is self.expendable

    def may_have(self, verb: Callable[..., Any]) -> bool:
        """It failed for want of room, and may have the last of it."""
        return self.hit and verb is not self.expendable

    def give_up(self, verb: Callable[..., Any]) -> bool:
        """Frees the reserve for this verb; False when it must not have it, or there is none."""
        with self._lock:
            if not self.may_have(verb) or not self._kept():
                return False
            with contextlib.suppress(OSError):
                os.truncate(self._reserve, 0)
                return True
            return False

    # ---- looking ---------------------------------------------------------------------------------------------------

    def after(self, conn: sqlite3.Connection) -> None:
        """After a commit, in the thread that writes."""
        if self.limits.largest:
            pages, free = (conn.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
            self._pages = (pages - free) * conn.execute("PRAGMA page_size").fetchone()[0]
        if self.hit:  # the log uses its own room again and again then, instead of the last of the disk
            conn.execute("PRAGMA wal_checkpoint(PASSIVE)")
        if self.look().long_log:
            self._behind = (self._behind + 1) % CHECKPOINT
            if self._behind == 1:  # SQLite keeps to itself why its own try failed
                conn.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def look(self) -> Capacity:
        """Looks at the file system, and makes the reserve again where there is room for it."""
        with self._lock:
            try:
                found = os.statvfs(self._folder)
                free, stopped = found.f_bavail * found.f_frsize, bool(found.f_flag & os.ST_RDONLY)
            except OSError:
                free, stopped = 0, True
            if not stopped:
                free = self._made_again(free)
            kept, log = self._kept(), size_of(f"{self.path}-wal")
            used = self._pages or size_of(self.path)
            low = "its file system is read-only" if stopped else self._low(free, used)
            self.seen = Capacity(
                low=low, free=free, used=used, log=log, reserve=kept, long_log=bool(self.limits.log) and log > self.limits.log
            )
            return self.seen

    def _low(self, free: int, used: int) -> str:
        mark = self.limits.free * (ENOUGH if self.seen.low else 1)
        if self.hit:
            return "the disk is full"
        if free < mark:
            return f"{free >> 10} KiB of disk are left; new texts need {int(mark) >> 10}"
        if self.limits.largest and used >= self.limits.largest:
            return f"the database has {used >> 10} KiB; `store.largest` allows {self.limits.largest >> 10}"
        return ""

    def _kept(self) -> int:
        """Bytes of the reserve that are really on the disk."""
        try:
            return os.stat(self._reserve).st_blocks * 512
        except OSError:
            return 0

    def _made_again(self, free: int) -> int:
        """Makes the reserve where the room for it is there besides the mark; returns what is free then."""
        wanted = self.limits.reserve
        if wanted and self._kept() < wanted:
            if free < wanted + self.limits.free:
                return free
            try:
                descriptor = os.open(self._reserve, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
                try:
                    os.posix_fallocate(descriptor, 0, wanted)
                finally:
                    os.close(descriptor)
            except OSError:
                return free
            free -= wanted
        self.hit = self.hit and free < max(self.limits.free, 1) * ENOUGH
        return free


def is_full(error: sqlite3.Error) -> bool:
    """SQLite has no room: in the database or its log, or in the shared index of the log, which it calls an I/O error."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE


def read_only(path: str) -> bool:
    """The file system of a database takes no writes."""
    try:
        return bool(os.statvfs(os.path.dirname(os.path.abspath(path))).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def size_of(path: str) -> int:
    """Bytes of a file; 0 when there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
