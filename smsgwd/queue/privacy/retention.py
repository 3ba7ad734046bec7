"""Retention: what is older than it is kept goes, 500 rows in a commit.

Ids are time-ordered, so what is old is a range of ids, and a purge never looks at what is young. Each pass remembers how far
it came (``purge:NAME`` in ``store``) and goes on there: rows that it has done cost nothing any more. A row that was alive
then, or was changed later than its id tells, goes to ``kept``, a short list that is looked at again once a day.

Alive is what waits, is held, on its way or in doubt, and a sent text on which a report may still come. A report is waited for
until a week after the end of the text's validity; many networks never send one.

========= ==================================================================================================
text      words, raw octets and inbound digests go, keys too; state, parts and counts stay
keys      only where texts are kept for less than a week: keys of texts whose words have gone before
calls     calls that were taken, by ``events``; those that nobody took, by ``metadata``
rows      texts with their attempts and parts
threads   conversations of which no text is left, and tickets
events    from the oldest on, never those that the rules have not seen, and never the newest
personal  what is personal in old audit entries
contacts  people without a name, tags or consent of whom no text is left; a walk that goes on at each purge
========= ==================================================================================================

Daily counts, spending, consent and the audit chain itself are never purged.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from smsgwd.clock import SANE
from smsgwd.errors import Conflict
from smsgwd.queue.ids import floor_id
from smsgwd.queue.privacy.keeping import DAY, KEYS, ROWS, Batch, Keep, Place
from smsgwd.queue.transaction import Transaction

LIMIT = 500
#: a report is waited for so long after the end of the validity
REPORT = 7 * DAY
#: contacts that one purge looks at: so many times LIMIT
CONTACT_BATCHES = 20

#: whether a row may go: ?1 = now, ?2 = the second bound, for most when it was changed last
_ENDED = (
    "m.updated < ?2 AND m.state NOT IN ('queued', 'held', 'sending', 'uncertain') AND NOT (m.state = 'sent' AND "
    f"CASE m.expires WHEN 0 THEN m.updated ELSE m.expires END + {REPORT} > ?1 AND "
    "EXISTS (SELECT 1 FROM submission s WHERE s.message = m.id AND s.open = 1))"
)
_QUIET = (
    "m.updated < ?2 AND NOT EXISTS (SELECT 1 FROM message x WHERE x.peer = m.contact AND x.conversation = m.id)"
)
_CALL = "m.state = 'done' OR m.id < ?2"
_IDS = "(SELECT value FROM json_each(?))"


class Pass(NamedTuple):
    """A pass over a table by id: which rows may go, how they go, and how long they are kept."""

    name: str
    table: str
    may: str
    go: Callable[[Transaction, str], Counter[str]]
    age: Callable[[Keep], int]
    #: the age of the second bound, where it is another
    second: Callable[[Keep], int] | None = None


def _words_go(tx: Transaction, ids: str) -> Counter[str]:
    gone = _text_goes(tx, ids)
    gone["keys"] = _keys_go(tx, ids)["keys"]
    tx.execute(f"UPDATE inbound_part SET digest = x'' WHERE message IN {_IDS}", (ids,))
    return gone


def _text_goes(tx: Transaction, ids: str) -> Counter[str]:
    texts = tx.execute(f"UPDATE message SET text = NULL, meta = '' WHERE id IN {_IDS} AND text IS NOT NULL", (ids,)).rowcount
    tx.execute(f"UPDATE inbound_part SET payload = NULL, raw = NULL, meta = '' WHERE message IN {_IDS}", (ids,))
    return Counter(texts=texts)


def _keys_go(tx: Transaction, ids: str) -> Counter[str]:
    sql = f"UPDATE message SET key = '', key_digest = '' WHERE id IN {_IDS} AND key <> ''"
    return Counter(keys=tx.execute(sql, (ids,)).rowcount)


def _rows_go(tx: Transaction, ids: str) -> Counter[str]:
    return Counter(
        attempts=tx.execute(f"DELETE FROM submission WHERE message IN {_IDS}", (ids,)).rowcount,
        parts=tx.execute(f"DELETE FROM inbound_part WHERE message IN {_IDS}", (ids,)).rowcount,
        messages=tx.execute(f"DELETE FROM message WHERE id IN {_IDS}", (ids,)).rowcount,
    )


def _threads_go(tx: Transaction, ids: str) -> Counter[str]:
    tickets = tx.execute(f"DELETE FROM ticket WHERE conversation IN {_IDS}", (ids,)).rowcount
    return Counter(conversations=tx.execute(f"DELETE FROM conversation WHERE id IN {_IDS}", (ids,)).rowcount, tickets=tickets)


def _calls_go(tx: Transaction, ids: str) -> Counter[str]:
    return Counter(calls=tx.execute(f"DELETE FROM outbox WHERE id IN {_IDS}", (ids,)).rowcount)


def _rows_age(keep: Keep) -> int:
    return max(keep.metadata, ROWS)


def passes(keep: Keep) -> Sequence[Pass]:
    """The passes of a purge, in order."""
    words = _words_go if keep.text >= KEYS else _text_goes
    keys = [] if keep.text >= KEYS else [Pass("keys", "message", _ENDED, _keys_go, lambda _: KEYS)]
    return (
        Pass("text", "message", _ENDED, words, lambda k: k.text),
        *keys,
        Pass("calls", "outbox", _CALL, _calls_go, lambda k: max(k.events, ROWS), _rows_age),  # before the texts they are about
        Pass("rows", "message", _ENDED, _rows_go, _rows_age),
        Pass("threads", "conversation", _QUIET, _threads_go, lambda k: _rows_age(k) + ROWS),
    )


Step = Callable[[Transaction, Keep, int, int], tuple[int | None, Counter[str]]]


def steps(keep: Keep, revisit: bool) -> list[Step]:
    """Each does one batch behind ``after``, and says where the next begins; None when there is none."""
    made: list[Step] = []
    for p in passes(keep):
        made += [_first_time(p), *([_again(p)] if revisit else [])]
    return [*made, _events, _personal, _contacts]


def purge(tx: Transaction, keep: Keep, at: Place, now: int, revisit: bool) -> Batch:
    """See :meth:`smsgwd.queue.privacy.keeping.KeepingVerbs.purge`."""
    if tx.doubted:
        raise Conflict("the wall clock is doubted, so nobody knows what is old")
    if at == Place():
        _dated(tx, now)
    todo = steps(keep, revisit)
    after, counts = todo[at.step](tx, keep, now, at.after)
    if after is not None:
        return Batch({k: n for k, n in counts.items() if n}, Place(at.step, after))
    following = Place(at.step + 1) if at.step + 1 < len(todo) else None
    return Batch({k: n for k, n in counts.items() if n}, following)


def _dated(tx: Transaction, now: int) -> None:
    """A machine without a clock of its own begins in 1970: nobody knows how old a row of then is, so it counts from now."""
    for table in ("message", "conversation"):
        tx.execute(f"UPDATE {table} SET updated = ? WHERE id < ? AND updated < ?", (now, floor_id(SANE), SANE))


def _bounds(p: Pass, keep: Keep, now: int) -> tuple[int, int]:
    """(ids below this are old, the second bound of the pass)."""
    old = now - p.age(keep)
    return floor_id(old), floor_id(now - p.second(keep)) if p.second else old


def _first_time(p: Pass) -> Step:
    def step(tx: Transaction, keep: Keep, now: int, after: int) -> tuple[int | None, Counter[str]]:
        name, (below, second) = f"purge:{p.name}", _bounds(p, keep, now)
        done = _number(tx, name)
        found = tx.execute(
            f"SELECT m.id, {p.may} FROM {p.table} m WHERE m.id > ?3 AND m.id < ?4 ORDER BY m.id LIMIT {LIMIT}",
            (now, second, done, below),
        ).fetchall()
        if not found:
            return None, Counter()
        stay = [(p.name, id_) for id_, may in found if not may]
        tx.conn.executemany("INSERT OR IGNORE INTO kept (what, id) VALUES (?, ?)", stay)
        counts = p.go(tx, _listed(id_ for id_, may in found if may))
        _note(tx, name, found[-1][0])
        return (found[-1][0] if len(found) == LIMIT else None), counts

    return step


def _again(p: Pass) -> Step:
    def step(tx: Transaction, keep: Keep, now: int, after: int) -> tuple[int | None, Counter[str]]:
        below, second = _bounds(p, keep, now)
        found = tx.execute(
            f"SELECT k.id, m.id IS NULL OR ({p.may}) FROM kept k LEFT JOIN {p.table} m ON m.id = k.id "
            f"WHERE k.what = ?3 AND k.id > ?4 AND k.id < ?5 ORDER BY k.id LIMIT {LIMIT}",
            (now, second, p.name, after, below),
        ).fetchall()
        ready = _listed(id_ for id_, may in found if may)
        counts = p.go(tx, ready) if found else Counter()
        tx.execute(f"DELETE FROM kept WHERE what = ? AND id IN {_IDS}", (p.name, ready))
        return (found[-1][0] if len(found) == LIMIT else None), counts

    return step


def _listed(ids: Iterable[int]) -> str:
    """Ids for one parameter of a statement."""
    return f"[{','.join(map(str, ids))}]"


def _number(tx: Transaction, name: str) -> int:
    found = tx.execute("SELECT value FROM store WHERE name = ?", (name,)).fetchone()
    return int(found[0]) if found else 0


def _note(tx: Transaction, name: str, value: object) -> None:
    tx.execute("INSERT OR REPLACE INTO store (name, value) VALUES (?, ?)", (name, str(value)))


#: what a row of a pass is called where it is only counted
_CALLED = {"text": "texts", "keys": "keys", "rows": "messages", "threads": "conversations", "calls": "calls"}
#: rows of one look
LOOK = 5000


def purgeable(conn: sqlite3.Connection, keep: Keep, at: Place, now: int) -> Batch:
    """See :meth:`smsgwd.queue.privacy.keeping.KeepingVerbs.purgeable`. What was passed while it was alive is not looked at."""
    todo = passes(keep)
    if at.step == len(todo):
        return _old_events(conn, keep, at, now)
    p = todo[at.step]
    below, second = _bounds(p, keep, now)
    done = conn.execute("SELECT value FROM store WHERE name = ?", (f"purge:{p.name}",)).fetchone()
    more = {"text": " AND m.text IS NOT NULL", "keys": " AND m.key <> ''"}.get(p.name, "")
    found = conn.execute(
        f"SELECT m.id, ({p.may}){more} FROM {p.table} m WHERE m.id > ?3 AND m.id < ?4 ORDER BY m.id LIMIT {LOOK}",
        (now, second, max(at.after, int(done[0]) if done else 0), below),
    ).fetchall()
    following = Place(at.step, found[-1][0]) if len(found) == LOOK else Place(at.step + 1)
    return Batch({_CALLED[p.name]: sum(may for _, may in found)}, following)


def _old_events(conn: sqlite3.Connection, keep: Keep, at: Place, now: int) -> Batch:
    (newest,) = conn.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()
    found = conn.execute(
        f"SELECT id, at FROM event WHERE id > ? AND id < ? ORDER BY id LIMIT {LOOK}", (at.after, newest)
    ).fetchall()
    last = _last_old(found, now - keep.events, now)
    more = len(found) == LOOK and last == found[-1][0]
    return Batch({"events": sum(id_ <= (last or 0) for id_, _ in found)}, Place(at.step, found[-1][0]) if more else None)


# ---- what is ordered otherwise ---------------------------------------------------------------------------------------


def _events(tx: Transaction, keep: Keep, now: int, after: int) -> tuple[int | None, Counter[str]]:
    """From the oldest on. A time that lies ahead was written by a clock that was wrong; such an event is as old as its
    neighbours."""
    (newest,) = tx.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()
    seen = tx.execute("SELECT event FROM cursor WHERE name = 'react'").fetchone()
    below = min(newest, seen[0] if seen else newest)
    found = tx.execute(f"SELECT id, at FROM event WHERE id < ? ORDER BY id LIMIT {LIMIT}", (below,)).fetchall()
    last = _last_old(found, now - keep.events, now)
    if last is None:
        return None, Counter()
    gone = tx.execute("DELETE FROM event WHERE id <= ?", (last,)).rowcount
    return (last if gone == LIMIT else None), Counter(events=gone)


def _last_old(found: Sequence[tuple[int, int]], before: int, now: int) -> int | None:
    last = None
    for id_, at in found:
        if before <= at <= now + DAY:
            break
        if at < before:
            last = id_
    return last


def _personal(tx: Transaction, keep: Keep, now: int, after: int) -> tuple[int | None, Counter[str]]:
    found = tx.execute(f"SELECT seq, at FROM audit_pii ORDER BY seq LIMIT {LIMIT}").fetchall()
    last = _last_old(found, now - _rows_age(keep), now)
    if last is None:
        return None, Counter()
    gone = tx.execute("DELETE FROM audit_pii WHERE seq <= ?", (last,)).rowcount
    return (last if gone == LIMIT else None), Counter(personal=gone)


_CONTACT = (
    "SELECT c.number, c.consent = 'none' AND c.name = '' AND c.tags = '[]' AND c.first_seen < ?2 "
    "AND NOT EXISTS (SELECT 1 FROM message m WHERE m.peer = c.number) AND NOT EXISTS (SELECT 1 FROM conversation v "
    "WHERE v.contact = c.number AND v.state = 'open') "
    f"FROM contact c WHERE c.number > ?1 ORDER BY c.number LIMIT {LIMIT}"
)


def _contacts(tx: Transaction, keep: Keep, now: int, after: int) -> tuple[int | None, Counter[str]]:
    """``after`` counts batches here; where the walk is, the store knows."""
    found: list[tuple[Any, ...]] = tx.execute("SELECT value FROM store WHERE name = 'purge:contacts'").fetchall()
    people = tx.execute(_CONTACT, (found[0][0] if found else "", now - _rows_age(keep))).fetchall()
    gone = [(number,) for number, may in people if may]
    tx.conn.executemany("DELETE FROM contact WHERE number = ?", gone)
    _note(tx, "purge:contacts", people[-1][0] if len(people) == LIMIT else "")
    more = len(people) == LIMIT and after + 1 < CONTACT_BATCHES
    return (after + 1 if more else None), Counter(contacts=len(gone))
