"""How people and tests speak to the simulated SMSC: JSON lines on a unix socket.

==============================================  ==================================================================
``{"do":"text","from":N,"to":N,"text":T}``      somebody texts a number of an account; ``parts``. ``to`` and
                                                ``system_id`` may be left out
``{"do":"report","id":ID,"state":"expired"}``   a receipt on the text with this message_id; ``state`` is a
                                                message_state by name or number, delivered without one
``{"do":"fault","name":F,…}``                   see ``faults``
``{"do":"state"}``                              connections, texts, faults that wait
==============================================  ==================================================================

Each line is answered by one: ``{"ok":true,…}``, or ``{"ok":false,"error":"…"}`` for what makes no sense.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from smsgwd.smpp.consts import MessageState
from smsgwd.smpp.sim.centre import Centre
from smsgwd.smpp.sim.faults import read_fault

#: bytes of one request
LONGEST_LINE = 1 << 20
#: programs that may be connected at once
MOST_CLIENTS = 64
#: seconds to find out whether another simulator answers at the socket
KNOCK = 1.0
#: the number that is texted when a request names none
OUR_NUMBER = "+15550100200"


class Control:
    """Requests to one SMSC."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self.connections: set[asyncio.Transport] = set()

    def answer(self, line: bytes) -> dict[str, Any]:
        """One request and its answer."""
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("a request is a JSON object")
            return {"ok": True, **self._do(request)}
        except RecursionError:
            return {"ok": False, "error": "nested too deeply"}
        except ValueError as e:
            return {"ok": False, "error": str(e)}

    def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        what = request.get("do")
        if what == "text":
            to, account = _string(request, "to", OUR_NUMBER), _string(request, "system_id", "")
            return {"parts": self._centre.text(_string(request, "from"), to, _string(request, "text"), account)}
        if what == "report":
            self._centre.report(_string(request, "id"), _state(request.get("state", "delivered")))
        elif what == "fault":
            self._centre.fault(
                read_fault(request.get("name"), {k: v for k, v in request.items() if k not in ("do", "name")})
            )
        elif what == "state":
            return self._centre.state()
        else:
            raise ValueError("`do` is text, report, fault or state")
        return {}


class _Connection(asyncio.Protocol):
    """One client of the control socket."""

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


def _string(request: dict[str, Any], key: str, default: str | None = None) -> str:
    value = request.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"`{key}` is missing, or is no text")
    return value


def _state(value: object) -> MessageState:
    names = {state.name.lower(): state for state in MessageState}
    if isinstance(value, str) and value.lower() in names:
        return names[value.lower()]
    if isinstance(value, int) and value in set(MessageState):
        return MessageState(value)
    raise ValueError(f"`state` is one of: {', '.join(names)}")


@contextlib.asynccontextmanager
async def controlled(centre: Centre, path: str) -> AsyncIterator[None]:
    """Has a control socket inside ``async with``; none for an empty path. OSError when another simulator has it, or it
    cannot be made."""
    if not path:
        yield
        return
    _free(path)
    control = Control(centre)
    server = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(control), path)
    try:
        yield
    finally:
        server.close()
        for connection in list(control.connections):
            connection.close()
        Path(path).unlink(missing_ok=True)


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
