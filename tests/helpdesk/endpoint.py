"""Endpoints on loopback for tests: one that speaks HTTP and keeps what it was told, one that sends raw octets."""

import asyncio
import json
from contextlib import asynccontextmanager

from aiohttp import web

from tests.canaries import WEBHOOK

SECRET = WEBHOOK


class Endpoint:
    """Answers calls in order with ``answers`` (status, headers, body); the last one stays. ``gate`` holds them back while
    it is not set."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers) or [(200, {}, b"")]
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.gate, self.came = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.under_way = self.most_under_way = 0
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.calls.append(({k.lower(): v for k, v in request.headers.items()}, body))
        status, headers, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.came.set()
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        return web.Response(status=status, headers=headers, body=answer)

    @property
    def bodies(self) -> list[dict]:
        return [json.loads(body) for _, body in self.calls]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.calls]


@asynccontextmanager
async def serving(*answers):
    """An Endpoint on a free port."""
    endpoint = Endpoint(*answers)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", endpoint.take)
    async with listening(app) as address:
        endpoint.url = f"http://{address}/hooks/key-in-path?token=key-in-query"
        yield endpoint
        endpoint.gate.set()


@asynccontextmanager
async def listening(app: web.Application):
    """Serves an application on a free port of loopback; yields HOST:PORT."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw(octets: bytes, *, hold: bool = False):
    """A server that answers anything with these octets and closes, or never says more (``hold``)."""
    released = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(octets)
        if hold:
            await released.wait()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/hooks/key-in-path?token=key-in-query"
        released.set()
        await asyncio.sleep(0)
