"""Nouns as JSON documents: the field names of the contract, times as ISO 8601 in UTC."""

from __future__ import annotations

from typing import Any

import msgspec

from smsgwd.clock import isoformat
from smsgwd.model import Contact, Conversation, Event, LinkStatus, Message, MessageState, OutboxItem, Submission, Token
from smsgwd.queue.interface import Page

#: fields that hold milliseconds since 1970
TIMES = frozenset({"created", "updated", "due", "expires", "at", "since", "opened", "first_seen", "revoked", "not_before"})


def document(noun: msgspec.Struct) -> dict[str, Any]:
    """Any noun: names as in its struct, milliseconds as ISO 8601, null for a time that is not set."""
    made: dict[str, Any] = msgspec.to_builtins(noun)
    for name in TIMES & made.keys():
        made[name] = isoformat(made[name]) if made[name] else None
    return made


def message(noun: Message) -> dict[str, Any]:
    return document(noun)


def accepted(noun: Message) -> dict[str, Any]:
    """The short answer to a text that was accepted; why it waits, where it does so for a reason of ours."""
    made = {
        "id": noun.id, "state": noun.state.value, "segments": noun.parts, "encoding": noun.encoding.value,
        "link": noun.link,
    }  # fmt: skip
    if noun.state is MessageState.QUEUED and noun.reason and noun.due:
        made |= {"due": isoformat(noun.due), "reason": noun.reason}
    return made


def message_whole(noun: Message, submissions: list[Submission]) -> dict[str, Any]:
    return {**document(noun), "submissions": [document(s) for s in submissions]}


def event(noun: Event) -> dict[str, Any]:
    """``{id, at, kind, message?, link?, data}``."""
    made: dict[str, Any] = {"id": noun.id, "at": isoformat(noun.at), "kind": noun.kind}
    if noun.message:
        made["message"] = noun.message
    if noun.link:
        made["link"] = noun.link
    return {**made, "data": noun.data}


def link(noun: LinkStatus) -> dict[str, Any]:
    return document(noun)


def contact(noun: Contact) -> dict[str, Any]:
    return document(noun)


def conversation(noun: Conversation) -> dict[str, Any]:
    return document(noun)


def outbox_item(noun: OutboxItem) -> dict[str, Any]:
    return document(noun)


def token(noun: Token) -> dict[str, Any]:
    """A token as listed: never the secret, of which the store knows the digest alone."""
    return {**document(noun), "expires": None}


def page(found: Page) -> dict[str, Any]:
    """``{"items": […], "next": cursor or null}``."""
    return {"items": [document(noun) for noun in found.items], "next": found.next}
