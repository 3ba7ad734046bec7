"""The audit table: an entry for each act of an operator, in the commit of the act itself.

How entries hang together is in :mod:`smsgwd.queue.privacy.chain`; which verbs are acts is in :mod:`smsgwd.queue.privacy.acts`. Rows of
``audit`` are only added: triggers refuse the rest. What is personal (a number, the words of a reason) is in ``audit_pii``,
which loses its rows when the person is erased, or when they are older than the metadata of texts.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping
from typing import Any

import msgspec

from smsgwd.clock import isoformat
from smsgwd.queue.privacy.acting import Actor
from smsgwd.queue.privacy.chain import Entry, Head, canonical, commitment, link
from smsgwd.queue.transaction import Transaction

SALT = 16
_COLUMNS = "a.seq, a.body, a.pii_commit, a.prev, a.hash, p.salt, p.data"


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: ``of`` holds ids, names and counts, nothing personal; ``number`` is the person that it is about."""

    act: str
    at: int
    of: Mapping[str, Any] = {}
    number: str = ""
    #: other words that may be personal, by name
    personal: Mapping[str, str] = {}


def append(tx: Transaction, act: Act, actor: Actor) -> int:
    """Adds an entry to this commit; its number."""
    head = head_of(tx.conn)
    seq, body = head.seq + 1, canonical({"act": act.act, "at": isoformat(act.at), "of": dict(act.of), "who": actor.who})
    told = {"number": act.number, "reason": actor.reason, **act.personal}
    personal = {name: value for name, value in told.items() if value}
    salt, data = secrets.token_bytes(SALT), canonical(personal)
    commit = commitment(salt, data) if personal else None
    tx.execute(
        "INSERT INTO audit (seq, body, pii_commit, prev, hash) VALUES (?, ?, ?, ?, ?)",
        (seq, body, commit, head.hash, link(seq, head.hash, body, commit)),
    )
    if personal:
        tx.execute(
            "INSERT INTO audit_pii (seq, at, number, salt, data) VALUES (?, ?, ?, ?, ?)",
            (seq, act.at, act.number, salt, data),
        )
    return seq


def head_of(conn: sqlite3.Connection) -> Head:
    """The newest entry; that of an empty chain is 0."""
    found = conn.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(*found) if found else Head()


def entries(conn: sqlite3.Connection, after: int, limit: int) -> list[Entry]:
    """Entries behind a number, oldest first."""
    found = conn.execute(
        f"SELECT {_COLUMNS} FROM audit a LEFT JOIN audit_pii p ON p.seq = a.seq WHERE a.seq > ? ORDER BY a.seq LIMIT ?",
        (after, limit),
    )
    return [Entry(*row) for row in found]


def forget(tx: Transaction, number: str) -> int:
    """Deletes what is personal in the entries about a person; how many they are. The chain stays whole."""
    return tx.execute("DELETE FROM audit_pii WHERE number = ? AND number <> ''", (number,)).rowcount


def shown(entry: Entry) -> dict[str, Any]:
    """An entry as people and programs get it. ``personal`` is absent where there was nothing, null where it was erased."""
    document: dict[str, Any] = {"seq": entry.seq, **json.loads(entry.body), "hash": entry.hash.hex(), "prev": entry.prev.hex()}
    if entry.commit is not None:
        document["personal"] = None if entry.data is None else json.loads(entry.data)
    return document
