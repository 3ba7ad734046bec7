"""One bind to an SMSC as a :class:`smsgwd.link.Link`: what outlives a connection, and connecting.

``run`` connects (TLS when configured, checked against the system's certificates and the host's name), hands the socket to
:class:`smsgwd.smpp.connection.Connection`, and raises LinkError when that breaks. ``least_pause`` then says how long the
supervisor should wait at least: a carrier locks an account that knocks too often with a wrong password.

``submit`` waits for a slot of the window and for the pace, writes, and waits for the answer. Until the PDU is written, a
link that is not bound is a LinkError: nothing was sent. After that, no answer is Uncertain.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator

from smsgwd.clock import Clock
from smsgwd.config import SmppConfig
from smsgwd.errors import LinkError, PduError
from smsgwd.link import LinkSink
from smsgwd.model import LinkState, Refusal, RefusalClass, Segment, SubmitResult
from smsgwd.smpp.connection import Connection, result_of
from smsgwd.smpp.consts import CommandStatus
from smsgwd.smpp.pace import Pace
from smsgwd.smpp.repeats import Repeats
from smsgwd.smpp.session import Timers
from smsgwd.smpp.texts import submit_sm


class SmppLink:
    """One bind. ``least_pause``: seconds to wait at least before the next :meth:`run`, by what ended the last."""

    def __init__(self, config: SmppConfig, clock: Clock, timers: Timers | None = None) -> None:
        self._config, self._clock, self._timers = config, clock, timers or Timers()
        self._where = f"{config.host}:{config.port}"
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
            async with self._slots:
                self._sending()
                wait = self._pace.reserve(self._clock.monotonic())
                if wait > 0:
                    await self._clock.sleep(wait)
                answer = await self._sending().submit(body, segment.submission)
        except PduError as e:
            return Refusal("PDU", RefusalClass.PERMANENT, f"it cannot be written as submit_sm: {e}")
        if answer.status == CommandStatus.ESME_RTHROTTLED:
            self._pace.throttled(self._clock.monotonic())
        return result_of(answer)

    def _sending(self) -> Connection:
        if self._connection is None or not self._connection.sends:
            raise LinkError(f"{self._where}: not bound for sending")
        return self._connection

    async def run(self, sink: LinkSink, stop: asyncio.Event) -> None:
        """See :meth:`smsgwd.link.Link.run`."""
        self.least_pause = 0.0
        await sink.changed(self.name, LinkState.STARTING, f"connecting to {self._where}")
        async with self._connected() as connection:
            try:
                await connection.serve(sink, stop)
            except BaseExceptionGroup as group:
                raise _reason(group) from None
            finally:
                self.least_pause = connection.least_pause

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        reader, writer = await self._connect()
        self._connection = connection = Connection(
            self._config, self._clock, self._timers, self._repeats, reader, writer
        )
        try:
            yield connection
        finally:
            self._connection = None
            await connection.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """LinkError says what is wrong: the name, the port, the certificate."""
        config = self._config
        context = ssl.create_default_context() if config.tls else None
        try:
            async with asyncio.timeout(self._timers.bind):
                return await asyncio.open_connection(config.host, config.port, ssl=context)
        except ssl.SSLCertVerificationError as e:
            why = f"its certificate is refused: {e.verify_message}"
        except ssl.SSLError as e:
            why = f"TLS failed: {e.reason or 'no handshake'}"
        except TimeoutError:
            why = f"no connection in {self._timers.bind:g} s"
        except OSError as e:  # asyncio puts words of its own in strerror; a name that is not found has a negative number
            why = os.strerror(e.errno) if e.errno and e.errno > 0 else e.strerror or str(e)
        raise LinkError(f"{self._where}: {why}")


def _reason(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The LinkError of a TaskGroup, or the whole group when there is anything else in it."""
    links, rest = group.split(LinkError)
    first: BaseException | None = links
    while rest is None and isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return group if rest is not None or first is None else first
