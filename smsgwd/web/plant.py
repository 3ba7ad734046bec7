"""Operations on the plant: links, events, status, tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Annotated

import msgspec
from msgspec import Meta

from smsgwd import __version__
from smsgwd.clock import isoformat
from smsgwd.errors import NotFound, RequestRefused
from smsgwd.events import KINDS
from smsgwd.model import Event, LinkState, LinkStatus
from smsgwd.web import shapes, views
from smsgwd.web.operations import Answer, Call, Operation
from smsgwd.web.vitals import store

SCOPES = (
    "messages:send", "messages:read", "inbox:read", "conversations:reply", "contacts:write", "consent:write", "admin",
)  # fmt: skip
PREFIX = "smsgw_"
CAPS = ("segments_per_day", "segments_per_month", "cost_per_day", "cost_per_month")


class TokenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scopes of a new token, and its caps: 0 = no limit."""

    scopes: tuple[str, ...]
    segments_per_day: Annotated[int, Meta(ge=0)] = 0
    segments_per_month: Annotated[int, Meta(ge=0)] = 0
    cost_per_day: Annotated[float, Meta(ge=0)] = 0.0
    cost_per_month: Annotated[float, Meta(ge=0)] = 0.0

    @property
    def caps(self) -> dict[str, float]:
        """Those that are set."""
        return {name: value for name in CAPS if (value := getattr(self, name))}


class UssdRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A USSD code such as ``*100#``, and what to answer to the network's menus."""

    code: str
    answers: tuple[str, ...] = ()


# ---- links ---------------------------------------------------------------------------------------------------------


async def _links(call: Call) -> list[LinkStatus]:
    """Links of the configuration in its order, also those that have never told anything, then those that left it."""
    known = {
        x.name: LinkStatus(
            name=x.name, type=x.type, state=LinkState.DOWN, reason="never started", since=0, number=x.number
        )
        for x in call.gateway.config.link
    }
    known.update({link.name: link for link in await call.gateway.queue.links()})
    return [_now(call, x) for x in known.values()]


def _now(call: Call, link: LinkStatus) -> LinkStatus:
    """With what only the running gateway knows: that a link rests, and what it tells of its device."""
    roster = call.gateway.roster
    row = roster.get(link.name)
    rests = f"rests after a run of failures: {row.resting}" if row is not None and row.resting else ""
    return msgspec.structs.replace(link, reason=rests or link.reason, facts={**link.facts, **roster.facts(link.name)})


async def links(call: Call) -> Answer:
    return 200, {"items": [views.link(link) for link in await _links(call)], "next": None}


async def _link(call: Call) -> LinkStatus:
    name = call.path["name"]
    for found in await _links(call):
        if found.name == name:
            return found
    raise NotFound(f"there is no link {name!r}")


async def link(call: Call) -> Answer:
    return 200, views.link(await _link(call))


async def _pause(call: Call, paused: bool) -> Answer:
    found, queue, now = await _link(call), call.gateway.queue, call.gateway.clock.now()
    if not found.since:  # it is configured, and never ran: the store does not know it yet
        await queue.record_link(found.name, found.type, found.number, found.state, found.reason, now)
    changed = await queue.pause_link(found.name, paused, now)
    call.gateway.roster.note(found.name, paused=paused)
    call.gateway.queue.poke(f"link:{found.name}")
    return 200, views.link(changed)


async def pause(call: Call) -> Answer:
    return await _pause(call, True)


async def resume(call: Call) -> Answer:
    return await _pause(call, False)


async def accept(call: Call) -> Answer:
    """The SIM and the modem that are there now are meant."""
    found = await _link(call)
    return 200, views.link(await call.gateway.queue.accept_device(found.name, call.gateway.clock.now()))


async def ussd(call: Call) -> Answer:
    found, wanted = await _link(call), call.read(UssdRequest)
    # before it goes, since it may cost money; the code may hold a PIN or a voucher
    await call.gateway.queue.record_act("link.ussd", call.gateway.clock.now(), {"link": found.name})
    text, more = await call.gateway.ussd(found.name, wanted.code, wanted.answers)
    return 200, shapes.UssdAnswer(text=text, more=more)


# ---- events and status ---------------------------------------------------------------------------------------------


def event_kind(call: Call) -> str:
    """The kind that is asked for; empty for all. RequestRefused("invalid-query")."""
    kind = call.query.get("kind", "")
    if kind and kind not in KINDS:
        raise RequestRefused("invalid-query", "`kind` is no kind of event; see the list in the documentation")
    return kind


async def events(call: Call) -> Answer:
    """Oldest first after ``after``; a negative one gives the newest. ``next`` is the number to go on after."""
    after, limit = call.number("after", -100, -1000, 1 << 62), call.number("limit", 100, 1, 1000)
    found = await call.gateway.queue.events_after(after, limit, event_kind(call))
    return 200, {"items": [views.event(e) for e in found], "next": str(found[-1].id) if found else None}


async def status(call: Call) -> Answer:
    """One look at everything: links, what waits, what was done today, what is owed."""
    queue, now = call.gateway.queue, call.gateway.clock.now()
    return 200, {
        "name": call.gateway.config.gateway.name,
        "version": __version__,
        "at": isoformat(now),
        "links": [views.link(x) for x in await _links(call)],
        "queue": [msgspec.to_builtins(row) for row in await queue.depth(now)],
        "today": await queue.rollup(1, now),
        "outbox": await queue.outbox_depth(),
        "store": store(call.gateway),
        "clock": call.gateway.time()._asdict(),
    }


# ---- tokens --------------------------------------------------------------------------------------------------------


def digest_of(token: str) -> bytes:
    """What the store keeps of a token."""
    return hashlib.sha256(token.encode()).digest()


async def create_token(call: Call) -> Answer:
    """The token itself is in this answer and nowhere else."""
    asked = call.read(TokenRequest)
    scopes = asked.scopes
    unknown = [s for s in scopes if s not in SCOPES]
    if unknown or not scopes:
        raise RequestRefused("unknown-scope", f"a scope is one of {', '.join(SCOPES)}")
    token = PREFIX + base64.b32encode(secrets.token_bytes(32)).decode().lower().rstrip("=")
    queue, now = call.gateway.queue, call.gateway.clock.now()
    made = await queue.add_token(digest_of(token), tuple(dict.fromkeys(scopes)), now, asked.caps)
    return 201, {"id": made.id, "token": token, "scopes": list(made.scopes), "expires": None, "caps": made.caps}


async def tokens(call: Call) -> Answer:
    return 200, {"items": [views.token(t) for t in await call.gateway.queue.tokens()], "next": None}


async def revoke_token(call: Call) -> Answer:
    return 200, views.token(await call.gateway.queue.revoke_token(call.path["id"], call.gateway.clock.now()))


OPERATIONS = (
    Operation(method="GET", path="/v1/links", scope="messages:read", run=links, summary="Modems and SMPP binds",
              answer=LinkStatus, many=True),
    Operation(method="GET", path="/v1/links/{name}", scope="messages:read", run=link, summary="One link", answer=LinkStatus),
    Operation(method="POST", path="/v1/links/{name}/pause", scope="admin", run=pause, summary="Pause a link",
              answer=LinkStatus),
    Operation(method="POST", path="/v1/links/{name}/resume", scope="admin", run=resume, summary="Resume a link",
              answer=LinkStatus),
    Operation(method="POST", path="/v1/links/{name}/accept", scope="admin", run=accept,
              summary="Accept the SIM and modem that a link has now", answer=LinkStatus),
    Operation(method="POST", path="/v1/links/{name}/ussd", scope="admin", run=ussd, body=UssdRequest,
              summary="Send a USSD code over a modem", answer=shapes.UssdAnswer),
    Operation(method="GET", path="/v1/events", scope="messages:read", run=events, query=("after", "limit", "kind"),
              summary="Events; a stream with Accept: text/event-stream", answer=Event, many=True),
    Operation(method="GET", path="/v1/status", scope="messages:read", run=status, summary="How the gateway is doing",
              answer=shapes.Status),
    Operation(method="POST", path="/v1/tokens", scope="admin", run=create_token, body=TokenRequest, status=201,
              summary="Create an API token", answer=shapes.NewToken),
    Operation(method="GET", path="/v1/tokens", scope="admin", run=tokens, summary="List API tokens",
              answer=shapes.ListedToken, many=True),
    Operation(method="DELETE", path="/v1/tokens/{id}", scope="admin", run=revoke_token, summary="Revoke an API token",
              answer=shapes.ListedToken),
)  # fmt: skip
