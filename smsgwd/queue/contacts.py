"""People by number: what an operator or an integration writes about them."""

from __future__ import annotations

import json

from smsgwd.events import masked
from smsgwd.model import Contact
from smsgwd.queue import looking
from smsgwd.queue.privacy import persons
from smsgwd.queue.transaction import Transaction


def set_contact(
    tx: Transaction, number: str, now: int, *, name: str | None = None, tags: tuple[str, ...] | None = None
) -> Contact:
    """Makes or changes a contact; what is None stays. The event names the fields that changed, not their values."""
    tx.execute(
        "INSERT INTO contact (number, consent, name, tags, first_seen) VALUES (?, ?, '', '[]', ?) "
        "ON CONFLICT (number) DO NOTHING",
        (number, persons.consent_of(tx, number), now),
    )
    before = looking.contact(tx.conn, number)
    if name is not None:
        tx.execute("UPDATE contact SET name = ? WHERE number = ?", (name, number))
    if tags is not None:
        tx.execute("UPDATE contact SET tags = ? WHERE number = ?", (json.dumps(list(tags)), number))
    after = looking.contact(tx.conn, number)
    changed = [field for field in ("name", "tags") if getattr(before, field) != getattr(after, field)]
    if changed:
        tx.event("contact.changed", now, None, contact=masked(number), changed=" ".join(changed))
    return after
