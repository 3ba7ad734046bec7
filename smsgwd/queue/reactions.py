"""What an inbound text causes, in one commit with the cursor: consent first, then answers, tickets, tags.

After a crash the reaction is either wholly there or not at all; the cursor says which, so nothing is answered twice. A
rule answers one text at most once besides (a unique index). The consent table is a ledger: rows are added, never changed.
"""

from __future__ import annotations

from smsgwd.errors import Conflict, NotFound, RequestRefused
from smsgwd.events import masked
from smsgwd.model import (
    CONVERSATION,
    MESSAGE,
    ConsentChange,
    ConsentState,
    Conversation,
    Draft,
    MessageState,
    Reaction,
    row_id,
)
from smsgwd.queue import owing, rows
from smsgwd.queue.known import COLUMNS, Row
from smsgwd.queue.links import skip
from smsgwd.queue.outbound import answered, insert
from smsgwd.queue.privacy import persons
from smsgwd.queue.states import finish, went
from smsgwd.queue.transaction import Transaction

_STATE_OF = {"opt_in": ConsentState.OPTED_IN.value, "opt_out": ConsentState.OPTED_OUT.value}

#: texts that an opt-out takes back: all that waits, but for people's own words, the answer to STOP, and alarms
_BLOCKED = (
    f"SELECT {COLUMNS} FROM message m WHERE m.peer = ? AND m.direction = 'out' AND m.state IN ('queued', 'held') "
    "AND m.origin NOT IN ('desk', 'consent') AND m.class <> 'alarm' ORDER BY m.id"
)


def react(tx: Transaction, reaction: Reaction, now: int) -> list[str]:
    """See :meth:`smsgwd.queue.interface.Queue.react`."""
    done = tx.execute("SELECT event FROM cursor WHERE name = 'react'").fetchone()
    if done is not None and reaction.event <= done[0]:
        return []
    message = row_id(MESSAGE, reaction.message)
    if reaction.consent is not None:
        record_consent(tx, reaction.consent, now)
    for rule in reaction.rules:
        tx.event("rule.matched", now, message, rule=rule)
    replies = [id_ for draft in reaction.replies if (id_ := _reply(tx, draft, message, now))]
    for what, why in reaction.suppressed:
        tx.event("reply.suppressed", now, message, what=what, why=why)
    if reaction.tags:
        _tag(tx, reaction.conversation, reaction.tags)
    owing.forward(tx, reaction, now)
    skip(tx, "react", reaction.event)
    return replies


def _reply(tx: Transaction, draft: Draft, message: int, now: int) -> str:
    """Stores one automatic answer; "" when it must not go, with an event that says why."""
    what = f"reply of rule {draft.rule}" if draft.rule else "reply"
    if draft.answers and draft.rule and answered(tx, draft):
        tx.event("reply.suppressed", now, message, what=what, why="answered already")
        return ""
    try:
        return insert(tx, draft, now).id
    except (RequestRefused, Conflict) as e:
        why = e.code if isinstance(e, RequestRefused) else "conflict"
        tx.event("reply.suppressed", now, message, what=what, why=why)
        return ""


def record_consent(tx: Transaction, change: ConsentChange, now: int) -> None:
    """A ledger row, the contact's state, and for an opt-out the end of what waits for that number."""
    state = _STATE_OF.get(change.action, "")
    before = tx.execute("SELECT consent FROM contact WHERE number = ?", (change.number,)).fetchone()
    cancelled = _take_back(tx, change.number, now) if change.action == "opt_out" else 0
    tx.execute(
        "INSERT INTO consent (id, number, action, method, matched, message, cancelled, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            tx.ids.next(now), change.number, change.action, change.method, change.matched,
            row_id(MESSAGE, change.message) if change.message else None, cancelled, now,
        ),
    )  # fmt: skip
    if not state:
        return
    if state == ConsentState.OPTED_IN:
        persons.consented(tx, change.number)
    tx.execute(
        "INSERT INTO contact (number, consent, name, tags, first_seen) VALUES (?, ?, '', '[]', ?) "
        "ON CONFLICT (number) DO UPDATE SET consent = excluded.consent",
        (change.number, state, now),
    )
    if before is None or before[0] != state:
        tx.event(
            "consent.changed", now, row_id(MESSAGE, change.message) if change.message else None,
            contact=masked(change.number), action=change.action, method=change.method, cancelled=cancelled,
        )  # fmt: skip


def _take_back(tx: Transaction, number: str, now: int) -> int:
    """Cancels what waits for a number; what a link has in hand cannot be called back."""
    waiting = tx.execute(_BLOCKED, (number,)).fetchall()
    for columns in waiting:
        m = Row(*columns)
        finish(tx, m, MessageState.CANCELLED, now, "the recipient opted out" + went(m))
    return len(waiting)


def _tag(tx: Transaction, conversation: str, tags: tuple[str, ...]) -> None:
    id_ = row_id(CONVERSATION, conversation)
    found = tx.execute("SELECT tags FROM conversation WHERE id = ?", (id_,)).fetchone()
    if found is None:
        raise NotFound(f"there is no conversation {conversation}")
    merged = dict.fromkeys([*rows.decode(found[0]), *tags])
    tx.execute("UPDATE conversation SET tags = ? WHERE id = ?", (rows.encode(list(merged)).decode(), id_))


def close_conversation(tx: Transaction, conversation: str, now: int) -> Conversation:
    """open -> closed; closing it again changes nothing."""
    id_ = row_id(CONVERSATION, conversation)
    found = rows.conversation(tx.conn, id_)
    if found.state == "open":
        tx.execute("UPDATE conversation SET state = 'closed', updated = ? WHERE id = ?", (now, id_))
        tx.event(
            "conversation.closed", now, None, found.link, conversation=conversation, contact=masked(found.contact)
        )
    return rows.conversation(tx.conn, id_)
