"""One bind to an SMSC as a :class:`smsgwd.link.Link`: the socket around :mod:`smsgwd.smpp.session`.

While it runs, a TaskGroup holds

* the *reader*: octets → session → events. Answers resolve the futures that :meth:`SmppLink.submit` waits on; texts and
  receipts go to the inbox. When the inbox is full, reading stops, and TCP makes the SMSC wait;
* the *clerks*: they take from the inbox, call the sink, and acknowledge when it has returned, that is, committed. They are
  several, so that one commit of the store can hold many texts;
* the *timer*: calls ``session.tick`` when something is due. All waits of the session end there.

``submit`` waits for a slot of the window and for the pace, writes, and waits for the answer. No answer in time, or a
connection that ends, is Uncertain: the SMSC may have the text. A late answer goes to ``sink.settled``.

The socket: TCP_NODELAY, and TCP_QUICKACK again after each read (Linux forgets it), because a small write waits 40 ms for
the other side's delayed acknowledgement where either of us leaves Nagle's algorithm on.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

from smsgwd.clock import Clock
from smsgwd.config import SmppConfig
from smsgwd.errors import LinkError, PduError, StoreUnavailable, Uncertain
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.model import Accepted, DeliveryReport, LinkState, Refusal, RefusalClass, Segment, SubmitResult
from smsgwd.smpp.bodies import Bind
from smsgwd.smpp.consts import CommandStatus
from smsgwd.smpp.events import Answer, BindRefused, Bound, Broken, Delivery, Event, Noted, Unanswered, Unbound
from smsgwd.smpp.fields import Tlv
from smsgwd.smpp.pace import Pace
from smsgwd.smpp.pdu import unpack_tlvs
from smsgwd.smpp.refusal import bind_refusal, submit_refusal
from smsgwd.smpp.repeats import Repeats
from smsgwd.smpp.session import SENDS, Session, Timers
from smsgwd.smpp.texts import read_deliver, submit_sm, unreadable

log = get_logger("smpp")

_READ_SIZE = 65_536
#: most octets that wait to be written; an SMSC that does not read for so long is gone
_MOST_UNWRITTEN = 1 << 20
#: texts and receipts that wait for the store, and how many may be with it at once
_INBOX, _CLERKS = 1_000, 32
#: tries and pause to store a late answer while the store is away
_LATE_TRIES, _LATE_PAUSE = 60, 1.0


class SmppLink:
    """One bind. ``least_pause`` is the least time in seconds before the next :meth:`run`, by what ended the last."""

    def __init__(self, config: SmppConfig, clock: Clock, timers: Timers | None = None) -> None:
        self._config, self._clock, self._timers = config, clock, timers or Timers()
        self.least_pause = 0.0
        self._pace = Pace(config.throughput)
        self._slots = asyncio.Semaphore(config.window)
        self._repeats = Repeats(clock.now())
        self._connection: Connection | None = None

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def window(self) -> int:
        """0 for a receiver: it can send nothing."""
        return 0 if self._config.bind == "receiver" else self._config.window

    async def submit(self, segment: Segment) -> SubmitResult:
        """See :meth:`smsgwd.link.Link.submit`."""
        try:
            body = submit_sm(segment, self._config.number)
        except PduError as e:
            return Refusal("PDU", RefusalClass.PERMANENT, f"it cannot be written as submit_sm: {e}")
        async with self._slots:
            self._ready()
            wait = self._pace.reserve(self._clock.monotonic())
            if wait > 0:
                await self._clock.sleep(wait)
            answer = await self._ready().submit(body, segment.submission)
        return self._result(answer)

    def _ready(self) -> Connection:
        connection = self._connection
        if connection is None or not connection.sends:
            raise LinkError("not bound for sending")
        return connection

    def _result(self, answer: Answer) -> SubmitResult:
        if answer.status == CommandStatus.ESME_ROK:
            return Accepted(answer.message_id)
        if answer.status == CommandStatus.ESME_RTHROTTLED:
            self._pace.throttled(self._clock.monotonic())
        return submit_refusal(answer.status)

    async def run(self, sink: LinkSink, stop: asyncio.Event) -> None:
        """See :meth:`smsgwd.link.Link.run`."""
        where = f"{self._config.host}:{self._config.port}"
        self.least_pause = 0.0
        await sink.changed(self.name, LinkState.STARTING, f"connecting to {where}")
        async with self._connected(where) as connection:
            try:
                await connection.serve(sink, stop)
            except BaseExceptionGroup as group:
                raise _first(group) from None
            finally:
                self.least_pause = connection.least_pause

    @contextlib.asynccontextmanager
    async def _connected(self, where: str) -> AsyncIterator[Connection]:
        """Connects, and closes in the end: whatever was not answered is uncertain then."""
        config = self._config
        context = ssl.create_default_context() if config.tls else None
        try:
            async with asyncio.timeout(self._timers.bind):
                reader, writer = await asyncio.open_connection(config.host, config.port, ssl=context)
        except ssl.SSLCertVerificationError as e:
            raise LinkError(f"{where}: the certificate is refused: {e.verify_message}") from None
        except ssl.SSLError as e:
            raise LinkError(f"{where}: no TLS: {e.reason or 'the handshake failed'}") from None
        except TimeoutError:
            raise LinkError(f"{where}: no connection in {self._timers.bind:g} s") from None
        except OSError as e:
            raise LinkError(f"{where}: {e.strerror or e}") from None
        connection = Connection(config, self._clock, self._timers, self._repeats, reader, writer)
        self._connection = connection
        try:
            yield connection
        finally:
            self._connection = None
            await connection.close()


class Connection:
    """One TCP connection with its session, from bind to the end."""

    def __init__(
        self, config: SmppConfig, clock: Clock, timers: Timers, repeats: Repeats,
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        self._config, self._clock, self._timers, self._repeats = config, clock, timers, repeats
        self._reader, self._writer = reader, writer
        self.session = Session(config.bind, credentials(config), timers)
        self.least_pause = 0.0
        self._draining = False
        self._answers: dict[str, asyncio.Future[Answer]] = {}
        self._inbox: asyncio.Queue[Delivery | Answer] = asyncio.Queue(_INBOX)
        self._paused = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._bound = asyncio.Event()
        self._ended = asyncio.Event()
        self._stamp = b""
        _prepare(writer)

    @property
    def sends(self) -> bool:
        return self.session.state in SENDS and not self._draining

    # -- out ---------------------------------------------------------------------------------------------------------

    async def submit(self, body: object, key: str) -> Answer:
        """Writes a submit_sm and waits for its answer; Uncertain when there is none. The session ends the wait."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[key] = answer
        self._idle.clear()
        try:
            self.session.submit(body, key, self._clock.monotonic())
            self._flush()
            return await answer
        finally:
            if self._answers.get(key) is answer:
                del self._answers[key]
            if not self._answers:
                self._idle.set()
