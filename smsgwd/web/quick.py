"""The short way of the call that matters: ``POST /v1/messages`` from a program that sends text after text.

A general HTTP server spends more on such a call than the gateway does. So every connection begins with a :class:`Front`.
It serves calls that are as plain as they can be: this method and path, headers from a short list, and head and body whole
in one piece. At the first thing that is anything else it hands the connection to the general server, with all that was
read, for good. It decides nothing about the call itself: token, operation and errors are those of :mod:`smsgwd.web.app`.

Nothing is guessed. A header that is not on the list, or stands twice, a length that is not exactly that of the body, a
second call behind the first: all of that is for the general server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, cast

import msgspec

#: the only request lines that are served here -> whether the connection stays by itself
_LINES = {b"POST /v1/messages HTTP/1.1": True, b"POST /v1/messages HTTP/1.0": False}
#: octets of a head and of a whole call
_MOST_HEAD, _MOST = 4_096, 32_768
#: header -> what its value must be, in small letters; None = anything
_HEADERS: dict[bytes, tuple[bytes, ...] | None] = {
    b"host": None,
    b"user-agent": None,
    b"accept": None,
    b"accept-encoding": None,
    b"connection": (b"keep-alive",),
    b"content-type": (b"application/json", b"application/json; charset=utf-8"),
    b"content-length": None,
    b"authorization": None,
    b"idempotency-key": None,
}


class Plain(msgspec.Struct, frozen=True):
    """One plain call. ``asks_to_stay``: the caller says ``Connection: keep-alive``, and wants to be told so."""

    body: bytes
    authorization: str
    key: str
    asks_to_stay: bool = False


class Reply(msgspec.Struct, frozen=True):
    """What is answered; ``headers`` besides those of every answer."""

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str] = {}


#: answers a call from an address; what it raises is a bug
Answering = Callable[[Plain, str], Coroutine[Any, Any, Reply]]


def read(octets: bytes) -> Plain | None:
    """The call that these octets are, whole; None for everything else."""
    head, blank, body = octets.partition(b"\r\n\r\n")
    if not blank or len(head) > _MOST_HEAD or len(octets) > _MOST or not head.isascii():
        return None
    line, *lines = head.split(b"\r\n")
    stays = _LINES.get(line)
    if stays is None:
        return None
    found: dict[bytes, bytes] = {}
    for header in lines:
        name, colon, value = header.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if not colon or name in found or name not in _HEADERS or not value.decode("ascii").isprintable():
            return None
        allowed = _HEADERS[name]
        if allowed is not None and value.lower() not in allowed:
            return None
        found[name] = value
    length = found.get(b"content-length", b"")
    if b"content-type" not in found or length != b"%d" % len(body):
        return None
    if (b"host" if stays else b"connection") not in found:
        return None
    authorization, key = (found.get(name, b"").decode("ascii") for name in (b"authorization", b"idempotency-key"))
    return Plain(body, authorization, key, b"connection" in found)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


@lru_cache(maxsize=64)
def _head(status: int, content_type: str, date: str, more: tuple[tuple[str, str], ...]) -> bytes:
    """All of an answer's head but its length."""
    headers = (("Content-Type", content_type), ("Date", date), *more)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}Content-Length: ".encode("ascii")


def written(reply: Reply, now: int, common: dict[str, str], connection: str = "") -> bytes:
    """The octets of an answer. ``now`` is milliseconds since 1970; ``common`` are the headers of every answer;
    ``connection`` is what the header of that name says, "" for no such header."""
    more = (*common.items(), *reply.headers.items(), *((("Connection", connection),) if connection else ()))
    head = _head(reply.status, reply.content_type, _date(now // 1000), more)
    return b"%b%d\r\n\r\n%b" % (head, len(reply.body), reply.body)


class Front(asyncio.Protocol):
    """One connection, as long as it brings plain calls alone.

    ``general`` makes the protocol of the general server; ``gone`` is told when this one has nothing to do with the
    connection any more, and no call of it runs; ``failed`` of a call that failed by a bug; ``idle``: seconds after which
    a connection without a call is closed, whether the last answer was taken or not.
    """

    def __init__(
        self, answering: Answering, now: Callable[[], int], common: dict[str, str], general: Callable[[], asyncio.Protocol],
        gone: Callable[[Front], None], failed: Callable[[BaseException], None], idle: float,
    ) -> None:  # fmt: skip
        self._answering, self._now, self._common = answering, now, common
        self._general, self._gone, self._failed, self._idle = general, gone, failed, idle
        self._loop = asyncio.get_running_loop()
        self._behind = b""
        self._address = ""
        self._ending = self._stay = self._lost = False
        self._transport: asyncio.Transport | None = None  # the loop makes it a turn after this object
        #: the call under way; it goes on when the caller goes away
        self.task: asyncio.Task[Reply] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        self._used = self._loop.time()
        self._timer = self._loop.call_later(self._idle, self._look)
        if self._ending:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._timer.cancel()
        if self.task is None:
            self._gone(self)

    def eof_received(self) -> bool:
        """The caller sends no more. One that still waits for its answer gets it."""
        self._ending = True
        return self.task is not None

    def data_received(self, data: bytes) -> None:
        transport = self._open()
        if self.task is not None:
            self._behind += data
            if len(self._behind) > _MOST:
                transport.pause_reading()
            return
        call = read(data)
        if call is None or transport.get_write_buffer_size():
            self._hand_on(transport, data)
            return
        self._stay = call.asks_to_stay
        self.task = self._loop.create_task(self._answering(call, self._address), name="quick call")
        self.task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Reply]) -> None:
        """The call is over, by whatever end."""
        self.task = None
        transport = self._open()
        if self._lost:
            self._gone(self)
        if task.cancelled():
            transport.abort()
            return
        if error := task.exception():
            self._failed(error)
        if transport.is_closing():
            return
        reply = Reply(500, b"", "text/plain") if error else task.result()
        ends = self._ending or error is not None
        connection = "close" if ends else "keep-alive" if self._stay else ""
        transport.write(written(reply, self._now(), self._common, connection))
        self._used = self._loop.time()
        if ends:
            transport.close()
        elif self._behind:
            data, self._behind = self._behind, b""
            transport.resume_reading()
            self.data_received(data)

    def _open(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def _hand_on(self, transport: asyncio.Transport, data: bytes) -> None:
        """To the general server, with what was read."""
        self._timer.cancel()
        self._gone(self)
        general = self._general()
        transport.set_protocol(general)
        general.connection_made(transport)
        general.data_received(data)

    def _look(self) -> None:
        """Ends a connection that has been idle for too long. Not by ``close``: that waits for ever until the last answer
        is taken."""
        rest = self._used + self._idle - self._loop.time()
        if self.task is None and rest <= 0:
            self._open().abort()
        else:
            self._timer = self._loop.call_later(rest if rest > 0 else 1.0, self._look)

    def end(self) -> None:
        """No more calls; the one under way is answered."""
        self._ending = True
        if self.task is None and self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """Ends the connection whatever is under way: an accepted text stays accepted."""
        if self.task is not None:
            self.task.cancel()
        if self._transport is not None:
            self._transport.abort()
