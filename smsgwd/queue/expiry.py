"""The due work of the clock. Bounded per call, so that it never keeps other verbs waiting for long: call it again while
it returns more than 0."""

from __future__ import annotations

from collections import Counter

from smsgwd.queue import inbound, tally
from smsgwd.queue.states import COLUMNS, Row
from smsgwd.queue.submitting import LONGEST_PAUSE, expire_one
from smsgwd.queue.transaction import Transaction, floor_id

#: most rows of each kind in one call
LIMIT = 500
#: a report that fits nothing is kept so long
ORPHANS = 7 * 86_400_000

_EXPIRED = (
    f"SELECT {COLUMNS} FROM message m WHERE m.state = 'queued' AND m.expires BETWEEN 1 AND ?1 LIMIT {LIMIT}",
    f"SELECT {COLUMNS} FROM message m WHERE m.state = 'held' "
    "AND m.state IN ('held', 'uncertain', 'failed', 'expired', 'cancelled', 'partial') "
    f"AND m.expires BETWEEN 1 AND ?1 LIMIT {LIMIT}",
)

_PUT_OFF = "FROM message WHERE state = 'queued' AND (attempts > 0 OR reason <> '') AND due > ?"


def expire(tx: Transaction, now: int) -> int:
    """See :meth:`smsgwd.queue.interface.Queue.expire`."""
    changed = inbound.give_up(tx, now, LIMIT)
    for seek in _EXPIRED:
        for columns in tx.execute(seek, (now,)).fetchall():
            expire_one(tx, Row(*columns), now)
            changed += 1
    changed += _after_a_step_back(tx, now)
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


def _after_a_step_back(tx: Transaction, now: int) -> int:
    """No back-off is longer than a day: one that is was counted from a clock that was wrong. The text is due now. (A text
    in back-off was tried, or has a reason; one that a person put off has neither.)"""
    late = now + LONGEST_PAUSE * 1000
    found = tx.execute(f"SELECT DISTINCT link {_PUT_OFF}", (late,)).fetchall()
    if not found:
        return 0
    for (link,) in found:
        tx.hint(f"link:{link}")
    return tx.execute(f"UPDATE message SET due = 0 WHERE id IN (SELECT id {_PUT_OFF})", (late,)).rowcount
