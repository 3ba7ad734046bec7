"""An agent's second answer never overtakes the first.

Answers of agents in one conversation go out one after the other: the next one is not claimed before the one in front of it
has left, whatever keeps that: it is on the wire, parts of it are left, it was refused for now and waits for its next try.
An answer that ended, that an operator holds, or of which nobody knows whether it was sent keeps nobody back: what follows
may be the answer to "did you get my text?".

The claim looks at agents' answers alone, and puts one that has to wait off until the one in front is due, or for a
moment.
"""

from __future__ import annotations

from smsgwd.model import MESSAGE, public_id
from smsgwd.queue.known import Row
from smsgwd.queue.transaction import Transaction

#: milliseconds until an answer is looked at again that waits for one on the wire
MOMENT = 1000
_IN_FRONT = (
    "SELECT f.id, f.due FROM message m JOIN message f ON f.conversation = m.conversation AND f.origin = 'desk' "
    "AND f.state IN ('queued', 'sending') AND f.id < m.id WHERE m.id = ? ORDER BY f.id DESC LIMIT 1"
)


def waits(tx: Transaction, m: Row, now: int) -> bool:
    """Puts an agent's answer off while an earlier one of the same conversation has not left."""
    found = tx.execute(_IN_FRONT, (m.id,)).fetchone()
    if found is None:
        return False
    id_, due = found
    why = f"waits for the answer before it, {public_id(MESSAGE, id_)}"
    tx.execute("UPDATE message SET due = ?, reason = ? WHERE id = ?", (max(due, now + MOMENT), why, m.id))
    return True
