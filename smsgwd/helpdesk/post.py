"""POSTs to one address over kept connections.

A general HTTP client costs a multiple of what a call to a desk needs, and a busy gateway makes two calls for each text. So
this one does no more: one address, one method, a body that is there. Redirects, proxies of the environment, cookies and
compressed answers do not exist here. A kept connection that the desk has closed meanwhile is replaced
by a new one, once: a desk that takes a call and breaks gets it twice at most, and both have the same id.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable, Mapping

import msgspec
from yarl import URL

from smsgwd.helpdesk.answer import Answer, AnswerReader, NoHttp

#: connections that wait for another call
KEPT = 8


class Unreachable(Exception):
    """No connection; ``__cause__`` says why."""


class Poster:
    """Makes calls to one URL."""

    def __init__(self, url: str, fields: Mapping[str, str], timeout: float) -> None:
        """``fields`` are headers of every call; ``timeout``: seconds for a whole call."""
        address = URL(url)
        self.host, self.port, self.timeout = address.raw_host or "", address.port or 0, timeout
        self._tls = ssl.create_default_context() if address.scheme == "https" else None
        self._idle: list[_Connection] = []
        fixed = {"Host": _authority(address), **fields}
        if address.user is not None:
            login = f"{address.user}:{address.password or ''}".encode()
            fixed["Authorization"] = "Basic " + base64.b64encode(login).decode()
        self._head = f"POST {address.raw_path_qs} HTTP/1.1\r\n" + _lines(fixed)

    async def post(self, fields: Mapping[str, str], body: bytes) -> Answer:
        """One call. Unreachable; ConnectionError when the connection breaks; NoHttp; TimeoutError, unless the status is
        there and only the body is not."""
        octets = f"{self._head}{_lines(fields)}Content-Length: {len(body)}\r\n\r\n".encode() + body
        until = asyncio.get_running_loop().time() + self.timeout
        if self._idle:
            kept = self._idle.pop()
            try:
                return await self._over(kept, octets, until)
            except ConnectionResetError:
                if kept.reader.begun:
                    raise
        async with asyncio.timeout_at(until):
            made = await self._connect()
        return await self._over(made, octets, until)

    async def _over(self, connection: _Connection, octets: bytes, until: float) -> Answer:
        kept = False
        try:
            answer = await connection.ask(octets, until)
            kept = answer.kept and len(self._idle) < KEPT and not connection.closed
        finally:
            if kept:
                self._idle.append(connection)
            else:
                connection.abort()
        return answer

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        name = self.host if self._tls is not None else None
        try:
            _, made = await loop.create_connection(
                lambda: _Connection(self._idle), self.host, self.port, ssl=self._tls, server_hostname=name
            )
        except (OSError, UnicodeError) as e:  # also what TLS finds, and names that cannot be one
            raise Unreachable from e
        return made

    def close(self) -> None:
        for connection in self._idle.copy():
            connection.abort()
        self._idle.clear()


class _Connection(asyncio.Protocol):
    """One call at a time."""

    def __init__(self, idle: list[_Connection]) -> None:
        self._idle, self.closed = idle, False
        self.reader = AnswerReader()
        self._answer: asyncio.Future[Answer] | None = None

    async def ask(self, octets: bytes, until: float) -> Answer:
        """``until`` by the clock of the loop."""
        if self.closed:
            raise ConnectionResetError
        loop = asyncio.get_running_loop()
        self.reader = AnswerReader()
        self._answer = loop.create_future()
        self._transport.write(octets)
        timer = loop.call_at(until, self._late)
        try:
            return await self._answer
        finally:
            timer.cancel()

    def _late(self) -> None:
        """The time is over. A status is an answer, also without its body."""
        if self._answer is None or self._answer.done():
            return
        head = self.reader.head
        if head is None or head.status < 200:
            self._answer.set_exception(TimeoutError())
        else:
            self._answer.set_result(msgspec.structs.replace(head, kept=False))

    def abort(self) -> None:
        self.closed = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.abort()  # nobody has asked for it
            return
        self._settle(lambda: self.reader.feed(data))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self in self._idle:
            self._idle.remove(self)
        self._settle(self.reader.ended)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())

    def _settle(self, read: Callable[[], Answer | None]) -> None:
        if self._answer is None or self._answer.done():
            return
        try:
            answer = read()
        except NoHttp as e:
            self._answer.set_exception(e)
            return
        if answer is not None:
            self._answer.set_result(answer)


def _authority(address: URL) -> str:
    """Host and port as the Host field has them (RFC 9110 section 7.2)."""
    host = address.raw_host or ""
    name = f"[{host}]" if ":" in host else host
    return name if address.is_default_port() else f"{name}:{address.port}"


def _lines(fields: Mapping[str, str]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
