"""Operations on people and what is owed to desks: conversations, contacts, outbox."""

from __future__ import annotations

import msgspec

from smsgwd.errors import NotFound, RequestRefused
from smsgwd.model import Contact, Conversation, OutboxItem
from smsgwd.queue.interface import MessageFilter
from smsgwd.routing.numbers import normal_number
from smsgwd.web import shapes, views
from smsgwd.web.operations import Answer, Call, Operation, filtered_number

#: texts shown with a conversation
_THREAD = 100


class ReplyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agent's answer. ``key`` makes it safe to send the call again."""

    text: str
    author: str = ""
    key: str = ""


class ContactRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator knows of a person; what is absent stays as it is."""

    name: str | None = None
    tags: tuple[str, ...] | None = None


async def conversations(call: Call) -> Answer:
    state = call.query.get("state", "")
    if state not in ("", "open", "closed"):
        raise RequestRefused("invalid-query", "`state` is open or closed")
    limit = call.number("limit", 50, 1, 1000)
    return 200, views.page(await call.gateway.queue.conversations(state, call.query.get("after", ""), limit))


async def conversation(call: Call) -> Answer:
    """With its newest texts, oldest first, as people read a thread."""
    queue = call.gateway.queue
    found = await queue.conversation(call.path["id"])
    texts = await queue.messages(MessageFilter(conversation=found.id), "", _THREAD)
    return 200, {**views.conversation(found), "messages": [views.message(m) for m in reversed(texts.items)]}


async def reply(call: Call) -> Answer:
    request = call.read(ReplyRequest)
    if len(request.author) > 100:
        raise RequestRefused("invalid-body", "`author` has at most 100 characters")
    sent = await call.gateway.reply(call.path["id"], request.text, request.author, request.key or call.key)
    return 202, views.accepted(sent)


async def close(call: Call) -> Answer:
    now = call.gateway.clock.now()
    return 200, views.conversation(await call.gateway.queue.close_conversation(call.path["id"], now))


async def _person(call: Call) -> Contact:
    """Who wrote to us or was named: by number, or by the letters of a sender that has none. NotFound."""
    number = filtered_number(call.path["number"], call.gateway.config.gateway.country)
    return await call.gateway.queue.contact(number)


async def contact(call: Call) -> Answer:
    return 200, views.contact(await _person(call))


async def _number(call: Call) -> str:
    """A number that can be named: that of somebody known, or a phone number. RequestRefused("invalid-number")."""
    try:
        return (await _person(call)).number
    except NotFound:
        return normal_number(call.path["number"], call.gateway.config.gateway.country)


async def set_contact(call: Call) -> Answer:
    request = call.read(ContactRequest)
    if request.name is not None and len(request.name) > 100:
        raise RequestRefused("invalid-body", "`name` has at most 100 characters")
    if request.tags is not None and (len(request.tags) > 50 or any(not 0 < len(t) <= 50 for t in request.tags)):
        raise RequestRefused("invalid-body", "`tags` holds at most 50 tags of at most 50 characters")
    found = await call.gateway.queue.set_contact(
        await _number(call), name=request.name, tags=request.tags, now=call.gateway.clock.now()
    )
    return 200, views.contact(found)


async def outbox(call: Call) -> Answer:
    state = call.query.get("state", "")
    if state not in ("", "pending", "done", "dead"):
        raise RequestRefused("invalid-query", "`state` is pending, done or dead")
    limit = call.number("limit", 50, 1, 1000)
    return 200, views.page(await call.gateway.queue.outbox(state, call.query.get("after", ""), limit))


async def outbox_item(call: Call) -> Answer:
    return 200, views.outbox_item(await call.gateway.queue.outbox_item(call.path["id"]))


async def replay(call: Call) -> Answer:
    return 200, views.outbox_item(await call.gateway.queue.replay(call.path["id"], call.gateway.clock.now()))


_PAGE = ("state", "after", "limit")
OPERATIONS = (
    Operation(method="GET", path="/v1/conversations", scope="inbox:read", run=conversations, query=_PAGE,
              summary="List conversations, newest first", answer=Conversation, many=True),
    Operation(method="GET", path="/v1/conversations/{id}", scope="inbox:read", run=conversation,
              summary="One conversation with its newest texts", answer=shapes.Thread),
    Operation(method="POST", path="/v1/conversations/{id}/reply", scope="conversations:reply", run=reply,
              body=ReplyRequest, status=202, summary="An agent's answer", answer=shapes.Accepted,
              keyed=True),
    Operation(method="POST", path="/v1/conversations/{id}/close", scope="conversations:reply", run=close,
              summary="Close a conversation", answer=Conversation),
    Operation(method="GET", path="/v1/contacts/{number}", scope="inbox:read", run=contact, summary="One person",
              answer=Contact),
    Operation(method="PUT", path="/v1/contacts/{number}", scope="contacts:write", run=set_contact, body=ContactRequest,
              summary="Name or tag a person", answer=Contact),
    Operation(method="GET", path="/v1/outbox", scope="admin", run=outbox, query=_PAGE,
              summary="List calls owed to helpdesks", answer=OutboxItem, many=True),
    Operation(method="GET", path="/v1/outbox/{id}", scope="admin", run=outbox_item, summary="One owed call",
              answer=OutboxItem),
    Operation(method="POST", path="/v1/outbox/{id}/replay", scope="admin", run=replay,
              summary="Try a call again that was given up", answer=OutboxItem),
)  # fmt: skip
