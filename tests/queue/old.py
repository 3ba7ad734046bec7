"""Databases as earlier versions of the program left them."""

import sqlite3
from contextlib import closing
from pathlib import Path

RELEASED = sorted((Path(__file__).parent / "released").glob("schema*.sql"), key=lambda path: int(path.stem.removeprefix("schema")))


def number(released: Path) -> int:
    return int(released.stem.removeprefix("schema"))


def build(released: Path, path: Path) -> Path:
    """Writes a database that looks like the one the SQL was taken of."""
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA page_size = 1024")
        conn.execute("PRAGMA journal_mode = WAL")
        conn.executescript(released.read_text(encoding="utf-8"))
    return path


def texts(path: Path) -> list[tuple]:
    """What must outlive every upgrade, in columns that every schema has."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        return [
            conn.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()
            for table, columns in (
                ("message", "id, direction, state, peer, text, parts, done, due, key, reason"),
                ("submission", "id, message, link, part, state, reference, open"),
                ("inbound_part", "id, message, sender, part, parts, payload, raw"),
                ("outbox", "id, endpoint, kind, state"), ("contact", "number, consent"), ("token", "id, digest, scopes"),
                ("event", "id, at, kind, message"),
            )
        ]  # fmt: skip
