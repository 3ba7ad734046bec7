"""HTTP: binds the table of operations to aiohttp, on the unix socket and, if configured, on TCP.

One handler serves every operation: find it, check the token (TCP), read the body within its bound, run it, write JSON.
Expected errors become problem documents; any other exception is a bug, answers 500 without a word of it, and is one line
of the log.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from smsgwd.errors import NotFound, RequestRefused, SmsgwdError, StoreUnavailable
from smsgwd.gateway import Gateway
from smsgwd.model import Token
from smsgwd.web.auth import Gatekeeper, caller
from smsgwd.web.metrics import metrics
from smsgwd.web.openapi import document
from smsgwd.web.operations import LARGEST_BODY, Call, Operation, find, table
from smsgwd.web.problems import problem
from smsgwd.web.quick import Plain, Reply
from smsgwd.web.sites import Site, UnixSocket, address_of, tcp_socket
from smsgwd.web.stream import HEADERS, Streams

#: seconds that a body may take to arrive, an answer to be taken, and the store to say that it lives
BODY, TAKEN, ALIVE = 15.0, 30.0, 5.0
#: bytes of an answer that the socket's buffer takes whole; asyncio makes writers wait from 64 KiB on
SMALL = 16_384
#: bodies of more octets than that (or of unknown length) that may be read at once, over both doors
LARGE, MOST_LARGE = 65_536, 32
Run = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door:
    """The routes of one door. ``gatekeeper`` is None on the unix socket."""

    def __init__(self, gateway: Gateway, streams: Streams, gatekeeper: Gatekeeper | None) -> None:
        self.gateway, self.streams, self.gatekeeper = gateway, streams, gatekeeper
        self._quick, _ = find("POST", "/v1/messages")

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_worded])
        for operation in table():
            app.router.add_route(operation.method, operation.path, self._served(operation))
        app.router.add_get("/healthz", self.health)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/openapi.json", self.openapi)
        return app

    def _served(self, operation: Operation) -> Run:
        streamed = operation.path == "/v1/events"

        async def run(request: web.Request) -> web.StreamResponse:
            token = await self._admit(request, operation.scope)
            if streamed and "text/event-stream" in request.headers.get("Accept", ""):
                return await self._stream(request, operation)
            who = caller(request.transport, token) if operation.acts else ""
            call = Call(self.gateway, request.match_info, request.query, await _body(request), _key(request), token, who)
            status, answer = await operation.answered(call)
            return _json(answer, status)

        return run

    async def quick(self, plain: Plain, address: str) -> Reply:
        """Answers a plain ``POST /v1/messages`` (:mod:`smsgwd.web.quick`)."""
        operation = self._quick
        try:
            token = await self._allowed(plain.authorization, operation.scope, address)
            call = Call(self.gateway, {}, {}, plain.body, plain.key, token)
            status, answer = await operation.answered(call)
        except SmsgwdError as e:
            status, answer, headers = _worded_problem(e)
            return Reply(status, msgspec.json.encode(answer), "application/problem+json", headers)
        return Reply(status, msgspec.json.encode(answer), "application/json")

    async def _admit(self, request: web.Request, scope: str) -> Token | None:
        return await self._allowed(request.headers.get("Authorization", ""), scope, request.remote or "")

    async def _allowed(self, authorization: str, scope: str, address: str) -> Token | None:
        return None if self.gatekeeper is None else await self.gatekeeper.check(authorization, scope, address)

    async def _stream(self, request: web.Request, operation: Operation) -> web.StreamResponse:
        last = request.headers.get("Last-Event-ID", "")
        call = Call(self.gateway, {}, {**request.query, **({"after": last} if last else {})})
        operation.check(call)
        return await self.streams.serve(request, call, lambda: self._admit(request, operation.scope))

    # ---- for machines that watch -----------------------------------------------------------------------------------

    async def health(self, request: web.Request) -> web.Response:
        """200 when the loop turns and the store answers."""
        self.gateway.queue.check()
        try:
            async with asyncio.timeout(ALIVE):
                await self.gateway.queue.events_after(-1, 1)
        except TimeoutError:
            raise StoreUnavailable(f"the store did not answer in {ALIVE:g} s") from None
        return _json({"status": "ok"})

    async def ready(self, request: web.Request) -> web.Response:
        """200 when at least one link can send."""
        ready = sum(link.ready for link in self.gateway.roster.links)
        return _json({"status": "ok" if ready else "no link can send", "links": ready}, 200 if ready else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        await self._admit(request, "messages:read")
        page = await metrics(self.gateway)
        return web.Response(body=page.encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def openapi(self, request: web.Request) -> web.Response:
        return _json(document())


# ---- reading and writing -------------------------------------------------------------------------------------------


def _key(request: web.Request) -> str:
    """The Idempotency-Key header: printable ASCII, as every header should be. RequestRefused("invalid-key")."""
    key = request.headers.get("Idempotency-Key", "")
    if not (key.isascii() and key.isprintable()):
        raise RequestRefused("invalid-key", "the Idempotency-Key is not printable ASCII")
    return key


async def _body(request: web.Request) -> bytes:
    if not request.can_read_body:
        return b""
    if request.content_type not in ("application/json", "application/octet-stream"):
        raise RequestRefused("unsupported-media-type", "send JSON with Content-Type: application/json")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise RequestRefused("unsupported-media-type", "send the body as it is, without Content-Encoding")
    try:
        if request.content.is_eof():  # it came with the head: a small call needs no timer
            return await request.read()
        async with _place(request), asyncio.timeout(BODY):
            return await request.read()
    except TimeoutError:
        raise RequestRefused("timed-out", f"the body did not arrive in {BODY:g} s") from None
    except web.RequestPayloadError:
        raise RequestRefused("invalid-body", "the body ended before it was whole") from None


_large: set[int] = set()


def large_bodies() -> int:
    """How many large bodies are being read."""
    return len(_large)


@contextlib.asynccontextmanager
async def _place(request: web.Request) -> AsyncIterator[None]:
    """A place among the large bodies, so that they cannot fill the memory together. RequestRefused("too-busy")."""
    length = request.content_length
    if length is not None and length <= LARGE:
        yield
        return
    if len(_large) >= MOST_LARGE:
        raise RequestRefused("too-busy", f"{MOST_LARGE} large bodies are being read already", retry_after=2.0)
    _large.add(id(request))
    try:
        yield
    finally:
        _large.discard(id(request))


def _json(answer: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), status=status, content_type="application/json")


@web.middleware
async def _worded(request: web.Request, handler: Run) -> web.StreamResponse:
    """Errors as problem documents; the answer is handed over here, so that a reader who does not take it is dropped."""
    try:
        response = await handler(request)
    except SmsgwdError as e:
        response = _problem(e)
    except web.HTTPNotFound:
        response = _problem(NotFound("there is nothing at this path"))
    except web.HTTPMethodNotAllowed as e:
        allowed = ", ".join(sorted(e.allowed_methods))
        response = _problem(RequestRefused("method-not-allowed", f"allowed here: {allowed}"), {"Allow": allowed})
    except web.HTTPRequestEntityTooLarge:
        response = _problem(RequestRefused("too-large", f"a body has at most {LARGEST_BODY} bytes"))
    if not response.prepared:
        await _hand_over(request, response)
    return response


async def _hand_over(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    transport = request.transport
    at_once = transport is not None and not transport.get_write_buffer_size()
    try:
        if at_once and isinstance(response, web.Response) and (response.content_length or 0) < SMALL:
            await response.prepare(request)  # nothing waits before it and it fits: no wait is possible
            await response.write_eof()
            return
        async with asyncio.timeout(TAKEN):
            await response.prepare(request)
            await response.write_eof()
    except (TimeoutError, ConnectionError):  # the caller is stuck, or gone
        if request.transport is not None:
            request.transport.abort()


def _worded_problem(error: SmsgwdError) -> tuple[int, dict[str, Any], dict[str, str]]:
    """(status, document, headers) of an error."""
    answer = problem(error)
    status, more = answer["status"], {}
    if status == 401:
        more["WWW-Authenticate"] = 'Bearer realm="smsgwd"'
    if status in (429, 503, 507):
        more["Retry-After"] = str(answer.get("retry_after") or (5 if status == 503 else 60))
    return status, answer, more


def _problem(error: SmsgwdError, headers: dict[str, str] | None = None) -> web.Response:
    status, answer, more = _worded_problem(error)
    return web.Response(
        body=msgspec.json.encode(answer), status=status, content_type="application/problem+json",
        headers={**more, **(headers or {})},
    )  # fmt: skip


# ---- serving -------------------------------------------------------------------------------------------------------


async def serve(
    gateway: Gateway, *, socket_path: str, listen: str, stop: asyncio.Event, listening: Callable[[str], None]
) -> None:
    """Serves both doors until ``stop``. ``listening`` is told the TCP address ("" without one) once both are open.

    ConfigError when an address cannot be used, StoreUnavailable when another program serves the unix socket.
    """
    unix = UnixSocket(socket_path)
    doors: list[tuple[Site, Streams]] = []
    try:
        address = ""
        doors.append(await _opened(gateway, stop, unix.socket, None))
        if listen:
            tcp = await tcp_socket(listen)
            address = address_of(tcp)
            doors.append(await _opened(gateway, stop, tcp, Gatekeeper(gateway.queue, gateway.clock)))
        listening(address)
        await stop.wait()
    finally:
        unix.remove()
        async with asyncio.TaskGroup() as ends:
            for site, streams in doors:
                streams.wake()
                ends.create_task(site.stop(), name="end of a door")


async def _opened(
    gateway: Gateway, stop: asyncio.Event, listening: Any, gatekeeper: Gatekeeper | None
) -> tuple[Site, Streams]:
    streams = Streams(gateway, stop)
    door = Door(gateway, streams, gatekeeper)
    site = Site(door.application(), door.quick, gateway.clock.now, HEADERS)
    await site.start(listening)
    return site, streams
