"""Is a database whole? Its pages, its tables, and whether what stands in them fits together.

Three looks, each finding what the one before cannot:

* the pages: ``quick_check``, or ``integrity_check``, which compares every index with its table as well (of pages with a
  few octets changed the first finds two in five, the second all in which an index has a part);
* the tables: the migrations, columns, indexes and triggers that this program makes;
* the rows: a text is in a state that its attempts allow, what names another row names one that is there, and no day
  counts fewer texts than there are.

Everything is read through ``mode=ro``: it runs beside the daemon and never checkpoints. A look is one statement, and so
one snapshot; between two of them the write-ahead log can be used again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator

import msgspec

from smsgwd.clock import Clock
from smsgwd.errors import SmsgwdError, StoreUnavailable, StoreUnusable
from smsgwd.model import MessageState, SubmissionState
from smsgwd.queue import migrations
from smsgwd.queue.opening import connect, explained, must_not_be_cut

#: most words about pages
MOST = 20
#: virtual machine steps between two questions whether to go on
_STEPS = 20_000


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. ``damaged``: pages are; else ``problems`` are about tables and rows."""

    path: str
    ok: bool
    full: bool
    damaged: bool = False
    schema: int = 0
    bytes: int = 0
    seconds: float = 0.0
    problems: tuple[str, ...] = ()


class Ended(Exception):
    """The look was broken off by who asked for it."""


def look_through(path: str, *, full: bool, clock: Clock, ended: Callable[[], bool] = lambda: False) -> Health:
    """Looks at a database that may be in use. StoreUnavailable when it cannot be read now; all else is in the answer."""
    if not os.path.exists(path):
        raise StoreUnavailable(f"{path}: there is no such file")
    begun, schema, pages, rest = clock.monotonic(), 0, [], []
    try:
        must_not_be_cut(path)
        with contextlib.closing(connect(path, "ro")) as conn, explained(path):
            conn.set_progress_handler(lambda: ended(), _STEPS)
            pages = [*page_problems(conn, full=full)]
            if not pages:
                missing = migrations.check(conn, path)
                schema = len(migrations.applied(conn))
                rest = _age(missing, schema) or [*table_problems(conn), *row_problems(conn, full=full)]
    except StoreUnusable as e:
        rest = [_without(path, e)]
    except StoreUnavailable:
        if ended():
            raise Ended from None
        raise
    return Health(
        path=path, ok=not (pages or rest), full=full, damaged=bool(pages), schema=schema, bytes=_bytes(path),
        seconds=round(clock.monotonic() - begun, 3), problems=(*pages, *rest),
    )  # fmt: skip


def _age(missing: list[str], schema: int) -> list[str]:
    """Why the tables are not looked at."""
    if not schema:
        return ["it is empty: there is no store in it"]
    return [f"its schema is older than this program: {', '.join(missing)} is to do"] if missing else []


def _without(path: str, error: SmsgwdError) -> str:
    return str(error).removeprefix(f"{path}: ").removeprefix(f"{path} ")


def _bytes(path: str) -> int:
    return sum(os.path.getsize(name) for name in (path, f"{path}-wal") if os.path.exists(name))


# ---- pages ---------------------------------------------------------------------------------------------------------


def page_problems(conn: sqlite3.Connection, *, full: bool) -> Iterator[str]:
    """What SQLite says about the pages, a line each."""
    try:
        for (line,) in conn.execute(f"PRAGMA {'integrity' if full else 'quick'}_check({MOST})"):
            if line != "ok":
                yield from (part for part in line.splitlines() if not part.startswith("***"))
    except sqlite3.DatabaseError as e:
        if getattr(e, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        yield str(e)
    except UnicodeDecodeError:  # of the words of an error that quotes the tables
        yield "the list of its tables is no text any more"


# ---- tables --------------------------------------------------------------------------------------------------------


class _Records:
    """What a migration is given: its connection."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn


def _shape(conn: sqlite3.Connection) -> set[str]:
    """Tables with their columns, indexes and triggers, by name."""
    found = conn.execute(
        "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE '\\_%' ESCAPE '\\'"
    ).fetchall()
    columns = conn.execute(
        "SELECT m.name, c.name, c.type FROM sqlite_master m, pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_%' ESCAPE '\\'"
    )
    return {f"{type_} {name}" for type_, name in found} | {f"column {t}.{c} {kind}" for t, c, kind in columns}


def table_problems(conn: sqlite3.Connection) -> list[str]:
    """Where the tables are other than this program makes them."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        for _, what in migrations.MIGRATIONS:
            what(_Records(fresh))  # type: ignore[arg-type]
        wanted = _shape(fresh)
    there = _shape(conn)
    lost = [f"{name} is missing" for name in sorted(wanted - there)]
    return lost + [f"{name} is none of this program" for name in sorted(there - wanted)]


# ---- rows ----------------------------------------------------------------------------------------------------------


class Invariant(msgspec.Struct, frozen=True):
    """``sql`` counts the rows that break it and names one of them. ``live``: it looks at what is under way alone, by an
    index, and so costs nothing however long the history is."""

    what: str
    sql: str
    live: bool = False


def _list(states: type[MessageState] | type[SubmissionState]) -> str:
    return ", ".join(f"'{state.value}'" for state in states)


_ATTEMPT = "EXISTS (SELECT 1 FROM submission s WHERE s.message = m.id AND s.state"
_SENDING = (
    "FROM submission o JOIN message m ON m.id = o.message WHERE o.open = 1 AND o.state = 'in_flight'"
)
INVARIANTS = (
    Invariant(
        "attempts under way are of no text",
        "SELECT count(*), min(s.id) FROM submission s LEFT JOIN message m ON m.id = s.message "
        "WHERE s.open = 1 AND m.id IS NULL",
        live=True,
    ),
    Invariant(
        "attempts are on the wire for texts that wait or have not begun",
        f"SELECT count(*), min(m.id) {_SENDING} AND m.state IN ('held', 'received', 'partial')",
        live=True,
    ),
    Invariant(
        "texts are uncertain without an attempt that is",
        f"SELECT count(*), min(m.id) FROM message m WHERE m.state = 'uncertain' AND m.state IN "
        f"('held', 'uncertain', 'failed', 'expired', 'cancelled', 'partial') AND NOT {_ATTEMPT} = 'uncertain')",
        live=True,
    ),
    Invariant(
        "texts that wait have gone in all their parts",
        "SELECT count(*), min(id) FROM message WHERE state = 'queued' AND done >= parts",
        live=True,
    ),
    Invariant(
        "calls that wait are about texts that are not there",
        "SELECT count(*), min(o.id) FROM outbox o LEFT JOIN message m ON m.id = o.message "
        "WHERE o.state = 'pending' AND o.message IS NOT NULL AND m.id IS NULL",
        live=True,
    ),
    Invariant(
        "readers of events are further than the newest one",
        "SELECT count(*), min(name) FROM cursor WHERE event > (SELECT coalesce(max(id), 0) FROM event)",
        live=True,
    ),
    Invariant(
        "texts are in no known state",
        f"SELECT count(*), min(id) FROM message WHERE state NOT IN ({_list(MessageState)}) OR direction NOT IN ('out', 'in') "
        "OR (direction = 'in') <> (state IN ('received', 'partial'))",
    ),
    Invariant(
        "attempts are in no known state, or of no text",
        f"SELECT count(*), min(s.id) FROM submission s LEFT JOIN message m ON m.id = s.message "
        f"WHERE s.state NOT IN ({_list(SubmissionState)}) OR m.id IS NULL OR s.part NOT BETWEEN 1 AND m.parts",
    ),
    Invariant(
        "texts are sent without all their parts",
        "SELECT count(*), min(id) FROM message WHERE state IN ('sent', 'delivered') AND done <> parts "
        "OR direction = 'out' AND done NOT BETWEEN 0 AND parts",
    ),
    Invariant(
        "texts are being sent without an attempt",
        f"SELECT count(*), min(m.id) FROM message m WHERE m.state = 'sending' AND NOT {_ATTEMPT} = 'in_flight')",
    ),
    Invariant(
        "texts are in conversations that are not there",
        "SELECT count(*), min(m.id) FROM message m LEFT JOIN conversation c ON c.id = m.conversation "
        "WHERE m.conversation IS NOT NULL AND c.id IS NULL",
    ),
    Invariant(
        "tickets are of conversations that are not there",
        "SELECT count(*), min(t.ticket) FROM ticket t LEFT JOIN conversation c ON c.id = t.conversation WHERE c.id IS NULL",
    ),
    Invariant(
        "inbound parts are of texts that are not there",
        "SELECT count(*), min(p.id) FROM inbound_part p LEFT JOIN message m ON m.id = p.message "
        "WHERE p.message IS NOT NULL AND m.id IS NULL",
    ),
    Invariant(
        "days count fewer texts than there are",
        "SELECT count(*), min(day) FROM (SELECT strftime('%Y-%m-%d', created / 1000, 'unixepoch') AS day, class, count(*) AS n "
        "FROM message WHERE direction = 'out' GROUP BY 1, 2) m WHERE n > (SELECT coalesce(sum(messages), 0) FROM rollup r "
        "WHERE r.day = m.day AND r.class = m.class AND r.direction = 'out' AND r.state = 'accepted')",
    ),
)


def row_problems(conn: sqlite3.Connection, *, full: bool) -> list[str]:
    """Each invariant that does not hold, with one example."""
    found = []
    for invariant in INVARIANTS:
        if full or invariant.live:
            count, example = conn.execute(invariant.sql).fetchone()
            if count:
                found.append(f"{count} {invariant.what} ({example})")
    return found
