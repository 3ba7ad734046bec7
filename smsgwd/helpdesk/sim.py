"""A simulated helpdesk: takes signed webhooks, keeps tickets in memory, can answer like an agent.

It is an independent program: signatures are checked by code of its own, so that a mistake in :mod:`smsgwd.helpdesk.signing`
shows. One conversation is one ticket; a call with an id that was seen before changes nothing (``"duplicate": true`` in the
journal). The page at ``/`` shows the tickets to people.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import html
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from smsgwd.clock import Clock
from smsgwd.journal import Journal

#: seconds between tries to bring an answer to the gateway, and how many
PAUSE, TRIES = 0.5, 20
#: ids of calls that are remembered
MOST_CALLS = 100_000
_TOLERANCE = 300


class Ticket:
    """One conversation as the desk sees it."""

    def __init__(self, number: str, conversation: str, person: str) -> None:
        self.number, self.conversation, self.person = number, conversation, person
        self.lines: list[tuple[str, str]] = []


class SimDesk:
    """The desk's state and handlers."""

    def __init__(
        self, journal: Journal, clock: Clock, *, secret: str = "", fail: int = 0, slow: float = 0.0,
        answer: Callable[[Ticket], None] | None = None,
    ) -> None:  # fmt: skip
        self.journal, self.clock, self.slow, self.answer = journal, clock, slow, answer
        self._key = _key(secret) if secret else None
        self._failing = fail
        self.tickets: dict[str, Ticket] = {}
        self._seen: dict[str, str] = {}

    def application(self) -> web.Application:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_get("/", self.page)
        app.router.add_get("/tickets", self.listed)
        app.router.add_post("/{tail:.*}", self.take)
        return app

    async def take(self, request: web.Request) -> web.Response:
        """One webhook call."""
        body = await request.read()
        if self.slow:
            await asyncio.sleep(self.slow)
        verified = self._verify(request, body)
        call = request.headers.get("webhook-id", "")
        line: dict[str, Any] = {"id": call, "verified": verified}
        if self._failing > 0:
            self._failing -= 1
            return self._answer(line, 503, {"error": "told to fail"})
        if not verified:
            return self._answer(line, 401, {"error": "the signature is wrong"})
        try:
            document = json.loads(body)
            line["type"] = document["type"]
            data = document["data"]
        except (ValueError, KeyError, TypeError):
            return self._answer(line, 400, {"error": "not a webhook body"})
        if call in self._seen:
            return self._answer({**line, "duplicate": True}, 200, {"ticket": self._seen[call]})
        ticket = self._ticket(document["type"], data)
        self._remember(call, ticket.number if ticket else "")
        line |= {"conversation": (data.get("conversation") or {}).get("id"), "ticket": ticket.number if ticket else None}
        return self._answer(line, 200, {"ticket": ticket.number} if ticket else {})

    def _answer(self, line: dict[str, Any], status: int, document: dict[str, Any]) -> web.Response:
        self.journal.note("call", **line, status=status)
        return web.json_response(document, status=status)

    def _remember(self, call: str, ticket: str) -> None:
        self._seen[call] = ticket
        while len(self._seen) > MOST_CALLS:
            del self._seen[next(iter(self._seen))]

    def _ticket(self, kind: str, data: dict[str, Any]) -> Ticket | None:
        """The ticket of a call's conversation; a text that came in opens one."""
        conversation = (data.get("conversation") or {}).get("id")
        message = data.get("message") or {}
        if not conversation:
            return None
        ticket = self.tickets.get(conversation)
        if kind != "message.received":
            if ticket is not None:
                ticket.lines.append((kind, str(message.get("text") or "")))
            return ticket
        fresh = ticket is None
        if ticket is None:
            contact = data.get("contact") or {}
            person = str(contact.get("name") or contact.get("number") or "")
            ticket = self.tickets[conversation] = Ticket(f"T-{len(self.tickets) + 1}", conversation, person)
        ticket.lines.append((kind, str(message.get("text") or "")))
        if fresh and self.answer is not None:
            self.answer(ticket)
        return ticket

    def _verify(self, request: web.Request, body: bytes) -> bool:
        """Standard Webhooks 1.0, written apart from the gateway's own signing."""
        if self._key is None:
            return True
        id_, stamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
        try:
            age = abs(self.clock.now() / 1000 - int(stamp))
        except ValueError:
            return False
        mac = hmac.digest(self._key, f"{id_}.{stamp}.".encode() + body, hashlib.sha256)
        wanted = f"v1,{base64.b64encode(mac).decode()}"
        given = request.headers.get("webhook-signature", "").split()
        return age <= _TOLERANCE and any(hmac.compare_digest(wanted, g) for g in given)

    async def listed(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"items": [{"ticket": t.number, "conversation": t.conversation, "lines": len(t.lines)}
                       for t in self.tickets.values()]}
        )  # fmt: skip

    async def page(self, request: web.Request) -> web.Response:
        rows = "".join(
            f"<h2>{html.escape(t.number)} · {html.escape(t.person)}</h2><ul>"
            + "".join(f"<li><b>{html.escape(kind)}</b> {html.escape(text)}</li>" for kind, text in t.lines)
            + "</ul>"
            for t in self.tickets.values()
        )
        made = datetime.now(UTC).isoformat(timespec="seconds")
        page = f"<!doctype html><meta charset=utf-8><title>Tickets</title><h1>Tickets</h1>{rows or '<p>None.</p>'}<p>{made}"
        return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": "default-src 'none'"})


def _key(secret: str) -> bytes:
    return base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()


class Agent:
    """Answers each new ticket once, through the gateway's HTTP API."""

    def __init__(self, journal: Journal, text: str, url: str, token: str) -> None:
        self.journal, self.text, self.url, self.token = journal, text, url.rstrip("/"), token
        self._tickets: asyncio.Queue[Ticket] = asyncio.Queue(1000)

    def answer(self, ticket: Ticket) -> None:
        self._tickets.put_nowait(ticket)

    async def run(self) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while True:
                await self._reply(session, await self._tickets.get())

    async def _reply(self, session: aiohttp.ClientSession, ticket: Ticket) -> None:
        url = f"{self.url}/v1/conversations/{ticket.conversation}/reply"
        body = {"text": self.text, "author": "agent", "key": f"reply-{ticket.number}-{ticket.conversation}"}
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        for _ in range(TRIES):
            try:
                async with session.post(url, json=body, headers=headers) as answer:
                    await answer.read()
                    self.journal.note("reply", ticket=ticket.number, status=answer.status)
                    if answer.status < 500:
                        return
            except (aiohttp.ClientError, TimeoutError) as e:
                self.journal.note("reply", ticket=ticket.number, error=type(e).__name__)
            await asyncio.sleep(PAUSE)


async def serve(
    host: str, port: int, desk: SimDesk, agent: Agent | None, stop: asyncio.Event, listening: Callable[[str], None]
) -> None:
    """Serves until ``stop``; ``listening`` is told HOST:PORT. OSError when the port cannot be had."""
    runner = web.AppRunner(desk.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        listening(f"{bound[0]}:{bound[1]}")
        async with asyncio.TaskGroup() as group:
            working = group.create_task(agent.run(), name="agent") if agent is not None else None
            await stop.wait()
            if working is not None:
                working.cancel()
    finally:
        await runner.cleanup()
