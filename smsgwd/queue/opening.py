"""Opening the database: the lock beside it, the settings, the checks, and what SQLite's errors mean.

One process owns the database: it holds a flock on ``PATH.lock``. Inside it one connection writes and checkpoints; every
other connection is opened with ``mode=ro``. This is not tidiness: SQLite before 3.51.3 can corrupt a WAL database when
two connections write or checkpoint at the same moment. The database file itself is never opened here except through
SQLite, since closing any descriptor of it would drop SQLite's POSIX locks.

``synchronous=FULL`` is not a setting: with NORMAL an acknowledged text is lost in a power cut. ``page_size=1024`` halves
what a lone text costs in flash wear. No mmap: an I/O error must be an error, not a signal.

``quick_check`` runs at start when the last end was not clean (a disk that lies about its syncs shows then) and always
while the database is small; a large one that was closed properly is not read through, so that a restart stays quick. A
database that was found damaged while it was in use has a mark beside it, ``PATH.damaged``: it is read through whole, with
every index, before anything uses it again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3

from smsgwd.errors import SmsgwdError, StoreUnavailable, StoreUnusable
from smsgwd.queue import migrations
from smsgwd.queue.care.files import finish, give_to_owner
from smsgwd.queue.space import is_full, read_only

#: up to this many bytes quick_check runs at every start (about a third of a second)
SMALL = 64 << 20

_SETTINGS = """
PRAGMA page_size = 1024;
PRAGMA busy_timeout = 5000;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 16000;
PRAGMA journal_size_limit = 16777216;
PRAGMA cache_size = -16000;
PRAGMA secure_delete = ON;
PRAGMA mmap_size = 0;
"""

_FATAL = {
    sqlite3.SQLITE_IOERR: "the disk failed",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore a backup: smsgwd db restore FILE --hold",
    sqlite3.SQLITE_NOTADB: "it is not a database",
}
_FOR_NOW = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_BUSY: "another program has locked it",
    sqlite3.SQLITE_LOCKED: "another program has locked it",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_INTERRUPT: "reading it took too long",
    sqlite3.SQLITE_NOMEM: "no memory",
}


def expected(error: sqlite3.Error, path: str) -> SmsgwdError | None:
    """What an error of SQLite means to a caller: StoreUnusable (for good), StoreUnavailable (for now), or None: a bug."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if str(error).startswith("Could not decode to UTF-8"):  # a text that we wrote is none any more; it has no code
        code = sqlite3.SQLITE_CORRUPT
    if is_full(error):
        code = sqlite3.SQLITE_FULL
    if code in _FATAL:
        why = "its file system is read-only now" if code == sqlite3.SQLITE_IOERR and read_only(path) else _FATAL[code]
        return StoreUnusable(f"{path}: {why} ({error})")
    if code in _FOR_NOW:
        return StoreUnavailable(f"{path}: {_FOR_NOW[code]}")
    return None


class Lock:
    """The flock that says which process owns a database. It goes with the process, so a crash leaves none behind."""

    def __init__(self, path: str) -> None:
        self.path, self._descriptor = f"{path}.lock", -1
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder):
            raise StoreUnavailable(f"{path}: the folder {folder} does not exist")
        try:
            self._descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            give_to_owner(self.path, path)
        except OSError as e:
            raise StoreUnavailable(f"{self.path}: {e.strerror}") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as e:
            pid = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
            self.release()
            if e.errno in (errno.EAGAIN, errno.EACCES):
                raise StoreUnavailable(f"another smsgwd (pid {pid or 'unknown'}) has {path}") from None
            raise StoreUnavailable(f"{self.path}: {e.strerror}") from None

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def open_writer(path: str) -> sqlite3.Connection:
    """The one connection that writes, on a database that is checked and up to date. The lock must be held."""
    finish(path)  # a restore that a power cut broke off
    must_not_be_cut(path)
    try:
        if not os.path.exists(path):
            # texts of people: nobody else's business; SQLite gives -wal and -shm the same mode
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            give_to_owner(path, os.path.dirname(os.path.abspath(path)))
    except OSError as e:
        raise StoreUnavailable(f"{path}: {e.strerror}") from None
    conn = connect(path, "rw")
    try:
        with explained(path):
            migrations.check(conn, path)  # before anything is written to a database that may not be ours
            for setting in _SETTINGS.strip().splitlines():
                conn.execute(setting)
            _check_pages(conn, path)
            migrations.migrate(conn, path)
            conn.execute("INSERT OR REPLACE INTO store (name, value) VALUES ('clean', '0')")
    except BaseException:
        conn.close()
        raise
    return conn


def open_reader(path: str) -> sqlite3.Connection:
    """A connection that can only look."""
    conn = connect(path, "ro")
    try:
        with explained(path):
            if migrations.check(conn, path):
                raise StoreUnavailable(f"{path}: its schema is older than this program; start the daemon once")
            conn.execute("PRAGMA cache_size = -4000")
    except BaseException:
        conn.close()
        raise
    return conn


def close_writer(conn: sqlite3.Connection, *, clean: bool = True) -> None:
    """Notes that the end was clean, if it was, and closes (which checkpoints). Without the note the next start reads the
    database through."""
    with contextlib.suppress(sqlite3.Error):  # a full or broken disk: as if the end was not clean
        if clean:
            conn.execute("INSERT OR REPLACE INTO store (name, value) VALUES ('clean', '1')")
    conn.close()


def connect(path: str, mode: str) -> sqlite3.Connection:
    """``mode`` is ``rw`` for the one that writes, and for everybody else ``ro``: such a connection cannot write, cannot
    checkpoint, and leaves the write-ahead log alone when it is the last to close."""
    quoted = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    with explained(path):
        return sqlite3.connect(
            f"file:{quoted}?mode={mode}",
            uri=True,
            timeout=5.0,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )


def _check_pages(conn: sqlite3.Connection, path: str) -> None:
    """Reads the database through where the head of this module says so; StoreUnusable when it is damaged."""
    (pages,), (size,) = conn.execute("PRAGMA page_count").fetchone(), conn.execute("PRAGMA page_size").fetchone()
    if not conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'store'").fetchone():
        return
    clean = conn.execute("SELECT value FROM store WHERE name = 'clean'").fetchone()
    marked = os.path.exists(mark_of(path))
    if clean == ("1",) and pages * size > SMALL and not marked:
        return
    (found,) = conn.execute(f"PRAGMA {'integrity' if marked else 'quick'}_check(1)").fetchone()
    if found != "ok":
        raise damaged(path, found)
    if marked:
        os.unlink(mark_of(path))


def damaged(path: str, found: str) -> StoreUnusable:
    """The error for a database that is damaged; ``found`` is what SQLite says."""
    said = [line for line in found.splitlines() if line and not line.startswith("***")]
    return StoreUnusable(f"{path}: it is damaged ({said[0] if said else found}); restore a backup: smsgwd db restore FILE --hold")


def mark_of(path: str) -> str:
    """The file that says that a database was found damaged."""
    return f"{path}.damaged"


def mark_damaged(path: str, found: str) -> None:
    """Leaves word for the next start. On a disk that takes nothing any more the start may find less."""
    with contextlib.suppress(OSError), open(mark_of(path), "w", encoding="utf-8") as mark:
        mark.write(f"{found}\n")
        mark.flush()
        os.fsync(mark.fileno())


def must_not_be_cut(path: str) -> None:
    """SQLite takes a file of no bytes for a new database, and throws a write-ahead log beside it away."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.getsize(path) == 0 and os.path.getsize(f"{path}-wal") > 0:
            raise StoreUnusable(
                f"{path}: it is empty, but a write-ahead log is beside it: its file was cut; "
                "restore a backup: smsgwd db restore FILE --hold"
            )


class explained(contextlib.AbstractContextManager[None]):
    """Turns SQLite's errors into ours."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UnicodeDecodeError) and b"malformed database schema" in error.object:
            raise damaged(self.path, "the list of its tables is no text any more") from None
        if isinstance(error, sqlite3.Error):
            meant = expected(error, self.path)
            if meant is not None:
                raise meant from None
