"""What becomes of times that were counted by a clock that was wrong.

Pauses between tries are counted by the wall clock, because they outlive the process. When the clock steps, they move with
it, so that each try comes after the pause that it was given: no storm of retries after a step ahead, and none that waits for
years after a step back. Times that a person meant (`at`) stay, but for those of texts that were accepted while the clock
was doubted: their validity and their time were counted from a wrong now, and move as well.

While the clock is doubted nothing expires and no incomplete text is given up (``Transaction.doubted``).
"""

from __future__ import annotations

from smsgwd.queue.transaction import Transaction

_PAUSES = (
    "UPDATE message SET due = max(due + ?1, 1) WHERE id IN "
    "(SELECT id FROM message WHERE state = 'queued' AND attempts > 0 AND due > ?2)"
)
_CALLS = "UPDATE outbox SET due = max(due + ?1, 1) WHERE state = 'pending' AND due > ?2"
#: a text that is being sent may come back to the queue
_FLYING = "SELECT message FROM submission WHERE open = 1 AND state = 'in_flight'"
_ACCEPTED = (
    "UPDATE message SET expires = CASE WHEN expires > 0 THEN max(expires + ?1, 1) ELSE 0 END, "
    "due = CASE WHEN due > 0 AND attempts = 0 THEN max(due + ?1, 1) ELSE due END WHERE id IN ("
    "SELECT id FROM message WHERE state = 'queued' AND created BETWEEN ?2 AND ?3 "
    "UNION SELECT id FROM message WHERE state = 'held' AND created BETWEEN ?2 AND ?3 "
    f"UNION SELECT id FROM message WHERE id IN ({_FLYING}) AND created BETWEEN ?2 AND ?3)"
)


def doubt_clock(tx: Transaction, doubted: bool) -> None:
    """See :meth:`smsgwd.queue.clockwork.ClockVerbs.doubt_clock`."""
    tx.doubted = doubted


def clock_stepped(tx: Transaction, step: int, since: int | None, now: int) -> int:
    """See :meth:`smsgwd.queue.clockwork.ClockVerbs.clock_stepped`."""
    before = now - step
    changed = tx.execute(_PAUSES, (step, before)).rowcount + tx.execute(_CALLS, (step, before)).rowcount
    if since is not None:
        changed += tx.execute(_ACCEPTED, (step, since, before)).rowcount
    tx.event("clock.stepped", now, seconds=step // 1000, moved=changed)
    for (link,) in tx.execute("SELECT name FROM link").fetchall():
        tx.hint(f"link:{link}")
    tx.hint("outbox")
    return changed
