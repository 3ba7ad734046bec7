"""Forward-only migrations, through ``sqlite_utils.Migrations``.

Each migration runs in a transaction of its own together with the record of it, on the writer's connection, under the
lock, before anything is accepted. A database that is not new is copied first. A database with migrations that this
program does not know is refused: going back is not possible.

sqlite_utils takes 200 ms to import, so it is imported only when there is something to do; whether there is, plain SQL
tells.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from smsgwd import __version__
from smsgwd.errors import StoreUnusable
from smsgwd.queue import schema
from smsgwd.queue.care.files import new_file, sync, sync_folder, worded

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

SET = "smsgwd"


def first(db: Database) -> None:
    """The tables of the first release. A released migration is never edited: a change is a new one."""
    for statement in schema.statements():
        db.conn.execute(statement)


def carriers(db: Database) -> None:
    """What carrier links need: senders and parameters of a text's own, references in a form that compares, spending."""
    for statement in schema.CARRIERS:
        db.conn.execute(statement)


def promises(db: Database) -> None:
    """What the promises need: bounds of what is kept, proofs of what was erased, how doubt is settled."""
    for statement in schema.PROMISES:
        db.conn.execute(statement)


def quicker(db: Database) -> None:
    """The triggers that check states, with half the cost."""
    for statement in schema.QUICKER:
        db.conn.execute(statement)


#: (name, what it does), oldest first; the schema's number is how many of them a database has
MIGRATIONS: list[tuple[str, Callable[[Database], None]]] = [
    ("0001_first", first),
    ("0002_carriers", carriers),
    ("0003_promises", promises),
    ("0004_quicker", quicker),
]


def applied(conn: sqlite3.Connection) -> list[str]:
    """The names of the migrations that a database has; empty for a new one."""
    if not conn.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone():
        return []
    rows = conn.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id", (SET,))
    return [name for (name,) in rows]


def check(conn: sqlite3.Connection, path: str) -> list[str]:
    """The names of the migrations that are still to do; StoreUnusable when the database is newer, or not ours."""
    have, known = applied(conn), [name for name, _ in MIGRATIONS]
    unknown = [name for name in have if name not in known]
    if unknown:
        written = conn.execute("SELECT value FROM store WHERE name = 'version'").fetchone()
        raise StoreUnusable(
            f"{path} has schema {len(have)} ({unknown[-1]}), this program knows schema {len(known)}: "
            f"use smsgwd {written[0] if written else 'of a newer version'} or newer"
        )
    if not have and conn.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        # a crash while the first migration ran leaves at most the empty table of records
        tables = [name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if tables != ["_sqlite_migrations"]:
            raise StoreUnusable(f"{path} is a database of another program")
    return [name for name in known if name not in have]


def migrate(conn: sqlite3.Connection, path: str) -> list[str]:
    """Brings a database up to date and returns what was done. The copy is ``PATH.before-NAME``."""
    todo = check(conn, path)
    if not todo:
        return []
    if applied(conn):
        copy(conn, f"{path}.before-{todo[0]}")
    from sqlite_utils import Database, Migrations

    migrations = Migrations(SET)
    for name, what in MIGRATIONS:
        migrations(name=name)(what)
    migrations.apply(Database(conn, execute_plugins=False))
    conn.execute("INSERT OR REPLACE INTO store (name, value) VALUES ('version', ?)", (__version__,))
    return todo


def copy(conn: sqlite3.Connection, target: str) -> None:
    """A whole copy of the database, for the operator's eyes alone, and safe before anything goes on. A half copy of an
    earlier try is replaced."""
    with worded(target), contextlib.suppress(FileNotFoundError):
        os.unlink(target)
    new_file(target)
    conn.execute("VACUUM INTO ?", (target,))
    sync(target)
    sync_folder(target)
