"""How commands reach the gateway: the daemon's unix socket, or the store itself while no daemon runs.

Both ways end in the same table of operations (:mod:`smsgwd.web.operations`), so a command neither knows nor cares. HTTP is
spoken by the standard library, because a command should start at once. A text that is accepted while no daemon runs goes
out at its next start.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from smsgwd.config import Config
from smsgwd.config.file import load
from smsgwd.errors import DaemonUnreachable, StoreUnavailable
from smsgwd.web.problems import error_of

#: seconds for one answer of the daemon
TIMEOUT = 30.0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(self.path)
        except OSError:
            self.sock.close()
            raise


class Door:
    """One invocation's way in. The configuration is read when it is first needed; secrets stay unread."""

    def __init__(self, config_path: str, reason: str = "") -> None:
        self.config_path, self.reason = config_path, reason

    @cached_property
    def config(self) -> Config:
        return load(self.config_path, reveal=False)

    def call(
        self, method: str, path: str, query: dict[str, Any] | None = None, body: Any = None, *, timeout: float = TIMEOUT
    ) -> Any:
        """The document that answers; the errors of :mod:`smsgwd.errors` for a problem."""
        query = {k: str(v) for k, v in (query or {}).items() if v not in (None, "")}
        if self.reason and self._acts(method, path):
            query["reason"] = self.reason
        try:
            return self._ask(method, path, query, body, timeout)
        except (FileNotFoundError, ConnectionRefusedError):
            return self._by_hand(method, path, query, body)
        except PermissionError:
            raise DaemonUnreachable(
                f"{self.config.gateway.socket}: no permission; run as root or as a member of the group smsgwd"
            ) from None
        except (OSError, http.client.HTTPException) as e:
            raise DaemonUnreachable(f"the daemon does not answer on {self.config.gateway.socket}: {e}") from None

    def _acts(self, method: str, path: str) -> bool:
        from smsgwd.web.operations import find

        return find(method, path)[0].acts

    def _ask(self, method: str, path: str, query: dict[str, str], body: Any, timeout: float) -> Any:
        connection = _UnixConnection(self.config.gateway.socket, timeout)
        try:
            octets = json.dumps(body).encode() if body is not None else None
            connection.request(method, _target(path, query), octets, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            document = json.loads(answer.read())
        except ValueError:
            raise DaemonUnreachable(f"what answers on {self.config.gateway.socket} is no smsgwd") from None
        finally:
            connection.close()
        if answer.status >= 400:
            raise error_of(document)
        return document

    def _by_hand(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        """Runs the operation on the store itself. It is locked meanwhile, so no daemon starts in between."""
        import asyncio

        return asyncio.run(self._offline(method, path, query, body))

    async def _offline(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        from smsgwd.clock import SystemClock
        from smsgwd.daemon import queue_limits, route_links
        from smsgwd.gateway import Gateway
        from smsgwd.queue.sqlite import open_queue
        from smsgwd.routing import Roster
        from smsgwd.web.operations import call

        clock = SystemClock()
        try:
            async with open_queue(self.config.gateway.database, clock=clock, limits=queue_limits(self.config)) as queue:
                gateway = Gateway(self.config, queue, Roster(route_links(self.config)), clock)
                await gateway.begin()
                return (await call(gateway, method, path, query, body, f"uid:{os.getuid()}"))[1]
        except StoreUnavailable as e:
            if "another smsgwd" not in str(e):
                raise
            raise DaemonUnreachable(
                f"a daemon has the database, but does not answer on {self.config.gateway.socket}; it may be starting"
            ) from None

    def stream(self, after: int, kind: str = "") -> Iterator[dict[str, Any]]:
        """Events as they happen. DaemonUnreachable when no daemon runs, or when it ends."""
        connection = _UnixConnection(self.config.gateway.socket, None)
        try:
            query = {"after": str(after), **({"kind": kind} if kind else {})}
            connection.request("GET", _target("/v1/events", query), headers={"Accept": "text/event-stream"})
            answer = connection.getresponse()
            if answer.status >= 400:
                raise error_of(json.loads(answer.read()))
            while line := answer.readline():
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
        except (OSError, http.client.HTTPException) as e:
            raise DaemonUnreachable(f"the daemon does not answer on {self.config.gateway.socket}: {e}") from None
        finally:
            connection.close()


def _target(path: str, query: dict[str, str]) -> str:
    return quote(path, safe="/+") + (f"?{urlencode(query)}" if query else "")
