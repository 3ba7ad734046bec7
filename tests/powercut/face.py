"""An apsw connection with the face of ``sqlite3.Connection``, as far as the queue uses it.

The power-cut disk is an SQLite VFS, and only apsw can register one from Python; the queue's verbs know the standard
library's connection. This is the seam between the two: the statements are the queue's own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import apsw


class Cursor:
    """What ``execute`` gives: rows, ``rowcount``, ``lastrowid``."""

    def __init__(self, cursor: apsw.Cursor, con: apsw.Connection) -> None:
        self._cursor = cursor
        self.rowcount, self.lastrowid = con.changes(), con.last_insert_rowid()

    def fetchone(self) -> Any:
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        return list(self._cursor.fetchall())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)


class Connection:
    """Errors come as ``sqlite3`` raises them, with the code of SQLite."""

    def __init__(self, con: apsw.Connection) -> None:
        self._con = con

    def execute(self, sql: str, args: Sequence[Any] = ()) -> Cursor:
        return Cursor(self._run(self._con.execute, sql, args), self._con)

    def executemany(self, sql: str, many: Iterable[Sequence[Any]]) -> Cursor:
        return Cursor(self._run(self._con.executemany, sql, many), self._con)

    @staticmethod
    def _run(run: Callable[[str, Any], apsw.Cursor], sql: str, args: Any) -> apsw.Cursor:
        try:
            return run(sql, args)
        except apsw.Error as e:
            kind = sqlite3.IntegrityError if isinstance(e, apsw.ConstraintError) else sqlite3.OperationalError
            error = kind(str(e))
            error.sqlite_errorcode = getattr(e, "extendedresult", 0)
            raise error from e

    @property
    def total_changes(self) -> int:
        return self._con.total_changes()

    @property
    def in_transaction(self) -> bool:
        return bool(self._con.in_transaction)

    def close(self) -> None:
        self._con.close()
