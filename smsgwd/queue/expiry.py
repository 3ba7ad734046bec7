"""The due work of the clock. Bounded per call, so that it never keeps other verbs waiting for long: call it again while
it returns more than 0."""

from __future__ import annotations

from collections import Counter

from smsgwd.queue import inbound, tally
from smsgwd.queue.ids import floor_id
from smsgwd.queue.known import COLUMNS, Row
from smsgwd.queue.submitting import LONGEST_PAUSE, expire_one
from smsgwd.queue.transaction import Transaction

#: most rows of each kind in one call
LIMIT = 500
#: a report that fits nothing is kept so long
ORPHANS = 7 * 86_400_000
#: longest time in ms that a text may be asked to wait, and some
FARTHEST = 400 * 86_400_000

_EXPIRED = (
    f"SELECT {COLUMNS} FROM message m WHERE m.state = 'queued' AND m.expires BETWEEN 1 AND ?1 LIMIT {LIMIT}",
    f"SELECT {COLUMNS} FROM message m WHERE m.state = 'held' AND m.expires BETWEEN 1 AND ?1 LIMIT {LIMIT}",
)

_PUT_OFF = "FROM message WHERE state = 'queued' AND (attempts > 0 OR reason <> '') AND due > ?"
_CALLS = "UPDATE outbox SET due = ?1 WHERE id IN (SELECT id FROM outbox WHERE state = 'pending' AND due > ?2)"
_FAR_OFF = "FROM message WHERE state = 'queued' AND due > ?"
_NEARER = (
    "UPDATE message SET due = max(due - created + ?1, 1), "
    "expires = CASE WHEN expires > 0 THEN max(expires - created + ?1, 1) ELSE 0 END "
    "WHERE id IN (SELECT id FROM message WHERE state = 'queued' AND due > ?2)"
)


def expire(tx: Transaction, now: int) -> int:
    """See :meth:`smsgwd.queue.interface.Queue.expire`."""
    if tx.doubted:
        return _after_a_step_back(tx, now)
    changed = inbound.give_up(tx, now, LIMIT)
    for seek in _EXPIRED:
        for columns in tx.execute(seek, (now,)).fetchall():
            expire_one(tx, Row(*columns), now)
            changed += 1
    changed += _after_a_step_back(tx, now) + _accepted_ahead(tx, now)
    changed += _drop_orphans(tx, now)
    tally.look(tx, now)
    return changed


def _drop_orphans(tx: Transaction, now: int) -> int:
    """Reports that fitted nothing for a week."""
    found = tx.execute("SELECT id, link FROM report_orphan WHERE id < ? ORDER BY id LIMIT ?", (floor_id(now - ORPHANS), LIMIT))
    old = found.fetchall()
    if old:
        tx.execute("DELETE FROM report_orphan WHERE id <= ?", (old[-1][0],))
    for link, n in Counter(link for _, link in old).items():
        tally.count(tx, now, link, "dropped", n)
    return len(old)


def _accepted_ahead(tx: Transaction, now: int) -> int:
    """Nobody can ask for a time more than a year away: a text that waits longer was accepted while the clock was ahead. It
    waits from now as long as was asked for."""
    found = tx.execute(f"SELECT DISTINCT link {_FAR_OFF}", (now + FARTHEST,)).fetchall()
    for (link,) in found:
        tx.hint(f"link:{link}")
    return tx.execute(_NEARER, (now, now + FARTHEST)).rowcount if found else 0


def _after_a_step_back(tx: Transaction, now: int) -> int:
    """No back-off is longer than a day: one that is was counted from a clock that was wrong. The text, or the call to a
    desk, is due now. (A text
    in back-off was tried, or has a reason; one that a person put off has neither.)"""
    late = now + LONGEST_PAUSE * 1000
    changed = tx.execute(_CALLS, (now, late)).rowcount
    if changed:
        tx.hint("outbox")
    found = tx.execute(f"SELECT DISTINCT link {_PUT_OFF}", (late,)).fetchall()
    if not found:
        return changed
    for (link,) in found:
        tx.hint(f"link:{link}")
    return changed + tx.execute(f"UPDATE message SET due = 0 WHERE id IN (SELECT id {_PUT_OFF})", (late,)).rowcount
