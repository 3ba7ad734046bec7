"""A simulated helpdesk: takes signed webhooks, keeps tickets in memory, can answer like an agent.

It is an independent program: signatures are checked by code of its own, so that a mistake in :mod:`smsgwd.helpdesk.signing`
shows. One conversation is one ticket; a text that came in opens it, later calls of the conversation add lines. A call
with an id that was taken before changes nothing and gets the same answer (``"duplicate": true`` in the journal).

The journal has one line for each call, whatever became of it::

    {"at": ISO, "kind": "call", "id": …, "type": …, "verified": true, "duplicate": false, "conversation": "cnv_…",
     "ticket": "T-1", "status": 200}

and one for each try to bring an agent's answer: ``{"at": ISO, "kind": "reply", "ticket": "T-1", "status": 202}``. It holds
no text and no number. The page at ``/`` shows the tickets to people, ``/tickets`` to programs.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import html
import json
from collections import deque
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

from smsgwd.clock import Clock, isoformat
from smsgwd.journal import Journal

#: seconds between tries to bring an answer to the gateway, how many, and seconds for one
PAUSE, TRIES, PATIENCE = 0.5, 20, 10.0
#: what is kept: ids of calls, tickets, lines of a ticket, answers on their way; the oldest go first
MOST_CALLS, MOST_TICKETS, MOST_LINES, MOST_ANSWERS = 100_000, 10_000, 1000, 10_000
LARGEST_CALL = 1 << 20
_TOLERANCE = 300


class Ticket:
    """One conversation as the desk sees it."""

    def __init__(self, number: str, conversation: str, person: str) -> None:
        self.number, self.conversation, self.person = number, conversation, person
        #: (event kind, text) of each call
        self.lines: deque[tuple[str, str]] = deque(maxlen=MOST_LINES)


class SimDesk:
    """The desk's state and handlers."""

    def __init__(
        self, journal: Journal, clock: Clock, *, secret: str = "", fail: int = 0, slow: float = 0.0,
        answer: Callable[[Ticket], None] | None = None,
    ) -> None:  # fmt: skip
        """``fail``: so many calls get a 503 first; ``slow``: seconds before each answer; ``answer`` is told each new
        ticket. ValueError for a secret that is no key."""
        self.journal, self.clock, self.slow, self.answer = journal, clock, slow, answer
        self._key = _key(secret) if secret else None
        self._failing, self._opened = fail, 0
        #: by conversation
        self.tickets: dict[str, Ticket] = {}
        #: id of a call that was taken -> number of its ticket
        self._taken: dict[str, str] = {}

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_CALL)
        app.router.add_get("/", self.page)
        app.router.add_get("/tickets", self.listed)
        app.router.add_post("/{tail:.*}", self.take)
        return app

    # ---- calls -----------------------------------------------------------------------------------------------------

    async def take(self, request: web.Request) -> web.Response:
        """One webhook call."""
        body = await request.read()
        if self.slow:
            await self.clock.sleep(self.slow)
        line: dict[str, Any] = {
            "id": request.headers.get("webhook-id", ""), "type": "", "verified": self._verified(request, body),
            "duplicate": False, "conversation": None, "ticket": None,
        }  # fmt: skip
        status, answer = self._judge(line, body)
        self.journal.note("call", **line, status=status)
        return web.json_response(answer, status=status)

    def _judge(self, line: dict[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and answer; writes into ``line`` what the journal is to say."""
        document = _document(body)
        data = _table(document, "data")
        line["type"] = str(document.get("type") or "")
        line["conversation"] = _table(data, "conversation").get("id")
        if self._failing > 0:
            self._failing -= 1
            return 503, {"error": "told to fail"}
        if not line["verified"]:
            return 401, {"error": "the signature is wrong"}
        if not line["type"] or not line["id"]:
            return 400, {"error": "not a webhook: id, type and data are wanted"}
        number = self._taken.get(line["id"])
        line["duplicate"] = number is not None
        if number is None:
            number = self._note(line["type"], data)
            _keep(self._taken, line["id"], number, MOST_CALLS)
        line["ticket"] = number or None
        return 200, {"ticket": number} if number else {}

    def _note(self, kind: str, data: dict[str, Any]) -> str:
        """Adds a call to the ticket of its conversation and returns the ticket's number; "" where there is none."""
        conversation = str(_table(data, "conversation").get("id") or "")
        ticket = self.tickets.get(conversation)
        if ticket is None and (not conversation or kind != "message.received"):
            return ""
        fresh = ticket is None
        ticket = ticket or self._open(conversation, _table(data, "contact"))
        ticket.lines.append((kind, str(_table(data, "message").get("text") or "")))
        if fresh and self.answer is not None:
            self.answer(ticket)
        return ticket.number

    def _open(self, conversation: str, contact: dict[str, Any]) -> Ticket:
        self._opened += 1
        person = str(contact.get("name") or contact.get("number") or "")
        ticket = Ticket(f"T-{self._opened}", conversation, person)
        _keep(self.tickets, conversation, ticket, MOST_TICKETS)
        return ticket

    def _verified(self, request: web.Request, body: bytes) -> bool:
        """Standard Webhooks 1.0.0, written apart from the gateway's own signing. Without a secret all is well."""
        if self._key is None:
            return True
        id_, stamp, given = (request.headers.get(f"webhook-{x}", "") for x in ("id", "timestamp", "signature"))
        if not stamp.isascii() or not stamp.isdecimal() or abs(self.clock.now() / 1000 - int(stamp[:15])) > _TOLERANCE:
            return False
        signed = b".".join((id_.encode(errors="replace"), stamp.encode(), body))
        wanted = hmac.new(self._key, signed, hashlib.sha256).digest()
        return any(hmac.compare_digest(wanted, _mac(signature)) for signature in given.split())

    # ---- looking ---------------------------------------------------------------------------------------------------

    async def listed(self, request: web.Request) -> web.Response:
        """``{"items": [{"ticket", "conversation", "person", "lines": [{"type", "text"}]}]}``, oldest first."""
        items = [
            {
                "ticket": t.number, "conversation": t.conversation, "person": t.person,
                "lines": [{"type": kind, "text": text} for kind, text in t.lines],
            }
            for t in self.tickets.values()
        ]  # fmt: skip
        return web.json_response({"items": items, "next": None})

    async def page(self, request: web.Request) -> web.Response:
        """The same for people."""
        rows = "".join(_section(ticket) for ticket in self.tickets.values()) or "<p>None yet.</p>"
        at = isoformat(self.clock.now())
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tickets</title>'
            f"<h1>Tickets</h1>{rows}<p><small>{at}</small></p></html>"
        )
        policy = {"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}
        return web.Response(text=page, content_type="text/html", charset="utf-8", headers=policy)


def _section(ticket: Ticket) -> str:
    title = " · ".join(html.escape(x) for x in (ticket.number, ticket.person, ticket.conversation) if x)
    lines = "".join(f"<li><b>{html.escape(kind)}</b> {html.escape(text)}</li>" for kind, text in ticket.lines)
    return f"<h2>{title}</h2><ul>{lines}</ul>"


def _keep(kept: dict[str, Any], key: str, value: Any, most: int) -> None:
    """Adds to a dict that forgets its oldest."""
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]


def _document(body: bytes) -> dict[str, Any]:
    """The body as a table; empty for anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _table(table: dict[str, Any], name: str) -> dict[str, Any]:
    inner = table.get(name)
    return inner if isinstance(inner, dict) else {}


def _key(secret: str) -> bytes:
    """``whsec_`` and base64, or any text. ValueError when it is not."""
    if secret[:6] != "whsec_":
        return secret.encode()
    key = base64.b64decode(secret[6:] + "==")
    if not key:
        raise ValueError("the secret is empty")
    return key


def _mac(signature: str) -> bytes:
    """The octets of a ``v1,…`` signature; none for any other."""
    version, _, text = signature.partition(",")
    try:
        return base64.b64decode(text, validate=True) if version == "v1" else b""
    except (binascii.Error, ValueError):
        return b""


class Agent:
    """Answers each new ticket once, through the gateway's HTTP API."""

    def __init__(self, journal: Journal, clock: Clock, *, text: str, url: str, token: str = "") -> None:
        self.journal, self.clock = journal, clock
        self.text, self.url, self.token = text, url.rstrip("/"), token
        self._tickets: asyncio.Queue[Ticket] = asyncio.Queue(MOST_ANSWERS)

    def answer(self, ticket: Ticket) -> None:
        """Takes a ticket to be answered; the journal says so when there are too many."""
        try:
            self._tickets.put_nowait(ticket)
        except asyncio.QueueFull:
            self.journal.note("reply", ticket=ticket.number, error="too many answers wait")

    async def run(self) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
            while True:
                await self._reply(session, await self._tickets.get())

    async def _reply(self, session: aiohttp.ClientSession, ticket: Ticket) -> None:
        """The same ``key`` at every try, so that the gateway stores one text."""
        url = f"{self.url}/v1/conversations/{ticket.conversation}/reply"
        body = {"text": self.text, "author": "agent", "key": f"reply-{ticket.number}-{ticket.conversation}"}
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        for _ in range(TRIES):
            try:
                async with session.post(url, json=body, headers=headers, allow_redirects=False) as answer:
                    self.journal.note("reply", ticket=ticket.number, status=answer.status)
                    if answer.status < 500:
                        return
            except (aiohttp.ClientError, TimeoutError) as e:
                self.journal.note("reply", ticket=ticket.number, error=type(e).__name__)
            await self.clock.sleep(PAUSE)


async def serve(
    host: str, port: int, desk: SimDesk, agent: Agent | None, stop: asyncio.Event, listening: Callable[[str], None]
) -> None:
    """Serves until ``stop``; ``listening`` is told HOST:PORT. OSError when the port cannot be had."""
    runner = web.AppRunner(desk.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        async with asyncio.TaskGroup() as group:
            working = group.create_task(agent.run(), name="agent") if agent is not None else None
            listening(f"{name}:{bound[1]}")
            await stop.wait()
            if working is not None:
                working.cancel()
    finally:
        await runner.cleanup()
