"""One TCP connection to an SMSC, from bind to unbind: the I/O around :mod:`smsgwd.smpp.session`.

While :meth:`Connection.serve` runs, a TaskGroup holds

* the *reader*: octets → session → events. Answers resolve the futures that :meth:`Connection.submit` waits on; texts and
  receipts go to the inbox. When the inbox is full, reading stops, and TCP makes the SMSC wait;
* the *clerks*: they take from the inbox, call the sink, and acknowledge when it has returned, that is, committed. They are
  several, so that one commit of the store can hold many texts;
* the *timer*: calls ``session.tick`` when something is due. The waits of bind, submit and unbind end there.

What is written in one turn of the event loop goes out in one write. TCP_NODELAY is on, and TCP_QUICKACK is set again after
each read (Linux forgets it): a small write waits 40 ms for a delayed acknowledgement where either side leaves Nagle's
algorithm on.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from smsgwd.clock import Clock
from smsgwd.config import SmppConfig
from smsgwd.errors import LinkError, PduError, StoreUnavailable, Uncertain
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.model import Accepted, DeliveryReport, InboundSegment, LinkState, SubmitResult
from smsgwd.smpp.bodies import Bind, ShortMessage
from smsgwd.smpp.consts import CommandStatus
from smsgwd.smpp.events import Answer, BindRefused, Bound, Broken, Delivery, Event, Noted, Unanswered, Unbound
from smsgwd.smpp.refusal import bind_refusal, submit_refusal
from smsgwd.smpp.repeats import Repeats
from smsgwd.smpp.session import SENDS, Session, Timers
from smsgwd.smpp.texts import read_deliver, unreadable

log = get_logger("smpp")

_READ_SIZE = 65_536
#: most octets that wait to be written; an SMSC that leaves so many unread is gone
_MOST_UNWRITTEN = 1 << 20
#: texts and receipts that wait for the store, and how many may be with it at once
_INBOX, _CLERKS = 1_000, 32
#: seconds that open submissions and the inbox have when the link drains, and the socket when it closes
_DRAIN, _CLOSE = 5.0, 1.0
#: seconds between two looks while reading is stopped
_PAUSED = 0.1
#: tries, and seconds between them, to store a late answer while the store is away
_LATE_TRIES, _LATE_PAUSE = 60, 1.0
#: odd things of the peer that become events, for each connection
_MOST_NOTICES = 20

Inbound = InboundSegment | DeliveryReport


class Connection:
    """``least_pause``: seconds to wait at least before the next connection, by what ended this one."""

    def __init__(
        self, config: SmppConfig, clock: Clock, timers: Timers, repeats: Repeats,
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        self._name, self._where = config.name, f"{config.host}:{config.port}"
        self._clock, self._timers, self._repeats = clock, timers, repeats
        self._reader, self._writer = reader, writer
        self.session = Session(config.bind, credentials(config), timers)
        self.least_pause = 0.0
        self._answers: dict[str, asyncio.Future[Answer]] = {}
        self._inbox: asyncio.Queue[tuple[Delivery, Inbound] | Answer] = asyncio.Queue(_INBOX)
        self._bound, self._ended, self._settled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._draining = self._paused = self._writing = self._closed = False
        self._notices = 0
        self._prepare_socket()

    # -- out ---------------------------------------------------------------------------------------------------------

    @property
    def sends(self) -> bool:
        """A submit_sm may be written now."""
        return self.session.state in SENDS and not self._draining and not self._closed

    async def submit(self, body: ShortMessage, key: str) -> Answer:
        """Writes a submit_sm and waits for its answer. Uncertain when none comes in time (the session's timers end the
        wait) or the connection ends; PduError when a field does not fit, and then nothing was written."""
        self.session.submit(body, key, self._clock.monotonic())
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[key] = answer
        self._settled.clear()
        self._flush()
        try:
            return await answer
        finally:
            self._answers.pop(key, None)
            if not self._answers:
                self._settled.set()

    # -- life --------------------------------------------------------------------------------------------------------

    async def serve(self, sink: LinkSink, stop: asyncio.Event) -> None:
        """Binds, works until ``stop``, drains and unbinds. An ExceptionGroup with a LinkError when it breaks."""
        try:
            self.session.bind(self._clock.monotonic())
        except PduError as e:
            raise LinkError(f"{self._where}: the bind cannot be written: {e}") from None
        self._flush()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._read(sink), name=f"reader of {self._name}"),
                group.create_task(self._keep_time(sink), name=f"timer of {self._name}"),
                *(group.create_task(self._clerk(sink), name=f"clerk {n} of {self._name}") for n in range(_CLERKS)),
            ]
            waits = [
                group.create_task(event.wait(), name=f"{what} of {self._name}")
                for what, event in (("bind", self._bound), ("stop", stop))
            ]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if self._bound.is_set():
                await sink.changed(self._name, LinkState.UP, f"bound to {self._where}")
                await stop.wait()
                await self._drain(sink)
            for task in [*tasks, *waits]:
                task.cancel()

    async def _drain(self, sink: LinkSink) -> None:
        """What has begun gets an answer; then unbind. Closing without it makes many SMSCs refuse the next bind."""
        self._draining = True
        await sink.changed(self._name, LinkState.DRAINING, "stopping")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN):
                if self._answers:
                    await self._settled.wait()
                await self._inbox.join()
        self.session.unbind(self._clock.monotonic())
        self._flush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timers.unbind):
                await self._ended.wait()

    async def close(self) -> None:
        """Ends the socket. Every submission without an answer is uncertain."""
        self._write()
        self._closed = True
        self.session.close()
        self._repeats.broken(self._clock.monotonic())
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Uncertain("the connection ended before the SMSC answered"))
        self._writer.close()
        try:
            async with asyncio.timeout(_CLOSE):
                await self._writer.wait_closed()
        except (TimeoutError, OSError):
            self._writer.transport.abort()

    # -- tasks -------------------------------------------------------------------------------------------------------

    async def _read(self, sink: LinkSink) -> None:
        """No time-out of its own: the timer ends a silent connection."""
        while not self._ended.is_set():
            try:
                octets = await self._reader.read(_READ_SIZE)
            except OSError as e:
                octets, why = b"", e.strerror or "the connection broke"
            else:
                why = "the SMSC closed the connection"
            if not octets:
                self._end(why)
                return
            self._acknowledge_quickly()
            events = self.session.receive_data(octets, self._clock.monotonic())
            self._flush()
            await self._act(events, sink)

    async def _keep_time(self, sink: LinkSink) -> None:
        while not self._ended.is_set():
            now = self._clock.monotonic()
            await self._clock.sleep(_PAUSED if self._paused else max(0.0, self.session.next_tick(now) - now))
            if not self._paused:
                # answers may lie unread in the socket while reading is stopped: then nothing is overdue
                events = self.session.tick(self._clock.monotonic())
                self._flush()
                await self._act(events, sink)

    async def _clerk(self, sink: LinkSink) -> None:
        while True:
            item = await self._inbox.get()
            try:
                if isinstance(item, Answer):
                    await self._settle(item, sink)
                else:
                    await self._store(*item, sink)
            finally:
                self._inbox.task_done()

    async def _store(self, delivery: Delivery, inbound: Inbound, sink: LinkSink) -> None:
        """Acknowledges after the commit, and not before."""
        status = CommandStatus.ESME_ROK
        try:
            if isinstance(inbound, DeliveryReport):
                await sink.reported(self._name, inbound)
            else:
                await sink.received(self._name, inbound)
        except StoreUnavailable as e:
            log.warning("a delivery is left with the SMSC", link=self._name, why=str(e))
            status = CommandStatus.ESME_RX_T_APPN
            self._repeats.forget(delivery.header, delivery.octets)
        self.session.answer(delivery, status)
        self._flush()

    async def _settle(self, answer: Answer, sink: LinkSink) -> None:
        for _ in range(_LATE_TRIES):
            try:
                return await sink.settled(self._name, answer.key, result_of(answer))
            except StoreUnavailable:
                await self._clock.sleep(_LATE_PAUSE)
        log.error("a late answer could not be stored; the text stays uncertain", link=self._name, submission=answer.key)
        return None

    # -- events of the session ---------------------------------------------------------------------------------------

    async def _act(self, events: list[Event], sink: LinkSink) -> None:
        """Answers first: a full inbox must not hold them up."""
        deliveries = [e for e in events if isinstance(e, Delivery)]
        for event in events:
            if isinstance(event, Answer) and not event.late:
                self._resolve(event)
            elif isinstance(event, Unanswered):
                self._doubt(event)
            elif isinstance(event, Bound):
                log.info("bound", link=self._name, smsc=event.system_id, version=hex(event.version))
                self._bound.set()
        for event in events:
            if isinstance(event, Answer) and event.late:
                await self._put(event)
            elif isinstance(event, Noted):
                await self._notice(event, sink)
        for delivery in deliveries:
            await self._put((delivery, self._inbound(delivery)))
        for event in events:
            if isinstance(event, Broken | BindRefused | Unbound):
                self._end(self._why(event))

    def _resolve(self, event: Answer) -> None:
        answer = self._answers.get(event.key)
        if answer is not None and not answer.done():
            answer.set_result(event)

    def _doubt(self, event: Unanswered) -> None:
        answer = self._answers.get(event.key)
        if answer is not None and not answer.done():
            answer.set_exception(Uncertain(f"the SMSC gave no answer in {self._timers.response:g} s"))

    async def _put(self, item: tuple[Delivery, Inbound] | Answer) -> None:
        """Waits while the inbox is full: the clerks empty it as fast as the store answers."""
        self._paused = self._inbox.full()
        try:
            await self._inbox.put(item)
        finally:
            self._paused = False

    def _inbound(self, delivery: Delivery) -> Inbound:
        raw = self._repeats.stamped(delivery.header, delivery.octets, self._clock.monotonic())
        if delivery.body is None:
            return unreadable(raw, delivery.fault)
        return read_deliver(delivery.body, raw)

    async def _notice(self, event: Noted, sink: LinkSink) -> None:
        self._notices += 1
        if self._notices <= _MOST_NOTICES:
            await sink.noticed(self._name, "link.notice", what=event.what)
        elif self._notices == _MOST_NOTICES + 1:
            await sink.noticed(self._name, "link.notice", what="the SMSC goes on with odd PDUs; no more of them is told")

    def _why(self, event: Broken | BindRefused | Unbound) -> str:
        if isinstance(event, BindRefused):
            why, self.least_pause = bind_refusal(event.status)
            return f"the SMSC refused the bind: {why}"
        if isinstance(event, Broken):
            return event.why
        return "the SMSC ended the session" if event.by_peer else "unbound"

    def _end(self, why: str) -> None:
        """The end: an error unless we wanted it."""
        self._ended.set()
        self._settled.set()  # nothing more is answered
        if not self._draining:
            raise LinkError(f"{self._where}: {why}")

    # -- socket ------------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Writes at the end of this turn of the event loop, all in one."""
        if not self._writing:
            self._writing = True
            asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        self._writing = False
        octets = self.session.data_to_send()
        if not octets or self._closed or self._writer.is_closing():
            return
        self._writer.write(octets)
        if self._writer.transport.get_write_buffer_size() > _MOST_UNWRITTEN:
            log.error("the SMSC does not read what we write; the connection is cut", link=self._name)
            self._writer.transport.abort()

    def _prepare_socket(self) -> None:
        self._socket = self._writer.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._acknowledge_quickly()

    def _acknowledge_quickly(self) -> None:
        quick = getattr(socket, "TCP_QUICKACK", None)
        if quick is not None:
            with contextlib.suppress(OSError):  # the peer may have reset the connection meanwhile
                self._socket.setsockopt(socket.IPPROTO_TCP, quick, 1)


def credentials(config: SmppConfig) -> Bind:
    """The body of the bind. Its repr shows no password."""
    password = config.password.reveal() if config.password else ""
    return Bind(
        system_id=config.system_id.encode(), password=password.encode(), system_type=config.system_type.encode()
    )


def result_of(answer: Answer) -> SubmitResult:
    """What an answer to submit_sm means."""
    return Accepted(answer.message_id) if answer.status == CommandStatus.ESME_ROK else submit_refusal(answer.status)
