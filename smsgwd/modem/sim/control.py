"""How people and tests speak to the simulated modem: JSON lines on a unix socket, or in a script.

=====================================  =========================================================================
``{"do":"text","from":N,"text":T}``    somebody texts the phone; ``parts``
``{"do":"pdu","pdu":HEX}``             this PDU comes, SMSC included, whatever it is
``{"do":"report","mr":N,"st":0}``      the network reports on the text with this reference; ``st`` is TP-ST
``{"do":"fault","name":F,…}``          see ``faults`` and ``catalogue``; ``seed`` for what is random from now on
``{"do":"state"}``                     number, storages, registration, faults that wait
=====================================  =========================================================================

Each line is answered by one: ``{"ok":true,…}``, or ``{"ok":false,"error":"…"}`` for what makes no sense.
"""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

from smsgwd.clock import Clock
from smsgwd.modem.sim.catalogue import read_faults
from smsgwd.modem.sim.engine import SimModem
from smsgwd.modem.sim.faults import LONGEST

#: bytes of one request
LONGEST_LINE = 1 << 20
#: programs that may be connected at once
MOST_CLIENTS = 64
#: seconds to find out whether another simulator answers at the socket
KNOCK = 1.0


class Control:
    """Requests to one modem."""

    def __init__(self, modem: SimModem) -> None:
        self.modem = modem
        self.connections: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None
        self._path = ""

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

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """Does what a request asks; ValueError for a bad one."""
        what = request.get("do")
        if what == "text":
            return {"parts": self.modem.text(_string(request, "from"), _string(request, "text"))}
        if what == "pdu":
            self.modem.pdu(_string(request, "pdu"))
        elif what == "report":
            self.modem.report(_octet(request, "mr"), _octet(request, "st", 0))
        elif what == "fault":
            self._fault(request)
        elif what == "state":
            return self.modem.state()
        else:
            raise ValueError("`do` is text, pdu, report, fault or state")
        return {}

    def _fault(self, request: dict[str, Any]) -> None:
        more = {k: v for k, v in request.items() if k not in ("do", "name", "after", "seed")}
        faults = read_faults(request.get("name"), more)
        if (seed := request.get("seed")) is not None:
            try:
                self.modem.reseed(int(seed) if isinstance(seed, str) and len(seed) < 20 else _integer(seed))
            except ValueError:
                raise ValueError("`seed` is a whole number") from None
        for fault in faults:
            self.modem.fault(fault)

    async def start(self, path: str) -> None:
        """Opens the control socket. OSError when another simulator has it, or it cannot be made."""
        _free(path)
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Connection(self), path)
        self._path = path

    async def stop(self) -> None:
        """Closes the control socket and what is connected to it."""
        if self._server is not None:
            self._server.close()
            for connection in list(self.connections):
                connection.close()
            self._server = None
            Path(self._path).unlink(missing_ok=True)

    async def play(self, script: list[dict[str, Any]], clock: Clock) -> None:
        """Does the requests of a script, each ``after`` so many seconds; a bad one goes to the journal and the next follows."""
        for request in script:
            await clock.sleep(request["after"])
            answer = self.answer(json.dumps(request).encode())
            if not answer["ok"]:
                do = str(request.get("do")).encode("ascii", "backslashreplace").decode()
                self.modem.journal.note("script", error=answer["error"], do=do)


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


def _string(request: dict[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str):
        raise ValueError(f"`{key}` is missing, or is no text")
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("no whole number")
    return value


def _octet(request: dict[str, Any], key: str, default: int | None = None) -> int:
    value = request.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 0xFF:
        raise ValueError(f"`{key}` is a number from 0 to 255")
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


def read_script(path: str) -> list[dict[str, Any]]:
    """The requests of a script, ``after`` always set. ValueError with the line that is wrong; OSError."""
    script = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            raise ValueError(f"{path}, line {number}: not a JSON object")
        after = request.setdefault("after", 0)
        if isinstance(after, bool) or not isinstance(after, int | float) or not 0 <= after <= LONGEST:
            raise ValueError(f"{path}, line {number}: `after` is a number of seconds")
        script.append(request)
    return script
