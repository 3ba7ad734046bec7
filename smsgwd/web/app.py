"""HTTP: binds the table of operations to aiohttp, on the unix socket and, if configured, on TCP.

One handler serves every operation: find it, check the token (TCP), read the body within its bound, run it, write JSON.
Expected errors become problem documents; any other exception is a bug and answers 500 without a word of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import stat
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from smsgwd.errors import ConfigError, NotFound, Problem, RequestRefused, SmsgwdError, StoreUnavailable
from smsgwd.gateway import Gateway
from smsgwd.log import get_logger
from smsgwd.web.auth import Gatekeeper
from smsgwd.web.metrics import metrics
from smsgwd.web.openapi import document
from smsgwd.web.operations import LARGEST_BODY, Call, Operation, table
from smsgwd.web.problems import problem
from smsgwd.web.stream import Streams

#: seconds that a body may take to arrive, and open calls to end at a stop
BODY, SHUTDOWN = 15.0, 3.0
#: rights of the unix socket: its owner and group
SOCKET_MODE = 0o660

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = get_logger("http")


class Site:
    """The handlers of one door. ``gatekeeper`` is None on the unix socket."""

    def __init__(self, gateway: Gateway, streams: Streams, gatekeeper: Gatekeeper | None) -> None:
        self.gateway, self.streams, self.gatekeeper = gateway, streams, gatekeeper

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_wording])
        for operation in table():
            app.router.add_route(operation.method, operation.path, self._handler(operation))
        app.router.add_get("/healthz", self.health)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/openapi.json", self.openapi)
        return app

    def _handler(self, operation: Operation) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            await self._admit(request, operation.scope)
            if operation.path == "/v1/events" and "text/event-stream" in request.headers.get("Accept", ""):
                return await self._stream(request, operation)
            call = Call(
                self.gateway, request.match_info, request.query, await _body(request),
                request.headers.get("Idempotency-Key", ""),
            )  # fmt: skip
            status, answer = await operation.run(call)
            return _json(answer, status)

        return handle

    async def _admit(self, request: web.Request, scope: str) -> None:
        if self.gatekeeper is not None:
            await self.gatekeeper.check(request.headers.get("Authorization", ""), scope, request.remote or "")

    async def _stream(self, request: web.Request, operation: Operation) -> web.StreamResponse:
        last = request.headers.get("Last-Event-ID", "")
        call = Call(self.gateway, {}, {**request.query, **({"after": last} if last else {})})
        after, kind = call.number("after", -1, -10_000, 1 << 62), call.query.get("kind", "")
        if after < 0:  # the newest so many: their place must not move while they are read
            newest = await self.gateway.queue.events_after(after, 1)
            after = newest[0].id - 1 if newest else 0
        del operation
        return await self.streams.serve(request, after, kind)

    # ---- for machines that watch -----------------------------------------------------------------------------------

    async def health(self, request: web.Request) -> web.Response:
        """200 when the loop turns and the store answers."""
        await self.gateway.queue.events_after(-1, 1)
        return _json({"status": "ok"})

    async def ready(self, request: web.Request) -> web.Response:
        """200 when at least one link can send."""
        up = [link.name for link in self.gateway.roster.links if link.ready]
        return _json({"status": "ok" if up else "no link can send", "links": up}, 200 if up else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        await self._admit(request, "messages:read")
        text = await metrics(self.gateway)
        return web.Response(text=text, content_type="text/plain", charset="utf-8")

    async def openapi(self, request: web.Request) -> web.Response:
        return _json(document())


def _json(answer: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), status=status, content_type="application/json")


async def _body(request: web.Request) -> bytes:
    if not request.can_read_body:
        return b""
    kind = request.content_type
    if kind not in ("application/json", "application/octet-stream"):
        raise RequestRefused("unsupported-media-type", "send JSON with Content-Type: application/json")
    try:
        async with asyncio.timeout(BODY):
            return await request.read()
    except TimeoutError:
        raise RequestRefused("invalid-body", f"the body did not arrive in {BODY:.0f} s") from None


@web.middleware
async def _wording(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as problem documents."""
    try:
        return await handler(request)
    except SmsgwdError as e:
        return _problem(e)
    except web.HTTPNotFound:
        return _problem(NotFound(f"there is no {request.method} {request.path}"))
    except web.HTTPMethodNotAllowed as e:
        allowed = ", ".join(sorted(e.allowed_methods))
        return _problem(RequestRefused("method-not-allowed", f"allowed here: {allowed}"), {"Allow": allowed})
    except web.HTTPRequestEntityTooLarge:
        return _problem(RequestRefused("too-large", f"a body has at most {LARGEST_BODY} bytes"))


def _problem(error: SmsgwdError, headers: dict[str, str] | None = None) -> web.Response:
    answer = problem(error)
    more = dict(headers or {})
    if answer["status"] == 401:
        more["WWW-Authenticate"] = 'Bearer realm="smsgwd"'
    if isinstance(error, StoreUnavailable) or answer["status"] == 429:
        more["Retry-After"] = "5" if answer["status"] == 503 else "60"
    return web.Response(
        body=msgspec.json.encode(answer), status=answer["status"], content_type="application/problem+json", headers=more
    )


# ---- sites ---------------------------------------------------------------------------------------------------------


def _socket_at(path: str) -> socket.socket:
    """A listening unix socket. One that a dead daemon left is replaced; a living one is refused."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise ConfigError([Problem("smsgwd.toml", "gateway.socket", f"{path} exists and is no socket")])
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(ConnectionRefusedError, FileNotFoundError):
            probe.settimeout(1.0)
            probe.connect(path)
            raise StoreUnavailable(f"another program serves {path}")
        os.unlink(path)
    listening = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o777 & ~SOCKET_MODE)
    try:
        listening.bind(path)
    except OSError as e:
        listening.close()
        raise ConfigError([Problem("smsgwd.toml", "gateway.socket", f"{path}: {e.strerror}")]) from None
    finally:
        os.umask(mask)
    return listening


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return re.sub(r"[\[\]]", "", host), int(port)


async def serve(
    gateway: Gateway, *, socket_path: str, listen: str, stop: asyncio.Event, listening: Callable[[str], None]
) -> None:
    """Serves both doors until ``stop``. ``listening`` is told the TCP address ("" without one) once both are open.

    ConfigError when an address cannot be used.
    """
    streams = Streams(gateway, stop)
    runners = [web.AppRunner(Site(gateway, streams, None).application(), access_log=None, shutdown_timeout=SHUTDOWN)]
    if listen:
        site = Site(gateway, streams, Gatekeeper(gateway.queue, gateway.clock))
        runners.append(web.AppRunner(site.application(), access_log=None, shutdown_timeout=SHUTDOWN))
    address = ""
    try:
        for runner in runners:
            await runner.setup()
        await web.SockSite(runners[0], _socket_at(socket_path)).start()
        if listen:
            address = await _listen(runners[1], listen)
        listening(address)
        await stop.wait()
    finally:
        for runner in reversed(runners):
            await runner.cleanup()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(socket_path)


async def _listen(runner: web.AppRunner, listen: str) -> str:
    host, port = _address(listen)
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as e:
        raise ConfigError([Problem("smsgwd.toml", "api.listen", f"{listen}: {e.strerror}")]) from None
    bound = runner.addresses[0]
    return f"{bound[0]}:{bound[1]}"
