"""A copy of the store while it is at work.

``VACUUM INTO`` on a ``mode=ro`` connection: one statement, so one moment of the store, however much is written meanwhile.
(The backup API in steps begins anew at each foreign commit and does not end under load.) While it runs the write-ahead log
cannot be used again and grows by what is written; then the writer's next checkpoint takes it back.

The copy grows under a name of its own, is made safe, read through, and only then gets its name, in one step. A full disk
is seen before: a copy must not take the room of the database that it is of.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator

import msgspec

from smsgwd.clock import Clock
from smsgwd.errors import Conflict, StoreUnavailable, StoreUnusable
from smsgwd.queue import migrations
from smsgwd.queue.care.files import new_file, sync, sync_folder
from smsgwd.queue.care.health import look_through, page_problems
from smsgwd.queue.opening import connect, explained

#: bytes that stay free beside the copy
ROOM = 16 << 20
#: seconds between two looks at how far it is
_LOOK = 0.2

#: (what is done, how far it is from 0 to 1; 0 = not known)
Progress = Callable[[str, float], None]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A copy that is whole and safe."""

    path: str
    bytes: int
    seconds: float
    schema: int


def backup(database: str, target: str, *, force: bool, clock: Clock, progress: Progress) -> Made:
    """Copies the database to a file. Conflict when the file is there; StoreUnavailable when there is no room, or no
    folder; StoreUnusable when the copy is not whole, since the database is not."""
    begun = clock.monotonic()
    target = os.path.abspath(target)
    _may(database, target, force)
    part = f"{target}.{os.getpid()}.part"
    _sweep(target)
    try:
        write_copy(database, part, progress)
        progress("reading it through", 0)
        health = look_through(part, full=True, clock=clock)
        if health.damaged or not health.schema:
            raise StoreUnusable(f"{database}: the copy is not whole ({health.problems[0]}); see smsgwd db check --full")
        os.replace(part, target)
        sync_folder(target)
    finally:
        progress("", 0)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
    seconds = round(clock.monotonic() - begun, 3)
    return Made(path=target, bytes=os.path.getsize(target), seconds=seconds, schema=health.schema)


def _may(database: str, target: str, force: bool) -> None:
    if not os.path.exists(database):
        raise StoreUnavailable(f"{database}: there is no such file")
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise StoreUnavailable(f"{target}: the folder {folder} does not exist")
    own = {os.path.realpath(f"{database}{end}") for end in ("", "-wal", "-shm", ".lock")}
    if os.path.realpath(target) in own:
        raise Conflict(f"{target} is the database itself")
    if os.path.isdir(target):
        raise Conflict(f"{target} is a folder; name a file in it")
    if os.path.exists(target) and not force:
        raise Conflict(f"{target} is there; --force replaces it")


def _sweep(target: str) -> None:
    """Halves of copies whose makers were killed."""
    for left in glob.glob(f"{glob.escape(target)}.*.part"):
        found = re.fullmatch(r"\.([0-9]+)\.part", left.removeprefix(target))
        if found and not os.path.exists(f"/proc/{found[1]}"):
            os.unlink(left)


def write_copy(database: str, part: str, progress: Progress = lambda what, share: None) -> None:
    """Copies the database to a new file that only its owner may read, and makes it safe."""
    with explained(part), contextlib.closing(connect(database, "ro")) as conn:
        migrations.check(conn, database)  # whatever age it has, it must be ours
        size = _size(conn)
        stat = os.statvfs(os.path.dirname(os.path.abspath(part)))
        if stat.f_bavail * stat.f_frsize < size + ROOM:
            raise StoreUnavailable(f"{part}: the copy needs {size >> 20} MiB, and {ROOM >> 20} MiB must stay free beside it")
        new_file(part)
        with _watched(part, size, progress):
            _copy(conn, database, part)
    sync(part)


def _size(conn: sqlite3.Connection) -> int:
    """Bytes that a copy has: pages that are in use."""
    one, pages, free = (conn.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count"))
    return int(one * (pages - free))


def _copy(conn: sqlite3.Connection, database: str, part: str) -> None:
    try:
        conn.execute("VACUUM INTO ?", (part,))
    except sqlite3.DatabaseError as e:
        if getattr(e, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        found = next(page_problems(conn, full=False), str(e))
        raise StoreUnusable(f"{database}: it is damaged ({found}); there is nothing to copy: restore a backup") from None


@contextlib.contextmanager
def _watched(part: str, size: int, progress: Progress) -> Iterator[None]:
    """Tells how far a copy is while this thread waits for it."""
    over = threading.Event()

    def tell() -> None:
        while not over.wait(_LOOK):
            with contextlib.suppress(FileNotFoundError):
                progress("copying", min(os.stat(part).st_size / max(size, 1), 1.0))

    teller = threading.Thread(target=tell, name="smsgwd-progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
