"""Other words for a text: for one that waits here, and for one that its carrier has.

Of a text that waits, everything that follows from its words is planned anew. A text that a carrier has keeps its alphabet
and stays one part, since replace_sm (SMPP 3.4 section 4.10) can say neither. That its carrier is asked is on disk before
the wire sees it: when no answer comes, or the gateway ends meanwhile, an event tells that nobody knows which words arrive.
The old words are kept nowhere.
"""

from __future__ import annotations

import sqlite3

from smsgwd.errors import Conflict
from smsgwd.model import MESSAGE, SUBMISSION, Message, public_id, row_id
from smsgwd.queue import rows
from smsgwd.queue.asking import ENDS
from smsgwd.queue.interface import Move
from smsgwd.queue.known import Row
from smsgwd.queue.question import Rewording, Wording
from smsgwd.queue.states import M, load, tell
from smsgwd.queue.submitting import WIRE_OF, planned
from smsgwd.queue.transaction import Transaction
from smsgwd.sms.encoding import Alphabet

_NEWEST = "SELECT id, link, reference, report FROM submission WHERE message = ? AND state = 'accepted' ORDER BY id DESC LIMIT 1"


def paid_by(conn: sqlite3.Connection, message: str) -> str:
    """See :meth:`smsgwd.queue.question.CarrierVerbs.paid_by`."""
    id_ = row_id(MESSAGE, message)
    rows.message(conn, id_)  # NotFound
    (token,) = conn.execute("SELECT token FROM message WHERE id = ?", (id_,)).fetchone()
    return str(token)


def _of(tx: Transaction, wording: Wording) -> tuple[Row, str]:
    """The row, and its alphabet. Conflict for what has no words that could be replaced."""
    m = load(tx, row_id(MESSAGE, wording.message))
    if m.direction != "out":
        raise Conflict(f"{wording.message} is an inbound text")
    text, encoding = tx.execute("SELECT text, encoding FROM message WHERE id = ?", (m.id,)).fetchone()
    if text is None:
        raise Conflict(f"the text of {wording.message} is not kept any more")
    if encoding == Alphabet.DATA.value:
        raise Conflict(f"{wording.message} holds data and no words")
    if m.link != wording.link:
        raise Conflict(f"{wording.message} has just moved to another link; try again")
    return m, str(encoding)


# ---- what waits ----------------------------------------------------------------------------------------------------


def reword(tx: Transaction, wording: Wording, now: int) -> Message:
    """See :meth:`smsgwd.queue.question.CarrierVerbs.reword`."""
    m, _ = _of(tx, wording)
    if m.state not in (M.QUEUED, M.HELD):
        raise Conflict(f"{wording.message} is {m.state}; its text cannot be replaced")
    if m.done or tx.execute("SELECT 1 FROM submission WHERE message = ? AND state <> 'refused'", (m.id,)).fetchone():
        raise Conflict(f"{wording.message} went to the network already, or part of it")
    parts = wording.plan.parts
    if parts != m.parts:
        created, token = tx.execute("SELECT created, token FROM message WHERE id = ?", (m.id,)).fetchone()
        tx.spend(created, m.link, token, m.peer, -m.parts)
        tx.spend(created, m.link, token, m.peer, parts, wording.message)
    planned(tx, m, Move(wording.message, m.link, wording.plan, waits_there=True), now)
    tell(tx, m, "message.replaced", now, where="queue", parts=parts)
    return rows.message(tx.conn, m.id)


# ---- what a carrier has --------------------------------------------------------------------------------------------


def rewording(tx: Transaction, wording: Wording, now: int) -> Rewording:
    """See :meth:`smsgwd.queue.question.CarrierVerbs.rewording`."""
    m, encoding = _of(tx, wording)
    message, plan = wording.message, wording.plan
    if m.state != M.SENT:
        raise Conflict(f"{message} is {m.state}; its carrier cannot be asked to replace its text")
    if m.parts > 1 or plan.parts > 1:
        raise Conflict(f"{message} cannot be replaced at its carrier: that is for texts of one part, before and after")
    if plan.alphabet.value != encoding:
        raise Conflict(
            f"{message} cannot be replaced at its carrier: it went as {encoding}, and the new text needs {plan.alphabet.value}"
        )
    newest = tx.execute(_NEWEST, (m.id,)).fetchone()
    if newest is None or not newest[2]:
        raise Conflict(f"{message} cannot be replaced: its carrier gave no id for it")
    submission, link, reference, report = newest
    if report in ENDS:
        raise Conflict(f"{message} cannot be replaced: the network reports it {report}")
    wire = tx.execute(WIRE_OF, (m.id,)).fetchone()
    old = rows.segment(m, submission, 1, wire, now)
    new = rows.segment(m, submission, 1, (plan.text, "", encoding, plan.locking, plan.single, *wire[5:]), now)
    tell(tx, m, "message.replacing", now)
    return Rewording(submission=public_id(SUBMISSION, submission), message=message, link=link, reference=reference, old=old, new=new)


def reworded(tx: Transaction, asked: Rewording, kept: str, unknown: str, now: int) -> Message:
    """See :meth:`smsgwd.queue.question.CarrierVerbs.reworded`."""
    m = load(tx, row_id(MESSAGE, asked.message))
    if kept:
        tell(tx, m, "message.kept", now, why=kept, parts=m.parts)
    elif unknown:
        tell(tx, m, "message.unclear", now, why=unknown)
    else:  # words that retention took away meanwhile do not come back
        tx.execute("UPDATE message SET text = ?, updated = ? WHERE id = ? AND text IS NOT NULL", (asked.new.text, now, m.id))
        tell(tx, m, "message.replaced", now, where="carrier", parts=m.parts)
    return rows.message(tx.conn, m.id)
