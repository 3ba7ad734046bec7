"""A copy in the place of the database.

The daemon must be stopped: the lock is held from the beginning to the end. The copy is read through first, then written
anew beside the database (by SQLite, so that a copy of whatever age and page size comes out the same), brought to this
program's schema, and what waits in it is put aside (:mod:`smsgwd.queue.care.restored`). All that happens under another name; the
last step, :func:`smsgwd.queue.care.files.finish`, is one that a power cut cannot leave half done.

The database as it was stays beside the new one, with its write-ahead log. Where it can still be read, what must not be
forgotten is carried over, and events go on behind its newest number, so that nobody who follows them misses any.
"""

from __future__ import annotations

import contextlib
import glob
import os
import sqlite3

import msgspec

from smsgwd.clock import Clock, isoformat
from smsgwd.errors import Conflict, SmsgwdError, StoreUnavailable, StoreUnusable
from smsgwd.queue import migrations
from smsgwd.queue.care.carrying import Erasures, carry_over, erase_again
from smsgwd.queue.care.copying import Progress, write_copy
from smsgwd.queue.care.files import finish, give_to_owner, restoring, sync, sync_folder
from smsgwd.queue.care.health import look_through, page_problems
from smsgwd.queue.care.restored import Aside, put_aside
from smsgwd.queue.ids import Ids
from smsgwd.queue.opening import Lock, close_writer, connect, explained, open_writer
from smsgwd.queue.privacy import audit
from smsgwd.queue.privacy.acting import Actor
from smsgwd.queue.privacy.audit import Act
from smsgwd.queue.transaction import Limits, Transaction

#: events that may have been told after the copy was made, where the old database cannot say
GAP = 1_000_000


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was done. ``newest``: when the newest event of the copy happened; ``kept``: the database from before."""

    path: str
    source: str
    newest: str
    kept: str
    schema: int
    held: int
    uncertain: int
    calls: int
    #: inbound texts that the rules had not seen yet
    unanswered: int
    #: people who were erased since the copy was made, and are again
    erased: int
    #: PINs, revoked tokens, consents and erasures were taken from the database from before
    carried: bool


def restore(source: str, path: str, *, clock: Clock, progress: Progress) -> Restored:
    """Puts a copy in the place of the database. StoreUnavailable while somebody has the database; StoreUnusable for a copy
    that is damaged, newer than this program, or none of ours; Conflict when the two are one file."""
    source = os.path.abspath(source)
    if os.path.exists(path) and os.path.exists(source) and os.path.samefile(source, path):
        raise Conflict(f"{source} is the database itself")
    lock = _locked(path)
    try:
        finish(path)  # an earlier restore that was cut off is over first
        _must_be_whole(source, clock, progress)
        new = f"{restoring(path)}.part"
        _sweep(new)
        progress("copying", 0)
        write_copy(source, new, progress)
        newest, aside, carried = _prepare(new, source, path, clock)
        return _put(new, source, path, newest, aside, carried)
    finally:
        progress("", 0)
        _sweep(f"{restoring(path)}.part")
        lock.release()


def _locked(path: str) -> Lock:
    try:
        return Lock(path)
    except StoreUnavailable as e:
        if "another smsgwd" in str(e):
            raise StoreUnavailable(f"{e}; stop it first: systemctl stop smsgwd") from None
        raise


def _must_be_whole(source: str, clock: Clock, progress: Progress) -> None:
    progress("reading it through", 0)
    health = look_through(source, full=True, clock=clock)
    if health.damaged:
        raise StoreUnusable(f"{source}: it is damaged ({health.problems[0]}); use another copy")
    if not health.schema:
        raise StoreUnusable(f"{source}: {health.problems[0] if health.problems else 'it is empty'}; use another copy")


def _prepare(new: str, source: str, path: str, clock: Clock) -> tuple[str, Aside, bool]:
    """Makes a fresh copy fit to run: this schema, nothing that sends by itself, and what must not be forgotten."""
    conn = open_writer(new)
    try:
        with explained(new):
            found = conn.execute("SELECT max(at) FROM event").fetchone()[0]
            newest = isoformat(found) if found is not None else ""
            conn.execute("BEGIN IMMEDIATE")
            last, since = _from_before(conn, path, newest)
            aside = _aside(conn, last, since, {"newest": newest, "source": os.path.basename(source)}, clock.now())
            conn.execute("COMMIT")
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except BaseException:
        conn.close()
        raise
    close_writer(conn)
    return newest, aside, since is not None


def _aside(conn: sqlite3.Connection, last: int, since: Erasures | None, data: dict[str, object], now: int) -> Aside:
    """Puts aside what waits, and erases again who was erased since; the event that tells so comes first, behind every number
    that was used."""
    newest = conn.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
    number = max(newest, last) + 1
    conn.execute("INSERT INTO event (id, at, kind, message, link, data) VALUES (?, ?, 'store.restored', NULL, '', '')", (number, now))
    tx = Transaction(conn, Ids.of(conn), Limits(policies={}))
    aside, who = put_aside(tx, now), Actor(f"uid:{os.getuid()}")
    aside = msgspec.structs.replace(aside, erased=erase_again(tx, since or Erasures(), who, now))
    act = Act(act="store.restore", at=now, of={**data, **msgspec.structs.asdict(aside)})
    audit.append(tx, act, who)
    tx.flush()
    told = msgspec.json.encode({**data, **msgspec.structs.asdict(aside)}).decode()
    conn.execute("UPDATE event SET data = ? WHERE id = ?", (told, number))
    return aside


def _from_before(conn: sqlite3.Connection, path: str, copied: str) -> tuple[int, Erasures | None]:
    """The newest event of the database that is replaced, and who was erased in it; None where it gave nothing of what must not
    be forgotten."""
    newest = conn.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
    if not os.path.exists(path):
        return newest, None
    try:
        with contextlib.closing(connect(path, "ro")) as old, explained(path):
            if migrations.check(old, path) or list(page_problems(old, full=False)):
                return newest + GAP, None
            last = old.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
            conn.execute("SAVEPOINT before")
            since = carry_over(conn, old, copied)
            conn.execute("RELEASE before")
            return last, since
    except (SmsgwdError, sqlite3.Error):  # that is why a copy is put in its place
        if conn.in_transaction:
            with contextlib.suppress(sqlite3.OperationalError):  # it broke before the savepoint
                conn.execute("ROLLBACK TO before")
        return newest + GAP, None


def _put(new: str, source: str, path: str, newest: str, aside: Aside, carried: bool) -> Restored:
    give_to_owner(new, path)
    sync(new)
    os.replace(new, restoring(path))
    sync_folder(path)
    kept = finish(path)
    return Restored(
        path=path, source=source, newest=newest, kept=kept, schema=len(migrations.MIGRATIONS), carried=carried,
        **msgspec.structs.asdict(aside),
    )  # fmt: skip


def _sweep(new: str) -> None:
    """What a try that was cut off has left: half a copy, and the copies that its migrations made."""
    for left in glob.glob(f"{glob.escape(new)}*"):
        os.unlink(left)
