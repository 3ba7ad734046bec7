"""One session that a link wants to hold: where it connects, how it gets there, and how long it stays away after its end.

A try goes through the hosts in their order until one answers; names are resolved anew each time, and IPv6 and IPv4 are
tried side by side. A refused bind ends the try: the next one, after its pause, begins with the next host.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from smsgwd.config import SmppConfig
from smsgwd.link import LinkSink
from smsgwd.log import get_logger
from smsgwd.smpp.backoff import Backoff, Hosts, cause_of, where
from smsgwd.smpp.connection import Account, Connection, Holder, SessionEnded
from smsgwd.smpp.repeats import Repeats
from smsgwd.smpp.tls import server_name, tls_context, tls_trouble

log = get_logger("smpp")

#: seconds that the first address of a name has before the next one is tried beside it (RFC 8305)
_HEAD_START = 0.25

T = TypeVar("T")


class Post:
    """``connection`` is there while it lasts, bound or not. ``busy``: a try or a session is under way."""

    def __init__(self, config: SmppConfig, kind: str, account: Account, repeats: Repeats, chance: Callable[[], float]) -> None:
        self.kind = kind
        self.hosts = Hosts(config.host, config.port, config.hosts)
        self.connection: Connection | None = None
        self.busy = False
        #: when the next try may begin, on the monotonic clock
        self.not_before = 0.0
        #: a first try of this run has had its outcome, or waits for its time
        self.tried = asyncio.Event()
        self._tls, self._account, self._repeats = config.tls, account, repeats
        self._backoff = Backoff(config.reconnect, chance)

    async def work(self, holder: Holder, sink: LinkSink, stop: asyncio.Event) -> None:
        """Connects, binds, and serves until ``stop``. SessionEnded when that breaks, or no host can be had."""
        self.busy = True
        try:
            while not await self._host(holder, sink, stop):
                pass
        finally:
            self.busy = False

    def rest(self, ended: SessionEnded) -> float:
        """The pause that follows, which begins now; seconds."""
        pause = self._backoff.pause(cause_of(ended.status), ended.bound or 0.0)
        self.not_before = self._account.clock.monotonic() + pause
        return pause

    async def _host(self, holder: Holder, sink: LinkSink, stop: asyncio.Event) -> bool:
        """True when it is over, False when the next host is to be tried."""
        host, port = self.hosts.current
        place = where(host, port)
        bound: float | None = None
        try:
            connection = await before(stop, self._connect(host, port, holder), name=f"connect to {place}")
            if connection is None:
                return True
            self.connection = connection
            try:
                await connection.serve(sink, stop)
            finally:
                if connection.bound:
                    bound = self._account.clock.monotonic() - connection.since
                self.connection = None
                await connection.close()
        except SessionEnded as e:
            ended = SessionEnded(f"{place}: {e}", e.status)
            ended.bound = bound
            if bound is not None:
                self.hosts.first()
            elif not self.hosts.failed() and not e.status:
                log.warning("the next host is tried", link=self._account.name, why=str(ended))
                return False
            raise ended from None
        return True

    async def _connect(self, host: str, port: int, holder: Holder) -> Connection:
        """SessionEnded says what is wrong: the name, the port, the certificate."""
        timers, heard = self._account.timers, self._repeats.connection()
        context = tls_context(self._tls)
        try:
            async with asyncio.timeout(timers.bind):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self._account, where(host, port), self.kind, heard, holder),
                    host, port, ssl=context, server_hostname=server_name(self._tls, host),
                    happy_eyeballs_delay=_HEAD_START,
                )  # fmt: skip
                return connection
        except ssl.SSLError as e:
            why = tls_trouble(e)
        except TimeoutError:
            why = f"no connection in {timers.bind:g} s"
        except OSError as e:  # asyncio puts words of its own in strerror; a name that is not found has a negative number
            why = os.strerror(e.errno) if e.errno and e.errno > 0 else e.strerror or str(e) or "closed during the TLS handshake"
        except UnicodeError:
            why = "is no name of a host"
        raise SessionEnded(why)


async def before(stop: asyncio.Event, work: Coroutine[Any, Any, T], name: str) -> T | None:
    """What ``work`` gives; None, and the work cancelled, when ``stop`` comes first."""
    task = asyncio.create_task(work, name=name)
    halt = asyncio.create_task(stop.wait(), name=f"stop of {name}")
    try:
        await asyncio.wait((task, halt), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, halt):
            each.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await halt
        await asyncio.gather(task, return_exceptions=True)
