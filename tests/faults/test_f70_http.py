"""F70: clients of the HTTP API that hold on to what they have: slow ones, idle ones, bodies without an end. By both ways in:
the quick one (smsgwd/web/quick.py) and the general server."""

import asyncio
import contextlib
import json

import pytest

from smsgwd.web import app, sites
from tests.web.served import served

BODY = json.dumps({"to": "+15550100777", "text": "hello"}).encode()
PLAIN = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)
CHUNKED = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


async def all_of(reader: asyncio.StreamReader) -> bytes:
    """What comes until the other side ends."""
    got = b""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            while octets := await reader.read(65536):
                got += octets
    return got


@pytest.mark.parametrize("tcp", [pytest.param(False, id="unix socket"), pytest.param(True, id="TCP")])
async def test_f70_a_thousand_idle_connections(tmp_path, tcp):
    """Of 1,000 connections that say nothing a door keeps its bound, the others are told 503 at once; a caller on the other
    door is served meanwhile, and when they leave this one serves again."""
    async with served(tmp_path, "admin") as api:
        host = api.address.split(":")

        async def connect():
            return await (asyncio.open_connection(*host) if tcp else asyncio.open_unix_connection(api.path))

        opened = []
        try:
            for _ in range(20):
                opened += await asyncio.gather(*(connect() for _ in range(50)))
            refused = 0
            async with asyncio.timeout(10):
                for reader, _ in opened[sites.MOST_CONNECTIONS :]:
                    line = await reader.readline()
                    refused += b" 503 " in line
            assert refused == 1000 - sites.MOST_CONNECTIONS
            other = api.ask("GET", "/healthz") if tcp else api.over_tcp("GET", "/healthz")
            assert (await other)[0] == 200
        finally:
            for _, writer in opened:
                writer.close()
        async with asyncio.timeout(5):
            while (await (api.over_tcp if tcp else api.ask)("GET", "/healthz"))[0] != 200:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("how", [pytest.param("plain", id="length"), pytest.param("chunked", id="chunks")])
async def test_f70_a_body_octet_by_octet(tmp_path, monkeypatch, how):
    """A body that takes longer than its time is given up with 408, whichever way it is framed; another call is served."""
    monkeypatch.setattr(app, "BODY", 0.1)
    async with served(tmp_path) as api:
        reader, writer = await asyncio.open_unix_connection(api.path)
        writer.write(PLAIN if how == "plain" else CHUNKED)

        async def drip():
            with contextlib.suppress(ConnectionError):
                for octet in BODY * 100:
                    writer.write(b"%c" % octet if how == "plain" else b"1\r\n%c\r\n" % octet)
                    await writer.drain()
                    await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(5):
            line = await reader.readline()
        assert (await api.ask("GET", "/healthz"))[0] == 200
        dripping.cancel()
        writer.close()
    assert b" 408 " in line


async def test_f70_a_chunked_body_without_end(tmp_path):
    """Chunks that never end are refused with 413 at the bound of a body. What still comes is thrown away for two seconds, so
    that the caller can read its answer, then the connection ends; others are served meanwhile."""
    async with served(tmp_path) as api:
        reader, writer = await asyncio.open_unix_connection(api.path)
        writer.write(CHUNKED)

        async def flood():
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                    await writer.drain()

        flooding = asyncio.create_task(flood())
        async with asyncio.timeout(10):
            line = await reader.readline()
            assert (await api.ask("GET", "/healthz"))[0] == 200
            assert not flooding.done()
            await flooding  # the other side ends it
        writer.close()
    assert b" 413 " in line


async def test_f70_large_bodies_at_once_are_bounded(tmp_path, monkeypatch):
    """Only so many large bodies are read at the same time; one more is told 429 and when to come again."""
    monkeypatch.setattr(app, "MOST_LARGE", 2)
    head = b"POST /v1/messages/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n{"
    async with served(tmp_path) as api:
        slow = [await asyncio.open_unix_connection(api.path) for _ in range(2)]
        for _, writer in slow:
            writer.write(head)
        async with asyncio.timeout(5):
            while app.large_bodies() < 2:
                await asyncio.sleep(0.005)
        reader, writer = await asyncio.open_unix_connection(api.path)
        writer.write(head)
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 429 " in answer.splitlines()[0]
        assert b"Retry-After: 2" in answer
        assert (await api.ask("POST", "/v1/messages", {"to": "+15550100777", "text": "hello"}))[0] == 202
        for _, w in [*slow, (None, writer)]:
            w.close()
        async with asyncio.timeout(5):
            while app.large_bodies():
                await asyncio.sleep(0.005)
