"""Operations on texts: send, look, cancel, replace, hold, release, retry, settle; the inbox."""

from __future__ import annotations

import msgspec

from smsgwd import inquiry
from smsgwd.errors import NotFound, RequestRefused, SmsgwdError
from smsgwd.gateway import SendRequest
from smsgwd.model import Direction, Message, MessageState
from smsgwd.queue.interface import MessageFilter, Settled
from smsgwd.web import shapes, views
from smsgwd.web.operations import Answer, Call, Operation, decoded, filtered_number
from smsgwd.web.problems import problem

MOST_BATCH = 1000
_PAGE = ("state", "to", "from", "link", "conversation", "after", "limit")


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/messages/batch``."""

    messages: list[msgspec.Raw]


class SettleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``settle``: ``sent``, ``resend`` or ``fail``, who says so, and why."""

    how: str
    by: str = "operator"
    why: str = ""


class NewText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``PUT /v1/messages/{id}/text``."""

    text: str


def _ours(request: SendRequest, key: str) -> SendRequest:
    """The request with the key of the header, where it brings none. Origins that the queue trusts (an agent's answer,
    a rule's) are not for callers to claim: they would pass an opt-out by."""
    if request.origin not in ("api", "cli"):
        raise RequestRefused("invalid-body", "`origin` is api or cli")
    return msgspec.structs.replace(request, key=key) if key and not request.key else request


async def send(call: Call) -> Answer:
    return 202, views.accepted(await call.gateway.send(_ours(call.read(SendRequest), call.key), call.token))


async def send_batch(call: Call) -> Answer:
    """Each item gets its own answer; one that is wrong never stops the others. With an Idempotency-Key each item
    without a key of its own has that key and its place, so the whole call may be made again."""
    items = call.read(Batch).messages
    if not 1 <= len(items) <= MOST_BATCH:
        raise RequestRefused("invalid-body", f"`messages` holds 1 to {MOST_BATCH} texts")
    answers: list[object] = [None] * len(items)
    good: list[tuple[int, SendRequest]] = []
    for i, raw in enumerate(items):
        try:
            good.append((i, _ours(decoded(raw, SendRequest), f"{call.key}/{i}" if call.key else "")))
        except RequestRefused as e:
            answers[i] = problem(e)
    results = await call.gateway.send_batch([request for _, request in good], call.token)
    for (i, _), result in zip(good, results, strict=True):
        answers[i] = problem(result) if isinstance(result, SmsgwdError) else views.accepted(result)
    return 202, {"messages": answers}


async def _outbound(call: Call) -> Message:
    found = await call.gateway.queue.message(call.path["id"])
    if found.direction is not Direction.OUT:
        raise NotFound(f"{found.id} is an inbound text")
    return found


async def show(call: Call) -> Answer:
    found = await call.gateway.queue.message(call.path["id"])
    if found.direction is Direction.IN:
        call.need("inbox:read")
    return 200, views.message_whole(found, await call.gateway.queue.submissions(found.id))


async def show_inbound(call: Call) -> Answer:
    found = await call.gateway.queue.message(call.path["id"])
    if found.direction is not Direction.IN:
        raise NotFound(f"{found.id} is an outbound text")
    return 200, views.message(found)


def _filter(call: Call, direction: str) -> MessageFilter:
    state = call.query.get("state", "")
    if state and state not in set(MessageState):
        raise RequestRefused("invalid-query", f"`state` is one of {', '.join(s.value for s in MessageState)}")
    country = call.gateway.config.gateway.country
    to, from_ = (filtered_number(call.query.get(name, ""), country) for name in ("to", "from"))
    return MessageFilter(
        direction=direction, state=state, to=to, from_=from_,
        link=call.query.get("link", ""), conversation=call.query.get("conversation", ""),
    )  # fmt: skip


async def _page(call: Call, direction: str) -> Answer:
    limit = call.number("limit", 50, 1, 1000)
    return 200, views.page(
        await call.gateway.queue.messages(_filter(call, direction), call.query.get("after", ""), limit)
    )


async def listed(call: Call) -> Answer:
    direction = call.query.get("direction", "out")
    if direction not in ("in", "out", "all"):
        raise RequestRefused("invalid-query", "`direction` is in, out or all")
    if direction != "out":
        call.need("inbox:read")
    return await _page(call, "" if direction == "all" else direction)


async def inbox(call: Call) -> Answer:
    return await _page(call, "in")


async def cancel(call: Call) -> Answer:
    return 200, views.message(await inquiry.cancel(call.gateway, (await _outbound(call)).id))


async def replace(call: Call) -> Answer:
    request = call.read(NewText)
    return 200, views.message(await inquiry.replace(call.gateway, (await _outbound(call)).id, request.text))


async def ask(call: Call) -> Answer:
    """A person's question to the carrier; it is recorded like a report, so it is no GET."""
    id_, queue = (await _outbound(call)).id, call.gateway.queue
    asked = await inquiry.ask(call.gateway, id_)
    whole = views.message_whole(await queue.message(id_), await queue.submissions(id_))
    return 200, {**whole, "asked": msgspec.to_builtins(asked)}


async def hold(call: Call) -> Answer:
    queue, now = call.gateway.queue, call.gateway.clock.now()
    return 200, views.message(await queue.hold((await _outbound(call)).id, now))


async def release(call: Call) -> Answer:
    queue, now = call.gateway.queue, call.gateway.clock.now()
    return 200, views.message(await queue.release((await _outbound(call)).id, now))


async def retry(call: Call) -> Answer:
    queue, now = call.gateway.queue, call.gateway.clock.now()
    return 200, views.message(await queue.retry((await _outbound(call)).id, now))


async def settle(call: Call) -> Answer:
    request = call.read(SettleRequest)
    if request.how not in ("sent", "resend", "fail"):
        raise RequestRefused("invalid-body", "`how` is sent, resend or fail")
    found = await _outbound(call)
    if not 0 < len(request.by) <= 60 or not request.by.isprintable():
        raise RequestRefused("invalid-body", "`by` has 1 to 60 printable characters")
    if len(request.why) > 200 or not request.why.isprintable():
        raise RequestRefused("invalid-body", "`why` has at most 200 printable characters")
    decision = Settled(request.how, request.by, request.why)
    return 200, views.message(await call.gateway.queue.settle(found.id, decision, call.gateway.clock.now()))


_SEND, _READ = "messages:send", "messages:read"
OPERATIONS = (
    Operation(method="POST", path="/v1/messages", scope=_SEND, run=send, summary="Accept a text",
              body=SendRequest, status=202, answer=shapes.Accepted, keyed=True),
    Operation(method="POST", path="/v1/messages/batch", scope=_SEND, run=send_batch, body=Batch, status=202,
              summary="Accept up to 1000 texts in one commit", answer=shapes.BatchAnswer,
              keyed=True),
    Operation(method="GET", path="/v1/messages", scope=_READ, run=listed, summary="List texts, newest first",
              query=(*_PAGE, "direction"), answer=Message, many=True),
    Operation(method="GET", path="/v1/messages/{id}", scope=_READ, run=show,
              summary="One text with its segments and submissions", answer=shapes.WholeMessage),
    Operation(method="POST", path="/v1/messages/{id}/ask", scope=_READ, run=ask, asks=True, answer=shapes.AskedMessage,
              summary="Ask the carrier what became of a text, and record its answer"),
    Operation(method="DELETE", path="/v1/messages/{id}", scope=_SEND, run=cancel, summary="Cancel a text", answer=Message),
    Operation(method="POST", path="/v1/messages/{id}/cancel", scope=_SEND, run=cancel, summary="Cancel a text",
              answer=Message),
    Operation(method="PUT", path="/v1/messages/{id}/text", scope=_SEND, run=replace, body=NewText, answer=Message,
              summary="Other words for a text that waits, or that its carrier replaces"),
    Operation(method="POST", path="/v1/messages/{id}/hold", scope="admin", run=hold, summary="Hold a queued text",
              answer=Message),
    Operation(method="POST", path="/v1/messages/{id}/release", scope="admin", run=release, summary="Release a held text",
              answer=Message),
    Operation(method="POST", path="/v1/messages/{id}/retry", scope="admin", run=retry,
              summary="Try a waiting text now, or a failed one again as a new text", answer=Message),
    Operation(method="POST", path="/v1/messages/{id}/settle", scope="admin", run=settle, body=SettleRequest,
              summary="Say what became of an uncertain text", answer=Message),
    Operation(method="GET", path="/v1/inbox", scope="inbox:read", run=inbox, summary="List inbound texts, newest first",
              query=_PAGE, answer=Message, many=True),
    Operation(method="GET", path="/v1/inbox/{id}", scope="inbox:read", run=show_inbound, summary="One inbound text",
              answer=Message),
)  # fmt: skip
