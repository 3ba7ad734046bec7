"""The ``data`` of a call, joined from what is owed and from the nouns that it names. Plain functions, no I/O.

===============  ====================================================================================================
``message``      the text as it is now: its state may be further on than the call's kind says
``conversation`` id, state, our number and link, tags, and the desk's own ``ticket`` once it named one
``contact``      number, name, consent, tags; ``{"masked": …}`` where the event names a person and no more is known
others           what the event said besides: ids, counts and states
===============  ====================================================================================================

A text that was erased after its retention is ``null``: the call goes all the same, since the desk may need to know.
"""

from __future__ import annotations

from typing import Any

from smsgwd.clock import isoformat
from smsgwd.model import Contact, Conversation, Message, OutboxItem


def joined(
    item: OutboxItem, message: Message | None, conversation: Conversation | None, contact: Contact | None
) -> dict[str, Any]:
    """What the desk is told; None for a noun that the call does not name or that is gone."""
    data: dict[str, Any] = {name: value for name, value in item.data.items() if name not in ("event", "contact")}
    if message is not None:
        data["message"] = _message(message)
    if conversation is not None:
        data["conversation"] = _conversation(conversation, item.endpoint)
    if contact is not None:
        data["contact"] = _contact(contact)
    elif "contact" in item.data:
        data["contact"] = {"masked": item.data["contact"]}
    return data


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id, "direction": message.direction.value, "state": message.state.value, "from": message.from_,
        "to": message.to, "text": message.text, "class": message.class_.value, "link": message.link,
        "parts": message.parts, "reason": message.reason, "key": message.key or None, "author": message.author or None,
        "created": isoformat(message.created), "updated": isoformat(message.updated), "meta": message.meta,
        "possible_duplicate": message.possible_duplicate,
    }  # fmt: skip


def _conversation(thread: Conversation, endpoint: str) -> dict[str, Any]:
    return {
        "id": thread.id, "state": thread.state, "number": thread.number, "link": thread.link,
        "tags": list(thread.tags), "ticket": thread.tickets.get(endpoint),
    }  # fmt: skip


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "number": contact.number, "name": contact.name, "consent": contact.consent.value, "tags": list(contact.tags)
    }  # fmt: skip
