"""The operation that explains routing. The number is in the body, so that it comes into no proxy's log of addresses."""

from __future__ import annotations

import msgspec

from smsgwd.errors import RequestRefused
from smsgwd.explain import Explanation, explain
from smsgwd.gateway import SendRequest
from smsgwd.model import MessageClass
from smsgwd.web import views
from smsgwd.web.operations import Answer, Call, Operation


class RouteRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text that is asked about. Without ``text`` one segment is assumed."""

    to: str
    from_: str = msgspec.field(name="from", default="")
    class_: str = msgspec.field(name="class", default="normal")
    text: str = ""


async def route(call: Call) -> Answer:
    asked = call.read(RouteRequest)
    if asked.class_ not in MessageClass.__members__.values():
        raise RequestRefused("unknown-class", f"{asked.class_!r} is none of bulk, normal, alarm")
    request = SendRequest(to=asked.to, text=asked.text or ".", from_=asked.from_, class_=asked.class_)
    return 200, views.document(await explain(call.gateway, request))


OPERATIONS = (
    Operation(method="POST", path="/v1/route", asks=True, scope="messages:send", run=route, body=RouteRequest,
              summary="Say which link would carry a text, when, and why; nothing is stored", answer=Explanation),
)  # fmt: skip
