"""API tokens. The store keeps the SHA-256 of a token, never the token."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from smsgwd.errors import Conflict, NotFound
from smsgwd.model import TOKEN, Token, row_id
from smsgwd.queue import rows
from smsgwd.queue.transaction import Transaction


def add_token(
    tx: Transaction, digest: bytes, scopes: tuple[str, ...], now: int, caps: Mapping[str, float] | None = None
) -> Token:
    """Conflict when the same token is there already."""
    if tx.execute("SELECT 1 FROM token WHERE digest = ?", (digest,)).fetchone():
        raise Conflict("this token exists already")
    id_ = tx.ids.next(now)
    tx.execute(
        "INSERT INTO token (id, digest, scopes, created, revoked, caps) VALUES (?, ?, ?, ?, 0, ?)",
        (id_, digest, " ".join(scopes), now, rows.encode(caps).decode() if caps else ""),
    )
    return _one(tx.conn, "id = ?", id_)


def revoke_token(tx: Transaction, token: str, now: int) -> Token:
    """From now on it opens nothing; revoking it again keeps the first time."""
    row = row_id(TOKEN, token)
    changed = tx.execute("UPDATE token SET revoked = ? WHERE id = ? AND revoked = 0", (now, row)).rowcount
    tx.hint("tokens")
    if not changed and not tx.execute("SELECT 1 FROM token WHERE id = ?", (row,)).fetchone():
        raise NotFound(f"there is no token {token}")
    return _one(tx.conn, "id = ?", row)


def find_token(conn: sqlite3.Connection, digest: bytes) -> Token | None:
    """The token with this digest; None when there is none or it was revoked."""
    row = conn.execute(f"SELECT {rows.TOKEN_COLUMNS} FROM token WHERE digest = ? AND revoked = 0", (digest,)).fetchone()
    return None if row is None else rows.to_token(row)


def tokens(conn: sqlite3.Connection) -> list[Token]:
    """All of them, newest first, the revoked ones too."""
    return [rows.to_token(row) for row in conn.execute(f"SELECT {rows.TOKEN_COLUMNS} FROM token ORDER BY id DESC")]


def _one(conn: sqlite3.Connection, where: str, value: int) -> Token:
    return rows.to_token(conn.execute(f"SELECT {rows.TOKEN_COLUMNS} FROM token WHERE {where}", (value,)).fetchone())
