"""What a restored store takes from the one that it replaces: what must not be forgotten, whatever moment the copy is of.

PINs that a SIM was given already, tokens that were revoked, who opted in or out, and who was erased. Texts are not taken: nobody
knows which of them the copy has under way.
"""

from __future__ import annotations

import json
import sqlite3

import msgspec

from smsgwd.queue.privacy import erasure, persons
from smsgwd.queue.privacy.acting import Actor
from smsgwd.queue.privacy.keeping import Place
from smsgwd.queue.transaction import Transaction


class Erasures(msgspec.Struct, frozen=True):
    """Who was erased since a copy was made: what stands for them, under which key, and who of all erased opted out."""

    people: frozenset[str] = frozenset()
    key: str = ""
    opted_out: tuple[tuple[str, str, int], ...] = ()


def carry_over(conn: sqlite3.Connection, old: sqlite3.Connection, newest: str) -> Erasures:
    """Takes it from the old store, but for the erasures: those are done again by :func:`erase_again`. ``newest``: when the
    newest event of the copy happened."""
    pins = old.execute("SELECT name, value FROM store WHERE name LIKE 'kept pin %'").fetchall()
    conn.executemany("INSERT OR REPLACE INTO store (name, value) VALUES (?, ?)", pins)
    revoked = old.execute("SELECT revoked, id FROM token WHERE revoked > 0").fetchall()
    conn.executemany("UPDATE token SET revoked = ? WHERE id = ?", revoked)
    _consent(conn, old)
    acts = old.execute("SELECT body FROM audit WHERE instr(body, 'contact.erase') > 0").fetchall()
    bodies = [json.loads(body) for (body,) in acts]
    people = frozenset(b["of"]["person"] for b in bodies if b["act"] == "contact.erase" and b["at"] >= newest)
    key = old.execute("SELECT value FROM store WHERE name = ?", (persons.KEY,)).fetchone()
    rows = old.execute("SELECT person, consent, at FROM erased").fetchall()
    return Erasures(people, key[0] if key else "", tuple(rows))


def _consent(conn: sqlite3.Connection, old: sqlite3.Connection) -> None:
    last = conn.execute("SELECT coalesce(max(id), 0) FROM consent").fetchone()
    since = old.execute("SELECT id, number, action, method, matched, cancelled, at FROM consent WHERE id > ?", last).fetchall()
    conn.executemany(
        "INSERT INTO consent (id, number, action, method, matched, message, cancelled, at) VALUES (?, ?, ?, ?, ?, NULL, ?, ?)",
        since,
    )
    people = [
        old.execute("SELECT number, consent, name, tags, first_seen FROM contact WHERE number = ?", (number,)).fetchone()
        for number in {row[1] for row in since}
    ]
    conn.executemany(
        "INSERT INTO contact (number, consent, name, tags, first_seen) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (number) DO UPDATE SET consent = excluded.consent",
        [person for person in people if person is not None],
    )


def erase_again(tx: Transaction, erasures: Erasures, actor: Actor, now: int) -> int:
    """Erases who was erased since the copy was made; how many. A copy of another gateway has another key: nobody is known
    there."""
    if erasures.key:
        tx.execute("INSERT OR IGNORE INTO store (name, value) VALUES (?, ?)", (persons.KEY, erasures.key))
    if tx.execute("SELECT value FROM store WHERE name = ?", (persons.KEY,)).fetchone() != (erasures.key,):
        return 0
    known = tx.execute("SELECT number FROM contact UNION SELECT peer FROM message") if erasures.people else ()
    numbers = [number for (number,) in known if persons.pseudonym(tx.conn, number) in erasures.people]
    for number in numbers:
        at: Place | None = Place()
        while at is not None:
            at = erasure.erase(tx, number, at, now).next
        erasure.erased(tx, actor, number, {}, now)
    for row in erasures.opted_out:
        tx.execute("INSERT OR REPLACE INTO erased (person, consent, at) VALUES (?, ?, ?)", row)
    return len(numbers)
