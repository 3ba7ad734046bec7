"""One TCP connection to an SMSC, from bind to unbind: the I/O around :mod:`smsgwd.smpp.session`.

An asyncio Protocol: what the loop has read goes through the session at once, in a plain function. Answers resolve the
futures that :meth:`Connection.submit` gave out; texts and receipts go to the :class:`~smsgwd.smpp.inbox.Inbox`. While
:meth:`Connection.serve` runs, a TaskGroup holds the inbox's clerks and the *timer*, which calls ``session.tick`` when
something is due. The waits of bind, submit and unbind end there.

What is written in one turn of the event loop goes out in one write. TCP_NODELAY is on, and TCP_QUICKACK is set again after
each read (Linux forgets it): a small write waits 40 ms for a delayed acknowledgement where either side leaves Nagle's
algorithm on. Octets that nobody acknowledges for 30 s end the connection (TCP_USER_TIMEOUT).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple, Protocol, cast

from smsgwd.clock import Clock, came
from smsgwd.errors import LinkError, PduError, Uncertain
from smsgwd.events import masked
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.model import SubmitResult
from smsgwd.smpp.bodies import Bind, Body, DataSm, ShortMessage
from smsgwd.smpp.consts import CommandId
from smsgwd.smpp.events import Alert, Answer, BindRefused, Bound, Broken, Delivery, Event, Noted, Unanswered, Unbound
from smsgwd.smpp.inbox import Inbound, Inbox
from smsgwd.smpp.incoming import oddities, unreadable
from smsgwd.smpp.refusal import bind_refusal
from smsgwd.smpp.repeats import Heard
from smsgwd.smpp.session import Session, Timers
from smsgwd.smpp.tls import tls_trouble

log = get_logger("smpp")

#: most octets that wait to be written; an SMSC that leaves so many unread is gone
_MOST_UNWRITTEN = 1 << 20
#: milliseconds that octets may stay without an acknowledgement of the peer's system
_UNACKNOWLEDGED = 30_000
#: seconds that open submissions and the inbox have when the link drains, and the socket when it closes
_DRAIN, _CLOSE = 5.0, 1.0
#: seconds between two looks while reading is stopped, and after it went on, until overdue answers count again
_PAUSED, _CATCH_UP = 0.1, 0.5

_SUBMIT_SM = int(CommandId.SUBMIT_SM)
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class SessionEnded(LinkError):
    """The session with the SMSC ended.

    ``status``: what it refused the bind with, 0 otherwise. ``bound``: seconds that the session had been bound; None when
    it never was.
    """

    def __init__(self, detail: str, status: int = 0) -> None:
        self.status = status
        self.bound: float | None = None
        super().__init__(detail)


class Account(NamedTuple):
    """What all sessions of a link have in common."""

    name: str
    bind: Bind
    timers: Timers
    clock: Clock
    #: a text or receipt, and what is stored of it -> what it says
    read: Callable[[ShortMessage | DataSm, bytes], Inbound]
    #: what an answer to submit_sm means
    judge: Callable[[Answer], SubmitResult]


class Holder(Protocol):
    """Who holds the connection."""

    async def changed(self, connection: Connection) -> None:
        """It is bound, drains, or its store is away or back."""
        ...

    def freed(self) -> None:
        """There is room in the window again."""
        ...


class Connection(asyncio.Protocol):
    """``kind`` is transceiver, transmitter or receiver; ``where`` is host:port, for people."""

    def __init__(self, account: Account, where: str, kind: str, heard: Heard, holder: Holder) -> None:
        self.name, self.where, self.kind = account.name, where, kind
        self.session = Session(kind, account.bind, account.timers)
        self.bound = self.draining = False
        #: when it was bound, on the monotonic clock
        self.since = 0.0
        #: requests that wait for their answer, and turns that are promised
        self.open: dict[str, asyncio.Future[Answer]] = {}
        self.promised = 0
        self.inbox = Inbox(account.name, account.clock, self, account.judge)
        self._clock, self._decode, self._heard, self._holder = account.clock, account.read, heard, holder
        self._error: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._news, self._ended, self._lost = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._settled = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._paused = self._writing = self._in_order = False
        self._leaving: str | None = None
        self._resumed = -_CATCH_UP

    # -- out ---------------------------------------------------------------------------------------------------------

    @property
    def sends(self) -> bool:
        """A submit_sm may be written now."""
        return self.bound and not self.draining and not self._ended.is_set() and self.kind != "receiver"

    @property
    def stalled(self) -> bool:
        """It is not read, because the store is away."""
        return self.inbox.stalled

    def submit(self, body: ShortMessage, key: str, now: float) -> asyncio.Future[Answer]:
        """Writes a submit_sm; the future has its answer, or Uncertain when none comes in time (the session's timers end
        the wait) or the connection ends. PduError when a field does not fit, and then nothing was written."""
        self.session.submit(body, key, now)
        return self._opened(key)

    def ask(self, command: CommandId, body: Body, key: str, now: float) -> asyncio.Future[Answer]:
        """As :meth:`submit`, for query_sm, cancel_sm and replace_sm."""
        self.session.ask(command, body, key, now)
        return self._opened(key)

    def _opened(self, key: str) -> asyncio.Future[Answer]:
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self.open[key] = answer
        if not self._writing:
            self._writing = True
            self._loop.call_soon(self._write)
        return answer

    # -- life --------------------------------------------------------------------------------------------------------

    async def serve(self, sink: LinkSink, stop: asyncio.Event) -> None:
        """Binds, works until ``stop``, drains and unbinds. SessionEnded when it breaks."""
        try:
            self.session.bind(self._clock.monotonic())
        except PduError as e:
            raise SessionEnded(f"the bind cannot be written: {e}") from None
        self._write()
        async with asyncio.TaskGroup() as group:
            self.inbox.open(group, sink)
            tasks = [
                group.create_task(self._keep_time(), name=f"timer of {self.name}"),
                group.create_task(self._told(stop), name=f"stop of {self.name}"),
            ]
            try:
                await self._news.wait()
                if self.bound and not self._ended.is_set():
                    await self._holder.changed(self)
                while not (self._ended.is_set() or stop.is_set() or self._leaving):
                    self._news.clear()
                    await self._news.wait()
                if not self._ended.is_set():
                    await self._drain()
            finally:
                self.inbox.close()
                for task in tasks:
                    task.cancel()
        if self._error is not None and not (self.draining and isinstance(self._error, SessionEnded)):
            raise self._error
        if self._leaving and not stop.is_set():
            raise SessionEnded(self._leaving)

    def leave(self, why: str) -> None:
        """Drains and unbinds, so that it can be bound anew."""
        self._leaving = why
        self._news.set()

    async def _told(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._news.set()

    async def _drain(self) -> None:
        """What has begun gets an answer; then unbind, also of a bind that has none yet. Closing without it makes many
        SMSCs refuse the next bind."""
        self.draining = True
        if self.open:
            self._settled.clear()
        if self.bound:
            await self._holder.changed(self)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN):
                    if self.open:
                        await self._settled.wait()
                    if not self._ended.is_set():
                        await self.inbox.empty()
        self.session.unbind(self._clock.monotonic())
        self._write()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.session.timers.unbind):
                await self._ended.wait()

    async def close(self) -> None:
        """Ends the socket. Every submission without an answer is uncertain."""
        self._write()
        self.bound = False
        self.session.close()
        if not self._in_order or self.inbox.waiting:
            self._heard.broken(self._clock.monotonic())
        for answer in self.open.values():
            if not answer.done():
                answer.set_exception(Uncertain("the connection ended before the SMSC answered"))
        self.open.clear()
        self._holder.freed()
        if self._transport is not None and not self._lost.is_set():
            for end in (self._transport.close, self._transport.abort):
                end()
                if await came(self._lost, _CLOSE):
                    break

    # -- the event loop calls ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._socket = self._transport.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED)

    def data_received(self, data: bytes) -> None:
        if _QUICKACK is not None:
            with contextlib.suppress(OSError):  # the peer may have reset the connection meanwhile
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        self._act(self.session.receive_data(data, self._clock.monotonic()))
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        if exc is None:
            self._end(SessionEnded("the SMSC closed the connection" + ("" if self.bound else " before it answered the bind")))
        elif isinstance(exc, ssl.SSLError):
            self._end(SessionEnded(tls_trouble(exc)))
        elif isinstance(exc, OSError):
            self._end(SessionEnded(os.strerror(exc.errno) if exc.errno else "the connection broke"))
        else:
            self._end(exc)  # a bug in data_received: it ends the link's task, and with it the daemon

    @property
    def certificate(self) -> object:
        """What the SMSC showed, as ``getpeercert()`` gives it."""
        return self._transport.get_extra_info("peercert") if self._transport else None

    # -- events of the session ---------------------------------------------------------------------------------------

    def _act(self, events: list[Event]) -> None:
        resolved = False
        for event in events:
            kind = type(event)
            if kind is Answer:
                resolved = self._resolve(cast(Answer, event)) or resolved
            elif kind is Delivery:
                self.inbox.put(cast(Delivery, event))
            else:
                resolved = self._other(event) or resolved
        if resolved:
            self._holder.freed()
            if not self.open:
                self._settled.set()

    def _resolve(self, event: Answer) -> bool:
        answer = self.open.pop(event.key, None)
        if answer is None:  # it was uncertain; the answer to a question is of no use any more
            if event.command == _SUBMIT_SM:
                self.inbox.put(event)
            return False
        if not answer.done():
            answer.set_result(event)
        return True

    def _other(self, event: Event) -> bool:
        """True when it ended the wait for an answer."""
        match event:
            case Unanswered():
                return self._doubt(event)
            case Bound():
                log.info("bound", link=self.name, smsc=event.system_id, version=hex(event.version))
                self.bound, self.since = True, self._clock.monotonic()
                self._news.set()
            case Noted():
                self.inbox.put(event.what)
            case Alert():
                number = ("+" if event.ton == 1 else "") + event.source_addr.decode("latin-1")
                self.inbox.put(f"{masked(number)} can be reached again, says the SMSC (alert_notification)")
            case BindRefused():
                self._end(SessionEnded(f"the SMSC refused the bind: {bind_refusal(event.status)[0]}", event.status))
            case Broken():
                self._end(SessionEnded(event.why))
            case Unbound():
                self._in_order = True
                self._end(SessionEnded("the SMSC ended the session" if event.by_peer else "unbound"))
        return False

    def _doubt(self, event: Unanswered) -> bool:
        answer = self.open.pop(event.key, None)
        if answer is None:
            return False
        if not answer.done():
            answer.set_exception(Uncertain(f"the SMSC gave no answer in {self.session.timers.response:g} s"))
        return True

    def _end(self, error: Exception) -> None:
        """The first reason counts."""
        if not self._ended.is_set():
            self._error = error
            self._ended.set()
            self._settled.set()  # nothing more is answered
            self._news.set()

    # -- the inbox calls ---------------------------------------------------------------------------------------------

    def decoded(self, delivery: Delivery) -> Inbound:
        raw = self._heard.stamped(delivery.header, delivery.octets, self._clock.monotonic())
        if delivery.body is None:
            return unreadable(raw, delivery.fault)
        for what in oddities(delivery.body):
            self.inbox.put(what)
        return self._decode(delivery.body, raw)

    def answer(self, delivery: Delivery, status: int) -> None:
        self.session.answer(delivery, status)
        if not self._writing:
            self._writing = True
            self._loop.call_soon(self._write)

    def refused(self, delivery: Delivery) -> None:
        self._heard.forget(delivery.header, delivery.octets)

    def read(self, on: bool) -> None:
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.resume_reading if on else self._transport.pause_reading)()
        self._paused = not on
        self._resumed = self._clock.monotonic()

    async def stalled_changed(self) -> None:
        await self._holder.changed(self)

    # -- time and writing --------------------------------------------------------------------------------------------

    async def _keep_time(self) -> None:
        while not self._ended.is_set():
            now = self._clock.monotonic()
            if self._behind(now):
                await self._clock.sleep(_PAUSED)
                continue
            await self._clock.sleep(max(0.0, self.session.next_tick(now) - now))
            now = self._clock.monotonic()
            if not self._behind(now):
                self._act(self.session.tick(now))
                self._write()

    def _behind(self, now: float) -> bool:
        """Answers may lie unread in the socket: then nothing is overdue."""
        return self._paused or now - self._resumed < _CATCH_UP

    def _write(self) -> None:
        self._writing = False
        octets = self.session.data_to_send()
        transport = self._transport
        if not octets or transport is None or transport.is_closing():
            return
        transport.write(octets)
        if transport.get_write_buffer_size() > _MOST_UNWRITTEN:
            log.error("the SMSC does not read what we write; the connection is cut", link=self.name)
            transport.abort()
