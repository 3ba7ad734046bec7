"""Calls over kept connections, to servers of our own on loopback."""

import asyncio
import contextlib
import ssl
from contextlib import asynccontextmanager

import pytest

from smsgwd.helpdesk.answer import Answer
from smsgwd.helpdesk.post import KEPT, Poster, Unreachable
from tests.certificates import self_signed

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Server:
    """Answers each request with ``answer``; closes a connection after so many. Keeps the heads that came."""

    def __init__(self, answer: bytes = OK, each: int = 1000) -> None:
        self.answer, self.each = answer, each
        #: it takes requests and breaks the connection instead of answering
        self.breaks = False
        self.connections, self.heads = 0, []
        self.open: set[asyncio.StreamWriter] = set()
        self.gate = asyncio.Event()
        self.gate.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            for _ in range(self.each):
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                await reader.readexactly(2)
                await self.gate.wait()
                if self.breaks:
                    break
                writer.write(self.answer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self.open.discard(writer)

    async def ended(self) -> None:
        """All connections are over on this side too."""
        self.gate.set()
        async with asyncio.timeout(5):
            while self.open:
                await asyncio.sleep(0)


@asynccontextmanager
async def posting(server: Server, url="http://127.0.0.1:{port}/hook?key=1", context=None, timeout: float = 5.0):
    """A Poster at a server."""
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context) as listening:
        poster = Poster(url.format(port=listening.sockets[0].getsockname()[1]), {"A": "b"}, timeout)
        try:
            yield poster
        finally:
            poster.close()
            await server.ended()


async def test_one_connection_for_calls_one_after_another():
    """A connection is kept; each request has its line, its host and all its fields."""
    server = Server()
    async with posting(server) as poster:
        for n in range(3):
            assert await poster.post({"webhook-id": str(n)}, b"{}") == Answer(204, kept=True)
        host = f"Host: 127.0.0.1:{poster.port}"
    assert server.connections == 1
    lines = server.heads[2].split("\r\n")
    assert lines == ["POST /hook?key=1 HTTP/1.1", host, "A: b", "webhook-id: 2", "Content-Length: 2", "", ""]


async def test_calls_at_once():
    """Each has a connection of its own; not more than so many are kept."""
    server = Server()
    server.gate.clear()
    async with posting(server) as poster, asyncio.timeout(5), asyncio.TaskGroup() as group:
        for _ in range(KEPT + 3):
            group.create_task(poster.post({}, b"{}"), name="post")
        while len(server.heads) < KEPT + 3:
            await asyncio.sleep(0)
        server.gate.set()
    assert server.connections == KEPT + 3


async def test_connection_that_the_desk_has_closed():
    """It is replaced, and the call is none the worse for it."""
    server = Server(each=1)
    async with posting(server) as poster:
        for _ in range(3):
            assert (await poster.post({}, b"{}")).status == 204
    assert (server.connections, len(server.heads)) == (3, 3)


async def test_answer_that_was_not_read_to_its_end():
    """Its rest is nobody's answer: the next call has a connection of its own."""
    server = Server(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nsorry")
    async with posting(server) as poster:
        for _ in range(2):
            assert await poster.post({}, b"{}") == Answer(500)
    assert server.connections == 2


async def test_a_desk_that_takes_calls_and_breaks():
    """A call goes over a kept connection, and once more over a new one, however many are kept: no desk gets it more often."""
    server = Server()
    server.gate.clear()
    async with posting(server) as poster, asyncio.TaskGroup() as group:
        calls = [group.create_task(poster.post({}, b"{}")) for _ in range(3)]
        while server.connections < 3:
            await asyncio.sleep(0)
        server.gate.set()
        await asyncio.wait(calls)
        before, server.breaks = len(server.heads), True
        with pytest.raises(ConnectionError):
            await poster.post({"webhook-id": "x"}, b"{}")
        assert len(server.heads) - before == 2


async def test_body_that_never_ends():
    """When the time is over the status stands, where it was said."""
    server = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    async with posting(server, timeout=0.05) as poster:
        assert (await poster.post({}, b"{}")).status == 200
        server.answer = b""
        with pytest.raises(TimeoutError):
            await poster.post({}, b"{}")


async def test_user_and_password_of_the_address():
    """They are sent as Basic authentication, and are not in the request line."""
    server = Server()
    async with posting(server, "http://me:se%3Acret@127.0.0.1:{port}/x y/ü") as poster:
        await poster.post({}, b"{}")
    assert server.heads[0].startswith("POST /x%20y/%C3%BC HTTP/1.1\r\n")
    assert "Authorization: Basic bWU6c2U6Y3JldA==\r\n" in server.heads[0]  # me:se:cret


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A server's context with a certificate of our own, and the file of it."""
    return self_signed(tmp_path_factory.mktemp("tls"))


async def test_certificate_that_is_trusted(certificate, monkeypatch):
    """A call over TLS, with the name of the address checked."""
    context, cert = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    server = Server()
    async with posting(server, "https://localhost:{port}/", context) as poster:
        assert (await poster.post({}, b"{}")).status == 204
    assert len(server.heads) == 1


@pytest.mark.parametrize(
    ("host", "trusted"), [pytest.param("localhost", False, id="unknown"), pytest.param("127.0.0.1", True, id="other name")]
)
async def test_certificate_that_is_not(certificate, monkeypatch, host, trusted):
    """Nothing is sent to who cannot show that it is the desk."""
    context, cert = certificate
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    server = Server()
    async with posting(server, f"https://{host}:{{port}}/", context) as poster:
        with pytest.raises(Unreachable) as caught:
            await poster.post({}, b"{}")
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert server.heads == []
