"""Where HTTP is served: the unix socket and TCP, each with a bound on its connections, and the end of both.

A connection that is idle, or takes its time over a request's head, is closed after ``IDLE`` seconds; one too many is told
503 and closed. At the end no new connection is taken, calls that run have ``SHUTDOWN`` seconds, idle ones end at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
import traceback
from collections.abc import Callable
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from smsgwd.errors import ConfigError, Problem, StoreUnavailable
from smsgwd.log import get_logger
from smsgwd.web.quick import Answering, Front

#: seconds that a connection may lie idle, a refused body may drain, and calls may take to end at a stop
IDLE, LINGER, SHUTDOWN = 60.0, 2.0, 2.0
#: connections of one door
MOST_CONNECTIONS = 256
#: connections that may wait to be taken
BACKLOG = 128
#: rights of the unix socket: its owner and group
SOCKET_MODE = 0o660

_FULL = b"HTTP/1.1 503 Service Unavailable\r\nServer: smsgwd\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

log = get_logger("http")


class _Errors(logging.Handler):
    """What aiohttp tells of requests that failed, as lines of our log."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or isinstance(error, HttpProcessingError):
            log.debug("a connection spoke no proper HTTP", error=type(error).__name__)
            return
        tell_bug(error)


def tell_bug(error: BaseException) -> None:
    """A request failed by a bug: kind and place, never a word of the request."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    log.error("a request failed by a bug", error=type(error).__name__, place=place)


def _logger() -> logging.Logger:
    logger = logging.Logger("smsgwd.http")  # of its own, not in the tree: nothing else hears of it
    logger.addHandler(_Errors())
    return logger


class _Full(asyncio.Protocol):
    """Answers a connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        out = cast(asyncio.Transport, transport)
        out.write(_FULL)
        out.close()


class Site:
    """One door: an application behind one listening socket. ``quick`` answers plain calls before it
    (:mod:`smsgwd.web.quick`); ``now`` is the clock in milliseconds, ``headers`` those of every answer."""

    def __init__(
        self, application: web.Application, quick: Answering, now: Callable[[], int], headers: dict[str, str]
    ) -> None:
        self._quick, self._now, self._headers = quick, now, headers
        self._fronts: set[Front] = set()
        self.runner = web.AppRunner(
            application, access_log=None, logger=_logger(), shutdown_timeout=SHUTDOWN, keepalive_timeout=IDLE,
            lingering_time=LINGER, auto_decompress=False,
        )  # fmt: skip
        self._listening: asyncio.Server | None = None

    def _protocol(self) -> asyncio.BaseProtocol:
        server = self.runner.server
        assert server is not None
        if len(server.connections) + len(self._fronts) >= MOST_CONNECTIONS:
            return _Full()
        front = Front(self._quick, self._now, self._headers, server, self._fronts.discard, tell_bug, IDLE)
        self._fronts.add(front)
        return front

    async def start(self, listening: socket.socket) -> None:
        await self.runner.setup()
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._protocol, sock=listening, backlog=BACKLOG)

    async def stop(self) -> None:
        """Within ``SHUTDOWN`` seconds, twice that when calls do not end."""
        if self._listening is not None:
            self._listening.close()
        fronts = list(self._fronts)
        for front in fronts:
            front.end()
        calls = [front.task for front in fronts if front.task is not None]
        if calls:
            await asyncio.wait(calls, timeout=SHUTDOWN)
        for front in fronts:
            front.cut()
        await self.runner.cleanup()


# ---- sockets -------------------------------------------------------------------------------------------------------


class UnixSocket:
    """The socket file. One that a dead daemon left is replaced; a living one is refused and stays as it is."""

    def __init__(self, path: str) -> None:
        """ConfigError for a place that cannot be used; StoreUnavailable when another program serves there."""
        self.path = path
        try:
            self._clear()
            self.socket = self._bind()
        except OSError as e:
            raise _wrong("gateway.socket", path, e) from None
        self._inode = os.stat(path).st_ino

    def _clear(self) -> None:
        try:
            mode = os.lstat(self.path).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise ConfigError([Problem("smsgwd.toml", "gateway.socket", f"{self.path} exists and is no socket")])
        if _alive(self.path):
            raise StoreUnavailable(f"another program serves {self.path}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def _bind(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        try:
            os.fchmod(made.fileno(), 0o600)  # Linux: the file is made with these rights, so it is never open to all
            made.bind(self.path)
            os.chmod(self.path, SOCKET_MODE)
            made.setblocking(False)
        except OSError:
            made.close()
            raise
        return made

    def remove(self) -> None:
        """Takes the file away, unless another daemon has put its own there."""
        with contextlib.suppress(FileNotFoundError):
            if os.stat(self.path).st_ino == self._inode:
                os.unlink(self.path)


def _alive(path: str) -> bool:
    """Whether anybody listens. PermissionError when we may not even ask."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except (TimeoutError, BlockingIOError):
            return True  # its queue is full: it lives, and is busy
        return True


async def tcp_socket(listen: str) -> socket.socket:
    """A bound socket for ``host:port`` or ``[v6]:port``. ConfigError."""
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:  # the resolver would take it modulo 65536
        raise _wrong("api.listen", listen, ValueError("a port is a number from 0 to 65535"))
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(10):
            found = await loop.getaddrinfo(
                host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
        family, _, _, _, address = found[0]
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.setblocking(False)
        except OSError:
            made.close()
            raise
    except OSError as e:
        raise _wrong("api.listen", listen, e) from None
    return made


def address_of(bound: socket.socket) -> str:
    """``host:port``, with brackets around an IPv6 address."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _wrong(key: str, place: str, error: Exception) -> ConfigError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ConfigError([Problem("smsgwd.toml", key, f"{place}: {reason}")])
