"""Operations on texts: send, look, cancel, hold, release, retry, settle; the inbox."""

from __future__ import annotations

import msgspec

from smsgwd.errors import NotFound, RequestRefused, SmsgwdError
from smsgwd.gateway import SendRequest
from smsgwd.model import Direction, Message, MessageState
from smsgwd.queue.interface import MessageFilter, Settled
from smsgwd.web import views
from smsgwd.web.operations import Answer, Call, Operation
from smsgwd.web.problems import problem

MOST_BATCH = 1000
_PAGE = ("state", "to", "from", "link", "conversation", "after", "limit")


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/messages/batch``."""

    messages: list[msgspec.Raw]


class SettleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``settle``: ``sent``, ``resend`` or ``fail``."""

    how: str
    by: str = "operator"


async def send(call: Call) -> Answer:
    request = call.read(SendRequest)
    if call.key and not request.key:
        request = msgspec.structs.replace(request, key=call.key)
    if request.origin not in ("api", "cli"):
        raise RequestRefused("invalid-body", "`origin` is api or cli")
    return 202, views.accepted(await call.gateway.send(request))


async def send_batch(call: Call) -> Answer:
    """Each item gets its own answer; one that is wrong never stops the others."""
    items = call.read(Batch).messages
    if not 1 <= len(items) <= MOST_BATCH:
        raise RequestRefused("invalid-body", f"`messages` holds 1 to {MOST_BATCH} texts")
    answers: list[object] = [None] * len(items)
    good: list[tuple[int, SendRequest]] = []
    for i, raw in enumerate(items):
        try:
            good.append((i, msgspec.json.decode(raw, type=SendRequest)))
        except msgspec.DecodeError as e:
            answers[i] = problem(RequestRefused("invalid-body", str(e)))
    results = await call.gateway.send_batch([request for _, request in good])
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
    return MessageFilter(
        direction=direction, state=state, to=call.query.get("to", ""), from_=call.query.get("from", ""),
        link=call.query.get("link", ""), conversation=call.query.get("conversation", ""),
    )  # fmt: skip


async def _page(call: Call, direction: str) -> Answer:
    limit = call.number("limit", 50, 1, 1000)
    return 200, views.page(await call.gateway.queue.messages(_filter(call, direction), call.query.get("after", ""), limit))


async def listed(call: Call) -> Answer:
    direction = call.query.get("direction", "out")
    if direction not in ("in", "out", "all"):
        raise RequestRefused("invalid-query", "`direction` is in, out or all")
    return await _page(call, "" if direction == "all" else direction)


async def inbox(call: Call) -> Answer:
    return await _page(call, "in")


async def cancel(call: Call) -> Answer:
    queue, now = call.gateway.queue, call.gateway.clock.now()
    return 200, views.message(await queue.cancel((await _outbound(call)).id, now))


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
    decision = Settled(request.how, request.by[:60])
    return 200, views.message(await call.gateway.queue.settle(found.id, decision, call.gateway.clock.now()))


_SEND, _READ = "messages:send", "messages:read"
OPERATIONS = (
    Operation(method="POST", path="/v1/messages", scope=_SEND, run=send, summary="Accept a text",
              body=SendRequest, status=202),
    Operation(method="POST", path="/v1/messages/batch", scope=_SEND, run=send_batch, body=Batch, status=202,
              summary="Accept up to 1000 texts in one commit"),
    Operation(method="GET", path="/v1/messages", scope=_READ, run=listed, summary="List texts, newest first",
              query=(*_PAGE, "direction")),
    Operation(method="GET", path="/v1/messages/{id}", scope=_READ, run=show,
              summary="One text with its segments and submissions"),
    Operation(method="DELETE", path="/v1/messages/{id}", scope=_SEND, run=cancel, summary="Cancel a text"),
    Operation(method="POST", path="/v1/messages/{id}/cancel", scope=_SEND, run=cancel, summary="Cancel a text"),
    Operation(method="POST", path="/v1/messages/{id}/hold", scope="admin", run=hold, summary="Hold a queued text"),
    Operation(method="POST", path="/v1/messages/{id}/release", scope="admin", run=release, summary="Release a held text"),
    Operation(method="POST", path="/v1/messages/{id}/retry", scope="admin", run=retry,
              summary="Try a waiting text now, or a failed one again as a new text"),
    Operation(method="POST", path="/v1/messages/{id}/settle", scope="admin", run=settle, body=SettleRequest,
              summary="Say what became of an uncertain text"),
    Operation(method="GET", path="/v1/inbox", scope="inbox:read", run=inbox, summary="List inbound texts, newest first",
              query=_PAGE),
    Operation(method="GET", path="/v1/inbox/{id}", scope="inbox:read", run=show_inbound, summary="One inbound text"),
)  # fmt: skip
