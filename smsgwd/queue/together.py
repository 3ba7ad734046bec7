"""Many rows in one step of a statement.

SQLite's driver gives Python's lock away for every row, read or written, and has to win it back from the event loop after
each: with a busy loop that costs ten times what the row itself does. So rows of one kind are written by one statement, as
long as its parameters stay few (:class:`Together`), and read as one JSON array (:func:`array`).

Each number of rows is a statement of its own, which the connection keeps prepared; so only the numbers of ``SIZES`` are
used, and 27 rows are 24 and 3.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec

#: how many rows one statement may write
SIZES = (64, 48, 40, 32, 24, 20, 16, 14, 12, *range(10, 0, -1))
#: most parameters of one statement; a kind with many columns takes fewer rows
MOST_PARAMETERS = 512
#: how many rows that become the same are worth a step for all
ALIKE = 4

Line = tuple[Any, ...]
_decode = msgspec.json.Decoder(list[list[Any]]).decode


def array(columns: str, rest: str) -> str:
    """A query whose rows come as one, for :func:`lines`. Its columns hold integers, texts and NULL."""
    return f"SELECT json_group_array(json_array({columns})) {rest}"


def lines(found: sqlite3.Cursor) -> list[list[Any]]:
    """The rows of an :func:`array`; in the order of the subquery that it reads, where there is one."""
    return _decode(found.fetchone()[0])


class Together:
    """A statement whose part ``line`` is there once for each row. ``head`` and ``tail`` are what stands around."""

    __slots__ = ("_head", "_line", "_sizes", "_tail", "_texts")

    def __init__(self, head: str, line: str, tail: str = "") -> None:
        self._head, self._line, self._tail = head, line, tail
        most = max(1, MOST_PARAMETERS // line.count("?"))
        self._sizes = tuple(size for size in SIZES if size <= most)
        self._texts = {size: self._text(size) for size in self._sizes}

    def _text(self, size: int) -> str:
        return self._head + ", ".join([self._line] * size) + self._tail

    def write(self, conn: sqlite3.Connection, lines: Sequence[Line]) -> None:
        """Writes the rows, in their order."""
        for text, some in self._cut(lines):
            conn.execute(text, [*chain.from_iterable(some)])

    def _cut(self, lines: Sequence[Line]) -> Iterator[tuple[str, Sequence[Line]]]:
        first = 0
        while (left := len(lines) - first) > 0:
            size = next(size for size in self._sizes if size <= left)
            yield self._texts[size], lines[first : first + size]
            first += size


def insert(table: str, columns: str, line: str = "", tail: str = "") -> Together:
    """Inserts rows. ``line`` is for those whose values are not all parameters."""
    line = line or f"({', '.join('?' * (columns.count(',') + 1))})"
    return Together(f"INSERT INTO {table} ({columns}) VALUES ", line, tail)


class Each:
    """An UPDATE of rows that are named by their ids, the last value of each line. Rows that become the same are written by
    one step. (An UPDATE of many rows to different values by one statement would need a table of its own for what they become,
    and making that costs more than it saves.)"""

    __slots__ = ("_many", "_one")

    def __init__(self, head: str) -> None:
        self._one = f"{head} WHERE id = ?"
        self._many = f"{head} WHERE id IN (SELECT value FROM json_each(?))"

    def write(self, conn: sqlite3.Connection, lines: Sequence[Line]) -> None:
        """Writes the rows, each of which is there once, in any order."""
        alike: dict[Line, list[int]] = {}
        for line in lines:
            alike.setdefault(line[:-1], []).append(line[-1])
        alone: list[Line] = []
        for values, ids in alike.items():
            if len(ids) < ALIKE:
                alone += [(*values, id_) for id_ in ids]
            else:
                conn.execute(self._many, (*values, f"[{','.join(map(str, ids))}]"))
        if alone:
            conn.executemany(self._one, alone)


def update(table: str, columns: str, more: str = "") -> Each:
    """Sets columns of rows. ``more`` is set too, and is the same for all."""
    sets = [f"{name.strip()} = ?" for name in columns.split(",")]
    return Each(f"UPDATE {table} SET {', '.join([*sets, more] if more else sets)}")
