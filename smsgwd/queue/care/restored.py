"""What a restored store must not do by itself.

A copy is older than the world: what waited in it may have been sent since, calls may have been made, inbound texts
answered. So everything that waits is put aside with a reason of its own, and a person lets it go, all at once or one by one:

* texts that wait are ``held``; an attempt that was open is in doubt, as after every end of the gateway;
* calls that wait are ``dead``, where the tries of a person begin anew;
* readers of events (rules, webhooks) go on behind the newest event, so that no inbound text is answered twice.
"""

from __future__ import annotations

import msgspec

from smsgwd.queue import calls
from smsgwd.queue.care.aside import CANCEL, REASON, RELEASE, REPLAY, Some
from smsgwd.queue.known import COLUMNS, Row
from smsgwd.queue.links import skip
from smsgwd.queue.states import M, finish, load, requeue, tell
from smsgwd.queue.submitting import recover
from smsgwd.queue.transaction import Transaction

_WAITING = f"SELECT {COLUMNS} FROM message m WHERE m.state = 'queued' ORDER BY +m.id"
_HELD = (
    "SELECT id FROM message WHERE state = 'held' AND reason = ? AND id > ? ORDER BY id LIMIT ?"
)
_DEAD = "SELECT id FROM outbox WHERE state = 'dead' AND reason = ? AND id > ? ORDER BY id LIMIT ?"


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """What was put aside."""

    held: int
    uncertain: int
    calls: int
    unanswered: int
    #: people who were erased again
    erased: int = 0


def put_aside(tx: Transaction, now: int) -> Aside:
    """Puts everything aside that waits in a store that comes from a copy."""
    newest = tx.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
    unanswered = tx.execute(
        "SELECT count(*) FROM event WHERE kind = 'message.received' "
        "AND id > (SELECT coalesce(max(event), 0) FROM cursor WHERE name = 'react')"
    ).fetchone()[0]
    for reader in ("react", calls.CURSOR):
        skip(tx, reader, newest)
    recover(tx, now)
    waiting = tx.execute(_WAITING).fetchall()
    for columns in waiting:
        finish(tx, Row(*columns), M.HELD, now, REASON)
    owed = tx.execute("UPDATE outbox SET state = 'dead', reason = ? WHERE state = 'pending'", (REASON,)).rowcount
    uncertain = tx.execute(
        "SELECT count(*) FROM message WHERE state = 'uncertain'"
    ).fetchone()[0]
    return Aside(held=len(waiting), uncertain=uncertain, calls=owed, unanswered=unanswered)


def let_go(tx: Transaction, what: str, after: int, limit: int, now: int) -> Some:
    """See :meth:`smsgwd.queue.care.aside.RestoredVerbs.let_go`."""
    ids = [id_ for (id_,) in tx.execute(_DEAD if what == REPLAY else _HELD, (REASON, after, limit)).fetchall()]
    left = sum(not _WAYS[what](tx, id_, now) for id_ in ids)
    if what == REPLAY and ids:
        tx.hint("outbox")
    return Some(done=len(ids) - left, left=left, after=ids[-1] if ids else after, more=len(ids) == limit)


def _release(tx: Transaction, id_: int, now: int) -> bool:
    m = load(tx, id_)
    requeue(tx, m, m.due, now)
    tell(tx, m, "message.released", now)
    return True


def _cancel(tx: Transaction, id_: int, now: int) -> bool:
    """False for a text that went in part, or may have: only its end is for a person to say."""
    if tx.execute("SELECT 1 FROM submission WHERE message = ? AND state <> 'refused'", (id_,)).fetchone():
        return False
    finish(tx, load(tx, id_), M.CANCELLED, now, f"{REASON}, and dropped")
    return True


def _replay(tx: Transaction, id_: int, now: int) -> bool:
    tx.execute("UPDATE outbox SET state = 'pending', due = ?, attempts = 0, reason = '' WHERE id = ?", (now, id_))
    return True


_WAYS = {RELEASE: _release, CANCEL: _cancel, REPLAY: _replay}
