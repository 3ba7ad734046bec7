"""People who were erased: what stays of a number is a keyed hash, so that who opted out is still never written to.

The hash is ``HMAC-SHA-256(key, number)``; the key is made at the first erasure and lies in the database, so that a backup
alone keeps opt-outs. Who has the whole database can therefore try all numbers: the hash hides a person from the eyes of
those who work with the gateway, not from somebody who steals its disk (docs/privacy.md says so).
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3

from smsgwd.model import ConsentState
from smsgwd.queue.transaction import Transaction

KEY = "person-key"
#: what stands for a number; nobody can write to it, and it is no number of anybody
PREFIX = "erased:"
OPTED_OUT = ConsentState.OPTED_OUT.value


def _key(conn: sqlite3.Connection) -> bytes:
    found = conn.execute("SELECT value FROM store WHERE name = ?", (KEY,)).fetchone()
    return bytes.fromhex(found[0]) if found else b""


def make_key(tx: Transaction) -> None:
    """Makes the key, if there is none."""
    tx.execute("INSERT OR IGNORE INTO store (name, value) VALUES (?, ?)", (KEY, secrets.token_hex(32)))


def pseudonym(conn: sqlite3.Connection, number: str) -> str:
    """What stands for a number after its erasure; :func:`make_key` must have been called once."""
    return PREFIX + hmac.digest(_key(conn), number.encode(), "sha256")[:16].hex()


def remember(tx: Transaction, number: str, consent: str, now: int) -> None:
    """Keeps an opt-out over the erasure of its person; any other state is forgotten."""
    person = pseudonym(tx.conn, number)
    tx.execute("DELETE FROM erased WHERE person = ?", (person,))
    if consent == OPTED_OUT:
        tx.execute("INSERT INTO erased (person, consent, at) VALUES (?, ?, ?)", (person, consent, now))
        tx.erased = True


def consent_of(tx: Transaction, number: str) -> str:
    """The consent with which an unknown number begins: that of the erased person, else none. Nobody erased costs
    nothing."""
    if not tx.erased:
        return ConsentState.NONE.value
    found = tx.apart("SELECT consent FROM erased WHERE person = ?", (pseudonym(tx.conn, number),)).fetchone()
    return str(found[0]) if found else ConsentState.NONE.value


def consented(tx: Transaction, number: str) -> None:
    """An erased person opted in again."""
    if tx.erased:
        tx.execute("DELETE FROM erased WHERE person = ?", (pseudonym(tx.conn, number),))
