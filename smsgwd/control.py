"""The control socket of a simulator: a JSON object a line in, ``{"ok":true,…}`` or ``{"ok":false,"error":"…"}`` a line out.

What a request does is the simulator's own (:meth:`Control.do`); this file knows sockets and bounds. A socket that a dead
simulator left is replaced, one that answers is left alone.
"""

from __future__ import annotations

import asyncio
import json
import socket
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

#: bytes of one request
LONGEST_LINE = 1 << 20
#: programs that may be connected at once
MOST_CLIENTS = 64
#: seconds to find out whether another simulator answers at the socket
KNOCK = 1.0


class Control(ABC):
    """Requests to one simulator."""

    def __init__(self) -> None:
        self.connections: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None
        self._path = ""

    @abstractmethod
    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """Does what a request asks, and gives what the answer says besides ``ok``. ValueError for a bad one."""

    def answer(self, line: bytes) -> dict[str, Any]:
        """One request and its answer."""
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("a request is a JSON object")
            return {"ok": True, **self.do(request)}
        except RecursionError:
            return {"ok": False, "error": "nested too deeply"}
        except ValueError as e:
            return {"ok": False, "error": str(e)}

    async def start(self, path: str) -> None:
        """Opens the socket. OSError when another simulator has it, or it cannot be made."""
        _free(path)
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(self), path)
        self._path = path

    async def stop(self) -> None:
        """Closes the socket and what is connected to it."""
        if self._server is not None:
            self._server.close()
            for connection in list(self.connections):
                connection.close()
            self._server = None
            Path(self._path).unlink(missing_ok=True)


class _Connection(asyncio.Protocol):
    """One client of the socket."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._input = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._control.connections.add(transport)
        if len(self._control.connections) > MOST_CLIENTS:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        assert self._transport is not None
        self._control.connections.discard(self._transport)

    def data_received(self, octets: bytes) -> None:
        assert self._transport is not None
        *lines, self._input = (self._input + octets).split(b"\n")
        for line in lines:
            if line.strip():
                self._say(self._control.answer(line))
        if len(self._input) > LONGEST_LINE:
            self._say({"ok": False, "error": f"a request has at most {LONGEST_LINE} bytes"})
            self._transport.close()

    def _say(self, answer: dict[str, Any]) -> None:
        assert self._transport is not None
        self._transport.write(json.dumps(answer).encode() + b"\n")


def text_of(request: dict[str, Any], key: str, default: str | None = None) -> str:
    """A text of a request; ValueError when it is missing."""
    value = request.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"`{key}` is missing, or is no text")
    return value


def _free(path: str) -> None:
    """Removes a socket that a dead simulator left; FileExistsError when it answers, or is no socket."""
    place = Path(path)
    if place.is_socket():
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(KNOCK)
            if s.connect_ex(path) == 0:
                raise FileExistsError(17, "another simulator answers there", path)
        place.unlink(missing_ok=True)
    elif place.exists():
        raise FileExistsError(17, "is there already and is no socket", path)
