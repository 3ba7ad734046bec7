"""What we owe endpoints: calls that are tried until accepted or dead. The body is joined when it is sent.

Calls that events cause are owed in the event's own commit, see :mod:`smsgwd.queue.calls`.
"""

from __future__ import annotations

from collections.abc import Sequence

from smsgwd.errors import Conflict, NotFound, RequestRefused
from smsgwd.model import CONVERSATION, MESSAGE, OUTBOX, OutboxItem, Reaction, public_id, row_id
from smsgwd.queue import calls, rows
from smsgwd.queue.interface import CallResult
from smsgwd.queue.recent import Committed
from smsgwd.queue.together import array, lines, update
from smsgwd.queue.transaction import Transaction

#: events that are turned into calls in one commit, where they wait
CATCH_UP = 2000

_INSERT = (
    "INSERT INTO outbox (id, endpoint, kind, message, conversation, at, due, attempts, state, reason, data) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, 0, 'pending', '', ?)"
)
_PENDING = array(
    "id, endpoint, kind, message, conversation, due, attempts",
    "FROM outbox WHERE id IN (SELECT value FROM json_each(?)) AND state = 'pending'",
)
_RECORD = update("outbox", "state, reason, due", "attempts = attempts + 1")
_EVENTS = {"done": "webhook.delivered", "retry": "webhook.retry", "dead": "webhook.dead"}
_STATES = {"done": "done", "retry": "pending", "dead": "dead"}


def owe_events(tx: Transaction, desks: calls.Desks, limit: int = CATCH_UP) -> bool:
    """See :meth:`smsgwd.queue.interface.Queue.owe_events`."""
    tx.desks = desks
    found = tx.execute(
        "SELECT id, at, kind, message, link, data FROM event WHERE id > ? ORDER BY id LIMIT ?",
        (calls.cursor(tx.conn), limit),
    ).fetchall()
    events = [
        Committed(id_, at, kind, message, link, rows.decode(data) if data else {}) for id_, at, kind, message, link, data in found
    ]
    if events and calls.turn(tx.conn, tx.ids, desks, events):
        tx.hint("outbox")
    return len(events) == limit


def forward(tx: Transaction, reaction: Reaction, now: int) -> None:
    """A conversation goes to helpdesks: the inbound text as ``message.received``."""
    for endpoint in reaction.forwards:
        item = OutboxItem(
            id="", endpoint=endpoint, kind="message.received", message=reaction.message,
            conversation=reaction.conversation, data={"rules": ",".join(reaction.rules)} if reaction.rules else {},
        )  # fmt: skip
        _insert(tx, item, now)


def _insert(tx: Transaction, item: OutboxItem, now: int) -> None:
    tx.execute(
        _INSERT,
        (
            tx.ids.next(now), item.endpoint, item.kind, row_id(MESSAGE, item.message) if item.message else None,
            row_id(CONVERSATION, item.conversation) if item.conversation else None, item.at or now, item.due,
            rows.encode(item.data).decode() if item.data else "",
        ),
    )  # fmt: skip
    tx.hint("outbox")


def record_calls(tx: Transaction, results: Sequence[CallResult], now: int) -> None:
    """See :meth:`smsgwd.queue.interface.Queue.record_calls`."""
    for result in results:
        if result.result not in _STATES:
            raise RequestRefused("invalid-result", f"{result.result!r} is none of done, retry, dead")
    numbers = [row_id(OUTBOX, result.item) for result in results]
    found = lines(tx.execute(_PENDING, (f"[{','.join(map(str, numbers))}]",)))
    pending = {row[0]: row[1:] for row in found}
    for row, result in zip(numbers, results, strict=True):
        if row not in pending:
            continue  # an operator was faster
        endpoint, kind, message, conversation, due, attempts = pending.pop(row)
        due = result.due if result.result == "retry" else due  # one that a wrong clock counted ends in expiry.py
        tx.defer(_RECORD, row, (_STATES[result.result], result.reason, due, row))
        data = {"item": result.item, "endpoint": endpoint, "attempts": attempts + 1, "of": kind}
        if result.reason:
            data["reason"] = result.reason
        tx.event(_EVENTS[result.result], now, message, **data)
        if result.ticket and conversation is not None:
            _link(tx, conversation, endpoint, result.ticket, now)


def _link(tx: Transaction, conversation: int, endpoint: str, ticket: str, now: int) -> None:
    """A helpdesk named its ticket of a conversation."""
    known = tx.execute(
        "SELECT ticket FROM ticket WHERE conversation = ? AND endpoint = ?", (conversation, endpoint)
    ).fetchone()
    if known == (ticket,):
        return
    tx.execute(
        "INSERT INTO ticket (conversation, endpoint, ticket) VALUES (?, ?, ?) "
        "ON CONFLICT (conversation, endpoint) DO UPDATE SET ticket = excluded.ticket",
        (conversation, endpoint, ticket),
    )
    thread = public_id(CONVERSATION, conversation)
    tx.event("ticket.linked", now, None, conversation=thread, endpoint=endpoint, ticket=ticket)


def replay(tx: Transaction, item: str, now: int) -> OutboxItem:
    """dead -> pending, due now, with all its tries before it. Conflict in other states."""
    row, old = _item(tx, item)
    if old.state != "dead":
        raise Conflict(f"{item} is {old.state}; only a dead one can be replayed")
    tx.execute("UPDATE outbox SET state = 'pending', due = ?, attempts = 0, reason = '' WHERE id = ?", (now, row))
    tx.hint("outbox")
    return _item(tx, item)[1]


def _item(tx: Transaction, item: str) -> tuple[int, OutboxItem]:
    row = row_id(OUTBOX, item)
    found = tx.execute(f"SELECT {rows.OUTBOX_COLUMNS} FROM outbox WHERE id = ?", (row,)).fetchone()
    if found is None:
        raise NotFound(f"there is no outbox item {public_id(OUTBOX, row)}")
    return row, rows.to_outbox(found)
