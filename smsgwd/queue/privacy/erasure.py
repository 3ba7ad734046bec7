"""Erasure of a person: what they and we wrote, and every place where their number stands.

1. **Cancel**: what waits for the number is cancelled, so that nothing goes to somebody who is being erased. A text that a
   link has in hand now must end first (Conflict); an uncertain one stays uncertain, without its words.
2. **Texts**, 500 in a commit: words, raw octets, keys, digests and reasons go, and a keyed hash stands in the number's place
   (:mod:`smsgwd.queue.privacy.persons`). State, time, parts and price stay: they are counts, and say nothing of a person any more.
3. **History**: reasons in the events of those texts, and calls about them, which are looked through for that.
4. **The rest**, in one commit with the proof: threads and tickets, parts that wait for others, reports that fitted nothing,
   calls that we owe about them, the consent ledger (which keeps what was done and when, by the hash), the contact, and what is
   personal in the audit chain.

Events have no numbers and texts in them, and stay, but for reasons in somebody's words. A digest of a PDU stays for the week in which a modem may give
the same PDU again: else the text would come back from the SIM. What was written meanwhile is found by the last commit: it
does nothing while there are texts left, and is asked for again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from smsgwd.errors import Conflict, NotFound
from smsgwd.events import masked
from smsgwd.model import MESSAGE, public_id
from smsgwd.queue.ids import floor_id
from smsgwd.queue.known import COLUMNS, Row
from smsgwd.queue.privacy import audit, persons
from smsgwd.queue.privacy.acting import Actor
from smsgwd.queue.privacy.audit import Act
from smsgwd.queue.privacy.keeping import KEYS, Batch, Erased, Place
from smsgwd.queue.states import M, finish, went
from smsgwd.queue.transaction import Transaction

LIMIT, WINDOW = 500, 5000
#: steps after the first one
_TEXTS, _EVENTS, _CALLS = 1, 2, 3
_OF_PERSON = "id > ?1 AND id <= ?2 AND message IN (SELECT m.id FROM message m WHERE m.id = {table}.message AND m.peer = ?3)"
_WINDOW = {
    "event": "UPDATE event SET data = json_remove(data, '$.reason', '$.why') WHERE (data LIKE '%\"reason\"%' OR data LIKE "
    "'%\"why\"%') AND " + _OF_PERSON.format(table="event"),
    "outbox": "DELETE FROM outbox WHERE " + _OF_PERSON.format(table="outbox"),
}
_IDS = "(SELECT value FROM json_each(?))"
_LIVE = (
    f"SELECT {COLUMNS} FROM message m WHERE m.peer = ? AND m.direction = 'out' AND m.state IN ('queued', 'held', 'sending') "
    f"ORDER BY m.id LIMIT {LIMIT}"
)


def erase(tx: Transaction, number: str, at: Place, now: int) -> Batch:
    """See :meth:`smsgwd.queue.privacy.keeping.KeepingVerbs.erase`."""
    persons.make_key(tx)
    if at == Place() and not _known(tx, number):
        raise NotFound(f"there is nothing of {masked(number)}")
    live = [Row(*columns) for columns in tx.execute(_LIVE, (number,)).fetchall()]
    busy = next((m for m in live if m.state == M.SENDING), None)
    if busy is not None:
        raise Conflict(f"{public_id(MESSAGE, busy.id)} is on its way to them now; try again in a minute")
    for m in live:
        finish(tx, m, M.CANCELLED, now, "the person was erased" + went(m))
    if live:
        return Batch({"cancelled": len(live)}, Place(_TEXTS))
    return _texts(tx, number, now) if at.step <= _TEXTS else _history(tx, number, at)


def _known(tx: Transaction, number: str) -> bool:
    found = tx.execute(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM contact WHERE number = ?1) OR EXISTS (SELECT 1 FROM message WHERE peer = ?1) "
        "OR EXISTS (SELECT 1 FROM consent WHERE number = ?1)",
        (number,),
    )
    return found.fetchone() is not None


def _texts(tx: Transaction, number: str, now: int) -> Batch:
    found = tx.execute(f"SELECT id FROM message WHERE peer = ? ORDER BY id LIMIT {LIMIT}", (number,)).fetchall()
    ids = f"[{','.join(str(id_) for (id_,) in found)}]"
    person = persons.pseudonym(tx.conn, number)
    tx.execute(
        "UPDATE message SET peer = ?, text = NULL, meta = '', key = '', key_digest = '', reason = '', author = '' "
        f"WHERE id IN {_IDS}",
        (person, ids),
    )
    attempts = tx.execute(f"UPDATE submission SET reason = '', open = 0 WHERE message IN {_IDS}", (ids,)).rowcount
    parts = tx.execute(
        "UPDATE inbound_part SET sender = ?, payload = NULL, raw = NULL, meta = '', fault = '', "
        f"digest = CASE WHEN id < ? THEN x'' ELSE digest END WHERE message IN {_IDS}",
        (person, floor_id(now - KEYS), ids),
    ).rowcount
    calls = tx.execute(
        f"DELETE FROM outbox WHERE state = 'pending' AND message IN {_IDS}", (ids,)
    ).rowcount + tx.execute(f"DELETE FROM outbox WHERE state = 'dead' AND message IN {_IDS}", (ids,)).rowcount
    counts = {"texts": len(found), "attempts": attempts, "parts": parts, "calls": calls}
    return Batch({k: n for k, n in counts.items() if n}, Place(_TEXTS, found[-1][0]) if len(found) == LIMIT else Place(_EVENTS))


def _history(tx: Transaction, number: str, at: Place) -> Batch:
    """Events and calls are not found by person: they are looked through, some thousands in a commit."""
    table, person = "event" if at.step == _EVENTS else "outbox", persons.pseudonym(tx.conn, number)
    last = tx.execute(f"SELECT max(id), count(*) FROM (SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT {WINDOW})", (at.after,))
    until, count = last.fetchone()
    changed = tx.execute(_WINDOW[table], (at.after, until or 0, person)).rowcount
    counts = {"events" if table == "event" else "calls": changed} if changed else {}
    if count == WINDOW:
        return Batch(counts, Place(at.step, until))
    return Batch(counts, Place(_CALLS) if table == "event" else None)


def erased(tx: Transaction, actor: Actor, number: str, counts: Mapping[str, int], now: int) -> Erased:
    """See :meth:`smsgwd.queue.privacy.keeping.KeepingVerbs.erased`."""
    if tx.execute("SELECT 1 FROM message WHERE peer = ? LIMIT 1", (number,)).fetchone():
        raise Conflict("another text came meanwhile")
    person = persons.pseudonym(tx.conn, number)
    contact = tx.execute("SELECT consent FROM contact WHERE number = ?", (number,)).fetchone()
    # somebody who was erased before, and of whom only texts came since, is still opted out
    consent = contact[0] if contact else persons.consent_of(tx, number)
    sums = Counter(counts) + _rest(tx, number, person)
    persons.remember(tx, number, consent, now)
    sums["audit"] = audit.forget(tx, number)
    told = {name: n for name, n in sorted(sums.items()) if n}
    opted_out = consent == persons.OPTED_OUT
    of = {"person": person, "counts": told, "opted_out": opted_out}
    seq = audit.append(tx, Act(act="contact.erase", at=now, of=of), actor)
    tx.event("contact.erased", now, None, contact=person, audit=seq)
    return Erased(person=person, audit=seq, hash=audit.head_of(tx.conn).hash.hex(), counts=told, opted_out=opted_out)


def _rest(tx: Transaction, number: str, person: str) -> Counter[str]:
    """All but the texts."""
    threads = tx.execute("SELECT id FROM conversation WHERE contact = ?", (number,)).fetchall()
    ids = f"[{','.join(str(id_) for (id_,) in threads)}]"
    owed = "DELETE FROM outbox WHERE state = '{}' AND conversation IN " + _IDS
    return Counter(
        calls=sum(tx.execute(owed.format(state), (ids,)).rowcount for state in ("pending", "dead")),
        tickets=tx.execute(f"DELETE FROM ticket WHERE conversation IN {_IDS}", (ids,)).rowcount,
        conversations=tx.execute(
            f"UPDATE conversation SET contact = ?, tags = '[]', state = 'closed' WHERE id IN {_IDS}", (person, ids)
        ).rowcount,
        parts=tx.execute("DELETE FROM inbound_part WHERE message IS NULL AND sender = ?", (number,)).rowcount,
        orphans=tx.execute(  # networks write a number with or without country; the end is the same
            "DELETE FROM report_orphan WHERE recipient = ? OR (length(recipient) >= 8 AND substr(recipient, -8) = ?)",
            (number, number[-8:]),
        ).rowcount,
        consent=tx.execute(
            "UPDATE consent SET number = ?, matched = '' WHERE number = ?", (person, number)
        ).rowcount,
        contacts=tx.execute("DELETE FROM contact WHERE number = ?", (number,)).rowcount,
    )
