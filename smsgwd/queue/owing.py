"""What we owe endpoints: calls that are tried until accepted or dead. The body is joined when it is sent."""

from __future__ import annotations

from collections.abc import Sequence

from smsgwd.errors import Conflict, NotFound, RequestRefused
from smsgwd.model import CONVERSATION, MESSAGE, OUTBOX, OutboxItem, Reaction, public_id, row_id
from smsgwd.queue import rows
from smsgwd.queue.links import skip
from smsgwd.queue.transaction import Transaction

_INSERT = (
    "INSERT INTO outbox (id, endpoint, kind, message, conversation, at, due, attempts, state, reason, data) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, 0, 'pending', '', ?)"
)
_EVENTS = {"done": "webhook.delivered", "retry": "webhook.retry", "dead": "webhook.dead"}
_STATES = {"done": "done", "retry": "pending", "dead": "dead"}


def owe(tx: Transaction, items: Sequence[OutboxItem], now: int) -> None:
    """See :meth:`smsgwd.queue.interface.Queue.owe`. Items of events at or before the cursor are there already."""
    done = tx.execute("SELECT event FROM cursor WHERE name = 'webhooks'").fetchone()
    newest = before = done[0] if done is not None else 0
    for item in items:
        event = item.data.get("event")
        if isinstance(event, int):
            if event <= before:
                continue
            newest = max(newest, event)
        _insert(tx, item, now)
    if newest > before:
        skip(tx, "webhooks", newest)


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


def record_call(
    tx: Transaction, item: str, result: str, reason: str, due: int, now: int, *, ticket: str = ""
) -> None:
    """See :meth:`smsgwd.queue.interface.Queue.record_call`. Conflict when the item is not pending."""
    if result not in _STATES:
        raise RequestRefused("invalid-result", f"{result!r} is none of done, retry, dead")
    row, old = _item(tx, item)
    if old.state != "pending":
        raise Conflict(f"{item} is {old.state} already")
    tx.execute(
        "UPDATE outbox SET state = ?, reason = ?, due = ?, attempts = attempts + 1 WHERE id = ?",
        (_STATES[result], reason, due if result == "retry" else old.due, row),
    )
    message = row_id(MESSAGE, old.message) if old.message else None
    tx.event(
        _EVENTS[result], now, message, item=item, endpoint=old.endpoint, attempts=old.attempts + 1,
        **{"of": old.kind, "reason": reason} if reason else {"of": old.kind},
    )  # fmt: skip
    if ticket and old.conversation:
        _link(tx, old, ticket, now)
    if result == "retry":
        tx.hint("outbox")


def _link(tx: Transaction, item: OutboxItem, ticket: str, now: int) -> None:
    """A helpdesk named its ticket of a conversation."""
    row = row_id(CONVERSATION, item.conversation)
    known = tx.execute(
        "SELECT ticket FROM ticket WHERE conversation = ? AND endpoint = ?", (row, item.endpoint)
    ).fetchone()
    if known == (ticket,):
        return
    tx.execute(
        "INSERT INTO ticket (conversation, endpoint, ticket) VALUES (?, ?, ?) "
        "ON CONFLICT (conversation, endpoint) DO UPDATE SET ticket = excluded.ticket",
        (row, item.endpoint, ticket),
    )
    tx.event("ticket.linked", now, None, conversation=item.conversation, endpoint=item.endpoint, ticket=ticket)


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
